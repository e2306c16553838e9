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
    """

    among_inputs: AmongInputs | None = None
