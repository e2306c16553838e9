from tests.support.profile import use_patient_profile

pytest_plugins = ["pytester"]

use_patient_profile()
