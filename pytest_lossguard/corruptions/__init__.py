"""Hostile data: small frozen objects that corrupt a project's own sample.

>>> from pytest_lossguard.corruptions import Corruption, Offset, Scale
>>> Corruption(Scale(1000.0, features=0), Offset(3.0))
Corruption(Scale(1000.0, features=0), Offset(3.0))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..core.errors import UsageError
from ..core.given import shown
from .datasets import corrupted
from .families import FAMILIES
from .families.inputs import (
    ConstantFeature,
    Dtype,
    MissingValues,
    MixedUnits,
    Offset,
    Outliers,
    Scale,
)
from .families.rows import DuplicateRows, FewRows, SortedRows
from .families.targets import FlippedLabels, Imbalance, TargetOutliers, TargetScale
from .family import Family
from .sample import Sample

__all__ = [
    "FAMILIES",
    "ConstantFeature",
    "Corruption",
    "Dtype",
    "DuplicateRows",
    "Family",
    "FewRows",
    "FlippedLabels",
    "Imbalance",
    "MissingValues",
    "MixedUnits",
    "Offset",
    "Outliers",
    "Scale",
    "SortedRows",
    "TargetOutliers",
    "TargetScale",
]


class Corruption:
    """A sequence of corruptions that act on a sample one after the other.

    An empty corruption changes nothing. Instances are immutable and hashable, and are
    equal if their parts are. The repr is the expression that makes the instance.

    Args:
        parts: Instances of families such as `Scale`, in the order in which they act.

    Raises:
        UsageError: A part is not an instance of a family.
    """

    __slots__ = ("_drawn", "features_seen", "parts")
    parts: tuple[Family, ...]
    _drawn: bool
    #: The number of features of the data of the last call; 0 before the first.
    features_seen: int

    def __init__(self, *parts: Family) -> None:
        for part in parts:
            if not isinstance(part, Family):
                raise UsageError(
                    f"Corruption({shown(part)}): it takes families such as"
                    " Scale(1000.0)"
                )
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_drawn", False)
        object.__setattr__(self, "features_seen", 0)

    @classmethod
    def drawn(cls, *parts: Family) -> Corruption:
        """Make a corruption whose feature numbers were drawn before the data are known.

        Feature numbers beyond the last feature wrap around.
        """
        made = cls(*parts)
        object.__setattr__(made, "_drawn", True)
        return made

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Corrupt a copy of the data.

        Args:
            x: An array of shape ``(rows, ..., features)`` or ``(rows,)``, a pandas
                DataFrame or Series, a nested dict, tuple or list of these, or a
                finite `tf.data.Dataset` of rows or batches.
            y: Targets in the same forms, or None; must be None for a dataset.

        Returns:
            ``(x, y)`` where both were given, else ``x``. Shapes stay the same, except
            for the number of rows where a family changes it. Integers become float64
            where they are scaled, floats keep their precision; tensors come back as
            NumPy arrays.

        Raises:
            UsageError: The data cannot be corrupted this way.
        """
        if not self.parts:
            return x if y is None else (x, y)
        return corrupted(x, y, self._on_arrays)

    def _on_arrays(self, x: Any, y: Any, weight: Any = None) -> tuple[Any, Any, Any]:
        sample, again = Sample.of(x, y, weight)
        object.__setattr__(self, "features_seen", sample.features)
        for part in self.resolved(sample.features).parts:
            sample = part.act(sample)
        return again(sample)

    def resolved(self, features: int) -> Corruption:
        """Return the corruption with drawn feature numbers modulo ``features``."""
        if not self._drawn or features < 1:
            return self
        return Corruption(*(part.within(features) for part in self.parts))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the parts as JSON-serializable builtins."""
        return [
            {
                "family": type(part).__name__,
                **{it.name: getattr(part, it.name) for it in fields(part)},  # type: ignore[arg-type]
            }
            for part in self.parts
        ]

    @classmethod
    def from_json(cls, parts: Any) -> Corruption:
        """Make a corruption from what `to_json` returned, without running any code.

        Raises:
            UsageError: ``parts`` has another form.
        """
        if not isinstance(parts, list):
            raise UsageError(
                f"a corruption is a list of families; got {shown(parts)}: give the"
                " result of to_json()"
            )
        return cls(*(_family_of(part) for part in parts))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Corruption is frozen: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Corruption) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash((Corruption, self.parts))

    def __reduce__(self) -> Any:
        return (Corruption.drawn if self._drawn else Corruption), self.parts

    def __repr__(self) -> str:
        return f"Corruption({', '.join(map(repr, self.parts))})"


_BY_NAME = {family.__name__: family for family in FAMILIES}


def _family_of(described: Any) -> Family:
    name = described.get("family") if isinstance(described, Mapping) else None
    if not isinstance(name, str) or name not in _BY_NAME:
        raise UsageError(
            f"{shown(described, 80)} does not describe a corruption family: give the"
            " result of to_json()"
        )
    family = _BY_NAME[name]
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in described.items()
        if key != "family"
    }
    try:
        return family(**values)
    except TypeError as error:
        raise UsageError(f"{family.__name__} cannot be made: {error}") from None
