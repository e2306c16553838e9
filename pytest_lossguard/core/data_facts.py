"""Facts of the data that a training was fed: what stands where it should not."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AmongInputs", "DataFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmongInputs:
    """A target that stands among the inputs, the same in every row.

    Attributes:
        target: What it is called, as ``"the target"``.
        where: The input column, or time step and column, that it equals.
        rows: How many rows were compared.
        values: How many different ones the target has among them.
    """

    target: str
    where: str
    rows: int
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What is known of the data of one training, beside the statistics of columns.

    Attributes:
        among_inputs: A target that stands among the inputs.
        lone_targets: Share of the rows whose targets are 0 but for one, of several
            outputs; not the same one in all.
    """

    among_inputs: AmongInputs | None = None
    lone_targets: float = 0.0
