"""Calls running in other threads, such as a training that outlives its test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterator
from types import FrameType

from ..backend.private_api import REPLICA_THREAD
from ..backend.user_frames import is_framework

#: Packages in which a thread waits for work.
_WAITING = ("queue", "selectors", "asyncio", "concurrent", "multiprocessing", "socket")


def under_way() -> tuple[FrameType, ...]:
    """Return the outermost call of user code in each other thread that is not idle."""
    here = threading.get_ident()
    running = sys._current_frames()  # noqa: SLF001
    others = (it for key, it in running.items() if key != here)
    found = (_call_under_way(it) for it in others)
    return tuple(it for it in found if it is not None)


def is_part_of(calls: Collection[FrameType]) -> bool:
    """Whether the current code runs inside one of the calls."""
    if not calls:
        return False
    here = sys._getframe(1)  # noqa: SLF001
    return any(it in calls for it in _outer_frames(here))


def is_replica() -> bool:
    """Whether this thread traces one replica of a strategy, for another thread."""
    return type(threading.current_thread()).__name__ == REPLICA_THREAD


def _call_under_way(innermost: FrameType) -> FrameType | None:
    outermost: FrameType | None = None
    for frame in _outer_frames(innermost):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if outermost is None and package in _WAITING:
            return None  # idle, waiting for a call that has yet to begin
        if not is_framework(frame) and package not in sys.stdlib_module_names:
            outermost = frame
    return outermost


def _outer_frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
