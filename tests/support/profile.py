"""The Hypothesis profile of the tests."""

from __future__ import annotations

import hypothesis


def use_patient_profile() -> None:
    """Use a profile without deadlines, as machines may be busy and no test asserts
    times.
    """
    default = hypothesis.settings.get_profile("default")
    made = hypothesis.settings(default, deadline=None)
    hypothesis.settings.register_profile("patient", made)
    hypothesis.settings.load_profile("patient")
