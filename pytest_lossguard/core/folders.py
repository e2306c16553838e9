"""Names of the folders that hold files of this plugin."""

from __future__ import annotations

#: Folder of baselines, next to the test file; committed.
BASELINE_FOLDER = "__lossguard__"
#: Folder in pytest's root directory with failing cases that every search runs first;
#: committed.
REGRESSION_FOLDER = "lossguard_regressions"
#: Folder in pytest's root directory with the failing case of each search; not
#: committed.
REPLAY_FOLDER = ".lossguard"
