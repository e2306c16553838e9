"""What came of a marked test that has no entry in a report, in the words of JSON."""

from __future__ import annotations

__all__ = ["ELSEWHERE", "LEFT_OUT", "NOT_RUN", "STATES"]

#: Its session ended before.
NOT_RUN = "not_run"
#: By ``--lossguard-time``.
LEFT_OUT = "left_out"
#: Another part of a session that is split is to run it.
ELSEWHERE = "elsewhere"

#: All, with the outcomes of pytest; of several reports the first of these counts.
STATES = ("failed", "passed", "skipped", LEFT_OUT, NOT_RUN, ELSEWHERE)
