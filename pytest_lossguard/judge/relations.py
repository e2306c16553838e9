"""Checks of what one step depends on: each row's loss on its own label and inputs."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Kind, finding
from ..core.policy import Policy
from ..core.relations import MixedRows
from ..core.trace import Trace
from .curve import LossCurve

__all__ = ["rows_mixed"]

# What they find

ROWS_MIXED = Kind(
    name="rows_mixed",
    severity="error",
    headline="the loss mixes the rows of a batch",
    text="{where} combines predictions of shape {predictions} with labels or weights of"
    " shape {labels} into {pairs}: each row meets those of all rows{counted}, and the"
    " model learns what fits their average",
    hint="Give both one shape before the loss: tf.squeeze(predictions, axis=-1), or"
    " labels[:, tf.newaxis].",
)


def rows_mixed(trace: Trace, curve: LossCurve, policy: Policy) -> Iterator[Finding]:
    """A loss that pairs each row with every other, by the shapes that it combines."""
    del curve, policy
    mixed = None if trace.relations is None else trace.relations.mixed_rows
    if mixed is not None:
        rows = _rows(mixed) or trace.batch_size
        yield finding(
            ROWS_MIXED,
            value=None if rows is None else rows * rows,
            limit=rows,
            where=mixed.place,
            predictions=_shape(mixed.predictions),
            labels=_shape(mixed.labels),
            pairs=_shape((_rows(mixed),) * 2),
            counted="" if rows is None else f" ({rows * rows} pairs for {rows} rows)",
        )


def _rows(mixed: MixedRows) -> int | None:
    return mixed.labels[0]


def _shape(sizes: tuple[int | None, ...]) -> str:
    """As Python writes it, with the number of rows as ``n`` where it is not known."""
    known = ", ".join("n" if it is None else str(it) for it in sizes)
    return f"({known},)" if len(sizes) == 1 else f"({known})"
