"""Times two functions alternately and prints the ratio in one line."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

__all__ = ["Pairs", "measured"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds of two functions that were run alternately, pair by pair.

    Attributes:
        ours: Wall time of the first function.
        theirs: Wall time of the second function.
        work: CPU seconds of both, over all threads; other programs on the machine
            influence them less than wall time.
    """

    ours: list[float]
    theirs: list[float]
    work: list[tuple[float, float]]

    @property
    def ratio(self) -> float:
        """Wall time of ours as a multiple of theirs: median over pairs."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio_of_work(self) -> float:
        """Like `ratio`, for CPU seconds."""
        return median(a / b for a, b in self.work if b)

    @property
    def gain(self) -> float:
        """How many times faster ours is: median over pairs."""
        return median(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    def report(self, name: str, other: str, bar: float | None = None) -> None:
        """Print the time of ours as a multiple of ``other``, which ``bar`` should
        limit.
        """
        wanted = "no bar" if bar is None else f"bar {bar:.2f}"
        self._tell(f"{name}: {self.ratio:.2f} x {other} ({wanted})")

    def report_gain(self, name: str, other: str, bar: float | None = None) -> None:
        """Print how many times faster ours is than ``other``; should be at least
        ``bar``.
        """
        wanted = "no bar" if bar is None else f"bar {bar:.0f}"
        self._tell(f"{name}: {self.gain:.1f} x faster than {other} ({wanted})")

    def _tell(self, lead: str) -> None:
        ours, theirs = _formatted(median(self.ours)), _formatted(median(self.theirs))
        count = len(self.ours)
        print(
            f"{lead}, {ours} against {theirs}, {count} repetitions,"
            f" CPU time {self.ratio_of_work:.2f} x",
            flush=True,
        )


def measured(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    repetitions: int,
    *,
    between: Callable[[], object] = lambda: None,
) -> Pairs:
    """Time both functions alternately; ``between`` runs before each call, untimed."""
    pairs = Pairs([], [], [])
    for _ in range(repetitions):
        work = []
        for run, seconds in ((ours, pairs.ours), (theirs, pairs.theirs)):
            between()
            began, worked = time.perf_counter(), time.process_time()
            run()
            seconds.append(time.perf_counter() - began)
            work.append(time.process_time() - worked)
        pairs.work.append((work[0], work[1]))
    return pairs


def _formatted(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"
