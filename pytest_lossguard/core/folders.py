"""Folders that hold files of this plugin."""

from __future__ import annotations

__all__ = ["BASELINE_FOLDER", "REGRESSION_FOLDER", "REPLAY_FOLDER"]

#: Beside a test's file, committed.
BASELINE_FOLDER = "__lossguard__"
#: In pytest's root: failing cases that every search runs first, committed.
REGRESSION_FOLDER = "lossguard_regressions"
#: In pytest's root: the failing case of each search, not committed.
REPLAY_FOLDER = ".lossguard"
