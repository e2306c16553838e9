"""The profile of Hypothesis that the tests run under."""

from __future__ import annotations

import hypothesis


def use_patient_profile() -> None:
    """A property has no deadline: machines are busy, and tests assert no times."""
    default = hypothesis.settings.get_profile("default")
    made = hypothesis.settings(default, deadline=None)
    hypothesis.settings.register_profile("patient", made)
    hypothesis.settings.load_profile("patient")
