"""The preparation under test, in one interface for all forms: from raw rows to tables.

A preparation may be a function, a bound method, an object with ``fit`` and
``transform``, a Keras layer with ``adapt``, or a function that returns a
`tf.data.Dataset`. It is recognized by its methods.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..corruptions.datasets import elements_of
from .raw import Array, Raw
from .table import NotComparable, Table, rows_in, table_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The output of a preparation.

    Attributes:
        x: The training rows.
        y: The labels of the training rows; None where none were returned.
        held_x: The held-out rows; None where none were returned.
        held_y: The labels of the held-out rows; None where none were returned.
        origin: The raw row of each training row, where the check itself split the
            sample; else None.
        is_dataset: Whether the training rows came as a `tf.data.Dataset`.
    """

    x: Table
    y: Table | None = None
    held_x: Table | None = None
    held_y: Table | None = None
    origin: Array | None = None
    is_dataset: bool = False

    def is_same(self, other: Prepared) -> bool:
        """Whether all tables equal those of ``other``, within tolerance."""
        pairs = (
            (self.x, other.x),
            (self.y, other.y),
            (self.held_x, other.held_x),
            (self.held_y, other.held_y),
        )
        return all(
            (a is None) == (b is None) and (a is None or b is None or a.is_same(b))
            for a, b in pairs
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A preparation and its serving path.

    Attributes:
        prepare: Turns raw rows and labels into the training data.
        serve: Turns raw rows into the input of the model in production; None without a
            serving path.
        labels: Turns raw labels into targets as in production; None without such a
            path.
        is_split_here: Whether the check, not the user's code, held rows out.
        is_known: Whether the preparation consists of scikit-learn's own classes and
            has no separate serving path.
        given: The objects of the user: preparation, serving path, path of labels.
        steps: The names of the classes of a transformer or layer.
        left_out: Returns, after fitting, the raw columns that are dropped by name.
    """

    prepare: Callable[[Raw, Raw | None], Prepared]
    serve: Callable[[Raw], Any] | None = None
    labels: Callable[[Raw], Any] | None = None
    is_split_here: bool = False
    is_known: bool = False
    given: tuple[Any, Any, Any] = (None, None, None)
    steps: tuple[str, ...] = ()
    left_out: Callable[[], tuple[str, ...]] = tuple


def subject_of(target: Any, *, serve: Any, labels: Any) -> Subject:
    """Make a subject from the objects of the user.

    Args:
        target: The preparation.
        serve: The serving path; None for that of the fitted transformer or layer, if
            there is one.
        labels: The path of labels; None without one.

    Raises:
        UsageError: ``target`` is nothing that can prepare data, or a path is not
            callable.
    """
    if not inspect.isclass(target) and callable(getattr(target, "transform", None)):
        made = _of_transformer(target)
    elif _can_adapt(target):
        made = _of_layer(target)
    elif callable(target) and not inspect.isclass(target):
        made = _of_function(target)
    else:
        kind = target.__name__ if inspect.isclass(target) else type(target).__name__
        raise UsageError(
            f"contract() cannot prepare data with {kind}: give a function prepare(x) or"
            " prepare(x, y), an object with fit and transform, or a layer with adapt"
        )
    for name, given in (("serve", serve), ("labels", labels)):
        if given is not None and not callable(_path(given)):
            raise UsageError(
                f"contract({name}={given!r}) must be a function of raw rows"
            )
    if serve is not None:
        path = _path(serve)
        made = replace(made, serve=lambda x: path(x.value), is_known=False)
    if labels is not None:
        path_of_labels = _path(labels)
        made = replace(made, labels=lambda y: path_of_labels(y.value))
    return replace(made, given=(target, serve, labels))


def _path(given: Any) -> Any:
    """Return the callable of a serving path: a function, or the ``transform`` of an
    object.
    """
    return getattr(given, "transform", given)


# A function


def _of_function(function: Callable[..., Any]) -> Subject:
    takes_labels = _takes_labels(function)

    def prepare(x: Raw, y: Raw | None) -> Prepared:
        if y is not None and takes_labels:
            return _prepared(function(x.value, y.value))
        return _prepared(function(x.value))

    return Subject(prepare=prepare)


def _takes_labels(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    if hasattr(function, "get_config"):  # a Keras object: its 2nd argument is no label
        return False
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    given = [it for it in parameters if it.kind in positional]
    several = any(it.kind is inspect.Parameter.VAR_POSITIONAL for it in parameters)
    second = given[1] if len(given) > 1 else None
    wanted = second is not None and (
        second.default is inspect.Parameter.empty or second.name in _LABEL_NAMES
    )
    return several or wanted


_LABEL_NAMES = ("y", "labels", "label", "target", "targets")


def _prepared(made: Any) -> Prepared:
    """Return the output of a function as its training and held-out parts."""
    if isinstance(made, tuple) and len(made) == 2 and all(map(_is_dataset, made)):
        train, held = (_of_dataset(it) for it in made)
        return replace(train, held_x=held.x, held_y=held.y)
    if _is_dataset(made):
        return _of_dataset(made)
    if isinstance(made, (tuple, list)) and len(made) in (2, 4):
        rows = [rows_in(it) for it in made]
        if len(made) == 2 and None not in rows and rows[0] == rows[1]:
            return Prepared(x=table_of(made[0]), y=table_of(made[1]))
        if len(made) == 4 and None not in rows:
            return _of_four(made, rows)
        if isinstance(made, tuple) and None not in rows and len(made) == 2:
            raise UsageError(
                f"prepare returned {rows[0]} rows and {rows[1]} labels: give each row"
                " its label, as (x_train, y_train)"
            )
    return Prepared(x=table_of(made))


def _of_four(made: Any, rows: list[int | None]) -> Prepared:
    if rows[0] == rows[1] and rows[2] == rows[3]:
        x, y, held_x, held_y = map(table_of, made)
        return Prepared(x=x, y=y, held_x=held_x, held_y=held_y)
    raise UsageError(
        f"prepare returned four parts of {', '.join(map(str, rows))} rows: return them"
        " as (x_train, y_train, x_held_out, y_held_out)"
    )


def _is_dataset(made: Any) -> bool:
    return hasattr(made, "element_spec") and hasattr(made, "as_numpy_iterator")


def _of_dataset(dataset: Any) -> Prepared:
    try:
        whole = elements_of(dataset)
    except UsageError as error:
        text = str(error).partition(":")[0]
        raise NotComparable(text.replace("corruption", "contract()")) from None
    if isinstance(whole, tuple) and len(whole) in (2, 3):
        return Prepared(x=table_of(whole[0]), y=table_of(whole[1]), is_dataset=True)
    return Prepared(x=table_of(whole), is_dataset=True)


# An object with fit and transform


def _of_transformer(transformer: Any) -> Subject:
    fitted: list[Any] = []

    def prepare(x: Raw, y: Raw | None) -> Prepared:
        part = _part(x.rows, y)
        try:
            return fit_on(part, x, y)
        except Exception:
            if len(part) == x.rows:
                raise
            return fit_on(np.arange(x.rows), x, y)

    def fit_on(part: Array, x: Raw, y: Raw | None) -> Prepared:
        made = _cloned(transformer)
        own_y = None if y is None else y.take(part)
        train = _fit_transform(made, x.take(part).value, own_y)
        rest = np.setdiff1d(np.arange(x.rows), part)
        held = table_of(made.transform(x.take(rest).value)) if len(rest) else None
        fitted[:] = [made]
        return Prepared(
            x=table_of(train),
            y=None if own_y is None else table_of(own_y.value),
            held_x=held,
            held_y=None if y is None or not len(rest) else table_of(y.take(rest).value),
            origin=part,
        )

    return Subject(
        prepare=prepare,
        serve=lambda x: fitted[0].transform(x.value),
        is_split_here=True,
        steps=tuple(type(it).__name__ for it in _inner(transformer)),
        is_known=all(
            type(it).__module__.startswith("sklearn.") for it in _inner(transformer)
        ),
        left_out=lambda: tuple(_left_out(fitted[0])),
    )


def _cloned(transformer: Any) -> Any:
    base = sys.modules.get("sklearn.base")
    if base is not None and hasattr(transformer, "get_params"):
        return base.clone(transformer)
    return deepcopy(transformer)


def _fit_transform(made: Any, x: Any, y: Raw | None) -> Any:
    def attempt(call: Callable[..., Any]) -> Any:
        if y is None or not _takes_labels(call):
            return call(x)
        return call(x, y.value)

    if callable(getattr(made, "fit_transform", None)):
        out = attempt(made.fit_transform)  # PLSRegression also returns transformed y
        return out[0] if isinstance(out, tuple) else out
    if callable(getattr(made, "fit", None)):
        attempt(made.fit)
    return made.transform(x)


def _part(rows: int, y: Raw | None) -> Array:
    """Return the rows to fit on: three of every four; all rows where there are few, or
    where a class would be missing.
    """
    chosen = np.flatnonzero(np.arange(rows) % 4 != 3)
    if rows < 16:
        return np.arange(rows)
    if y is not None and len(y.columns) == 1:
        labels = [str(it) for it in y.get(y.columns[0])]
        if len(set(labels)) <= rows // 4:
            rest = {labels[it] for it in range(rows) if it % 4 == 3}
            if rest - {labels[it] for it in chosen}:
                return np.arange(rows)
    return chosen


def _inner(transformer: Any) -> list[Any]:
    """Return a transformer and all transformers inside it."""
    if not hasattr(transformer, "get_params"):
        return [transformer]
    inner = transformer.get_params(deep=True).values()
    return [transformer, *(it for it in inner if hasattr(it, "fit"))]


def _left_out(fitted: Any) -> Iterator[str]:
    """Yield the columns that a ColumnTransformer as the first step drops: those listed
    to be dropped, and those that are not listed at all.
    """
    while getattr(fitted, "steps", None):
        fitted = fitted.steps[0][1]
    names = getattr(fitted, "feature_names_in_", None)
    for _, chosen, columns in getattr(fitted, "transformers_", ()):
        if isinstance(chosen, str) and chosen == "drop":
            for it in np.atleast_1d(columns):
                if isinstance(it, str):
                    yield it
                elif names is not None:
                    yield str(names[it])
                else:
                    yield f"column {it}"


# A layer with adapt


def _can_adapt(target: Any) -> bool:
    if inspect.isclass(target) or not callable(getattr(target, "adapt", None)):
        return False
    return callable(target)


def _of_layer(layer: Any) -> Subject:
    adapted: list[Any] = []

    def prepare(x: Raw, y: Raw | None) -> Prepared:
        made = _new_layer(layer)
        part = _part(x.rows, None)
        if _is_to_adapt(layer):
            made.adapt(_for_layer(x.take(part).value))
        adapted[:] = [made]
        rest = np.setdiff1d(np.arange(x.rows), part)
        train, held = x.take(part), x.take(rest)
        return Prepared(
            x=table_of(made(_for_layer(train.value))),
            y=None if y is None else table_of(y.take(part).value),
            held_x=table_of(made(_for_layer(held.value))) if len(rest) else None,
            origin=part,
        )

    return Subject(
        prepare=prepare,
        serve=lambda x: adapted[0](_for_layer(x.value)),
        is_split_here=True,
        steps=(type(layer).__name__,),
    )


def _for_layer(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, list) else value


def _new_layer(layer: Any) -> Any:
    if hasattr(type(layer), "from_config"):
        config = dict(layer.get_config())
        if not _is_given(config.get("vocabulary")):
            config.pop("vocabulary_size", None)  # learned by an earlier adapt
        return type(layer).from_config(config)
    return deepcopy(layer)


def _is_to_adapt(layer: Any) -> bool:
    """Whether a layer has to be adapted, as its state was not given to it."""
    config = layer.get_config() if hasattr(layer, "get_config") else {}
    given = ("vocabulary", "mean", "variance", "bin_boundaries")
    return not any(_is_given(config.get(it)) for it in given)


def _is_given(value: Any) -> bool:
    return value is not None and np.size(value) > 0
