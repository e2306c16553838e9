"""A clock for built-in time limits, which stops while the process waits."""

from __future__ import annotations

import time
from collections.abc import Callable


def busy_clock(
    wall: Callable[[], float] = time.monotonic,
    processor: Callable[[], float] = time.process_time,
) -> Callable[[], float]:
    """Make a clock that starts at 0.

    With wall time alone, a limit would change the report on a busy or suspended
    machine: 60 s were seen to pass in which a test had the processor for 0.3 s. With
    processor time alone, a limit would be reached early on many cores, whose times are
    added up. So the clock uses the smaller of the two.

    Args:
        wall: Function that returns the wall time in seconds.
        processor: Function that returns the processor time of the process in seconds.

    Returns:
        A function that returns the seconds since the clock was made.
    """
    wall_start, processor_start = wall(), processor()
    return lambda: min(wall() - wall_start, processor() - processor_start)
