"""Re-runs that are made once: asked for again, the same one gives its trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.change import Change, MakeRerun, ModelFacts, Rerun, RerunRequest
from ..core.errors import LossguardError
from ..core.trace import Trace

__all__ = ["RememberedRerun", "made_once"]


def made_once(make_rerun: MakeRerun) -> MakeRerun:
    """What gives the same re-run each time, so that a comparison, its proofs and a
    diagnosis share what they find out.

    Args:
        make_rerun: Makes it, when first asked for; asked again where it raised.
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
        rerun: What trains: from the same start it always gives the same trace.
    """

    def __init__(self, rerun: Rerun) -> None:
        self._rerun = rerun
        self._known: dict[object, Trace] = {}

    @property
    def facts(self) -> ModelFacts:
        """What the program is made of."""
        return self._rerun.facts

    @property
    def rows(self) -> int:
        """Rows of the data."""
        return self._rerun.rows

    @property
    def data(self) -> str:
        """A checksum of the data."""
        return self._rerun.data

    @property
    def is_complete(self) -> bool:
        """Whether all rows that were trained on are there."""
        return self._rerun.is_complete

    def __call__(
        self,
        *changes: Change,
        seed: int | None = None,
        held_out: float = 0.0,
        redrawn: bool = False,
    ) -> Trace:
        """Train from the same start, or give the trace of when that was done; what
        raised is tried again.
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
        """Several at once; none of them is remembered."""
        return self._rerun.several(requests, begin)
