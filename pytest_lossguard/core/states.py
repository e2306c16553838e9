"""States of a marked test without a report entry, as written to JSON."""

from __future__ import annotations

#: The session ended before the test.
NOT_RUN = "not_run"
#: The test was left out by ``--lossguard-time``.
LEFT_OUT = "left_out"
#: The test belongs to another part of a split session.
ELSEWHERE = "elsewhere"

#: All states, including the outcomes of pytest; if several reports disagree, the first
#: of these counts.
STATES = ("failed", "passed", "skipped", LEFT_OUT, NOT_RUN, ELSEWHERE)
