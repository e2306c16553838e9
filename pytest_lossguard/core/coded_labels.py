"""Whether the labels of held-out rows name other classes than those of training rows.

Each predicted class then goes with one label, but with another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Classes = NDArray[np.int64]

#: Most different labels that are compared.
_MOST_LABELS = 1000
#: Fewest rows of a label that show which predicted class it goes with.
_FEWEST_OF_LABEL = 3


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Rows with the class that the model predicts, and their label.

    Attributes:
        predicted: Predicted class of each row, shape ``(rows,)``.
        labels: Class that the label names, same shape.
    """

    predicted: _Classes
    labels: _Classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far predicted classes agree with labels, as they are and renamed.

    Shares are those of all rows, or the mean of the shares within each class: the
    larger one for ``as_is``, the smaller one for the others.

    Attributes:
        rows: Number of held-out rows whose label is one of the training rows.
        classes: Number of classes that the model tells apart.
        fewest: Number of these rows with the rarest label.
        trained: Share of the training rows whose label is the predicted class.
        as_is: Share of the held-out rows whose label is the predicted class.
        renamed: Share of the held-out rows whose label is the predicted class after
            each class got the name that suits it best on other held-out rows.
        moved: Pairs of a predicted class and the different label that it goes with, the
            most frequent first.
        nearer: Share of the held-out rows that lie nearer to other held-out rows than
            to as many training rows, 0.5 for a random split; None if unknown.
        compared: Number of held-out rows behind ``nearer``.
    """

    rows: int
    classes: int
    fewest: int
    trained: float
    as_is: float
    renamed: float
    moved: tuple[tuple[int, int], ...]
    nearer: float | None = None
    compared: int = 0


def predicted_classes(
    outputs: NDArray[np.generic], *, are_logits: bool = False
) -> tuple[_Classes, int] | None:
    """Return the predicted class of each row, and the number of classes.

    Args:
        outputs: Outputs of a model, shape ``(rows, classes)``, or ``(rows, 1)`` or
            ``(rows,)`` for two classes.
        are_logits: Whether a single output is a logit, not a probability.

    Returns:
        None if the outputs are not finite or tell no classes apart.
    """
    if outputs.dtype.kind not in "fiu" or outputs.ndim not in (1, 2):
        return None
    table = outputs.reshape(len(outputs), -1).astype(np.float64)
    if not table.size or not np.isfinite(table).all():
        return None
    if table.shape[1] > 1:
        return table.argmax(axis=1), table.shape[1]
    if not are_logits and (table.min() < 0 or table.max() > 1):
        return None
    return (table[:, 0] > (0.0 if are_logits else 0.5)).astype(np.int64), 2


def agreement(
    trained: Classified, held_out: Classified, classes: int
) -> Agreement | None:
    """Compare predicted classes with labels on training and on held-out rows.

    Held-out rows of a class without training rows are left out.

    Args:
        trained: Training rows, or a sample of them.
        held_out: Held-out rows, or a sample of them.
        classes: Number of classes that the model tells apart.

    Returns:
        None if there are no rows, or labels that the model cannot predict.
    """
    known = np.unique(trained.labels)
    if not len(known) or known[0] < 0 or known[-1] >= classes:
        return None
    keep = np.isin(held_out.labels, known)
    predicted, labels = held_out.predicted[keep], held_out.labels[keep]
    there, counts = np.unique(labels, return_counts=True)
    if 2 * len(labels) < len(keep) or not 0 < len(there) <= _MOST_LABELS:
        return None
    renamed = _renamed(predicted, labels)
    names = _best_names(predicted, labels, _FEWEST_OF_LABEL)
    return Agreement(
        rows=len(labels),
        classes=classes,
        fewest=int(counts.min()),
        trained=min(_shares(trained.predicted == trained.labels, trained.labels)),
        as_is=max(_shares(predicted == labels, labels)),
        renamed=min(_shares(renamed == labels, labels)),
        moved=tuple((mine, theirs) for mine, theirs in names if mine != theirs),
    )


def _shares(right: NDArray[np.bool_], labels: _Classes) -> tuple[float, float]:
    """Return the share of rows that are right, and the mean of that of each class."""
    _, place = np.unique(labels, return_inverse=True)
    of_class = np.bincount(place, weights=right) / np.bincount(place)
    return float(right.mean()), float(of_class.mean())


def _renamed(predicted: _Classes, labels: _Classes) -> _Classes:
    """Rename the predictions for each half of the rows by what suits the other half
    best; -1 for classes that get no name.

    A name that suits only by chance does not suit the other half. Every second row of
    each label is in the first half.
    """
    order = np.argsort(labels, kind="stable")
    start = np.searchsorted(labels[order], labels[order])
    half = np.empty(len(labels), np.bool_)
    half[order] = (np.arange(len(labels)) - start) % 2 == 0
    found = np.full(len(labels), -1, np.int64)
    for asked in (half, ~half):
        for mine, theirs in _best_names(predicted[~asked], labels[~asked]):
            found[asked & (predicted == mine)] = theirs
    return found


def _best_names(
    predicted: _Classes, labels: _Classes, least: int = 1
) -> list[tuple[int, int]]:
    """Pair each predicted class with one label, each label with at most one class; the
    pairs with most rows come first, those with fewer than ``least`` are left out.

    If most rows of each label have the same predicted class, no other pairs agree more.
    """
    if not len(labels):
        return []
    pairs, counts = np.unique(np.stack([predicted, labels]), axis=1, return_counts=True)
    chosen: dict[int, int] = {}
    used: set[int] = set()
    for place in np.argsort(-counts, kind="stable"):
        mine, theirs = map(int, pairs[:, place])
        if counts[place] < least:
            break
        if mine not in chosen and theirs not in used:
            chosen[mine] = theirs
            used.add(theirs)
    return list(chosen.items())
