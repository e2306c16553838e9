"""The Hypothesis profiles of the tests."""

from __future__ import annotations

import os

import hypothesis


def use_patient_profile() -> None:
    """Use a profile without deadlines, as machines may be busy and no test asserts
    times.
    """
    default = hypothesis.settings.get_profile("default")
    made = hypothesis.settings(default, deadline=None)
    hypothesis.settings.register_profile("patient", made)
    hypothesis.settings.load_profile("patient")


def use_repeatable_profile() -> None:
    """Also draw the same examples in each run, or others if the environment variable
    ``LOSSGUARD_FRESH_DRAWS`` is set, as every night.
    """
    use_patient_profile()
    if "LOSSGUARD_FRESH_DRAWS" not in os.environ:
        made = hypothesis.settings(derandomize=True, database=None)
        hypothesis.settings.register_profile("repeatable", made)
        hypothesis.settings.load_profile("repeatable")
