"""Re-runs that train only once: a repeated request returns the same trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.change import Change, MakeRerun, ModelFacts, Rerun, RerunRequest
from ..core.errors import LossguardError
from ..core.trace import Trace


def made_once(make_rerun: MakeRerun) -> MakeRerun:
    """Return a function that returns the same `RememberedRerun` on each call, so that a
    comparison, its proofs and a diagnosis share their re-runs.

    Args:
        make_rerun: Called on the first call, and again on the next one if it raised.
    """
    made: list[Rerun] = []

    def once() -> Rerun:
        if not made:
            made.append(RememberedRerun(make_rerun()))
        return made[0]

    return once


class RememberedRerun:
    """A `Rerun` that trains once for the same changes, seed and held-out rows.

    Args:
        rerun: The `Rerun` that trains; it must be deterministic.
    """

    def __init__(self, rerun: Rerun) -> None:
        self._rerun = rerun
        self._known: dict[object, Trace] = {}

    @property
    def facts(self) -> ModelFacts:
        """Facts about the model, its loss and its optimizer."""
        return self._rerun.facts

    @property
    def rows(self) -> int:
        """The number of rows of the data."""
        return self._rerun.rows

    @property
    def data(self) -> str:
        """A checksum of the data."""
        return self._rerun.data

    @property
    def is_complete(self) -> bool:
        """Whether all rows of the training are available."""
        return self._rerun.is_complete

    def __call__(
        self,
        *changes: Change,
        seed: int | None = None,
        held_out: float = 0.0,
        redrawn: bool = False,
    ) -> Trace:
        """Train from the same start, or return the trace of an earlier call with the
        same arguments; a call that raised is not remembered.
        """
        asked = changes, seed, held_out, redrawn
        if asked not in self._known:
            self._known[asked] = self._rerun(
                *changes, seed=seed, held_out=held_out, redrawn=redrawn
            )
        return self._known[asked]

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Run several re-runs at once, without remembering their traces."""
        return self._rerun.several(requests, begin)
