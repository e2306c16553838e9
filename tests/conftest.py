import gc

from tests.support.profile import use_repeatable_profile

pytest_plugins = ["pytester"]

use_repeatable_profile()


def pytest_collection_finish():
    """What was imported stays: the collections of thousands of tests skip it."""
    gc.collect()
    gc.freeze()
