"""The clock of time limits that nobody asked for: it stops while the process waits."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["busy_clock"]


def busy_clock(
    wall: Callable[[], float] = time.monotonic,
    processor: Callable[[], float] = time.process_time,
) -> Callable[[], float]:
    """Make a clock that starts at 0.

    A limit on wall time changes the report on a busy or suspended machine: 60 s were
    seen to pass in which a test had the processor for 0.3 s. Processor time alone ends
    early on many cores, whose times it adds. So the smaller of both counts.

    Args:
        wall: Gives the wall time in seconds.
        processor: Gives the processor time of the process in seconds.

    Returns:
        Gives the seconds since it was made.
    """
    wall_start, processor_start = wall(), processor()
    return lambda: min(wall() - wall_start, processor() - processor_start)
