"""Measures what catches known preprocessing bugs: contracts, the marker, a baseline.

``python -m evaluation.contract_bugs`` checks the contracts of each bug of
``tests/support/preprocessing_bugs.py`` and of its correct counterpart, trains the bad
program under the marker's defaults, and compares it with a baseline of the good one.
Prints the table and writes it to ``evaluation/CONTRACTS.md``; with names as arguments,
measures only those bugs. All bugs take about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pytest_lossguard.preprocessing import (
    ContractPolicy,
    check_relation,
    preparation_of,
)
from tests.support.preprocessing_bugs import PAIRS, Arguments, Pair

from .bug_samples import SAMPLES, weights_of
from .program import Program, Setup

__all__ = ["Caught", "broken_relations", "caught", "main", "program_of", "table"]

#: Least number of bugs that must be caught.
LEAST_CAUGHT = 27
_EPOCHS, _SEED = 12, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """Results for one bug.

    Attributes:
        name: Name of the pair.
        relations: Relations that the bad program breaks, in the order of checking.
        good: Relations that the good program breaks: false alarms.
        end: Outcome of the bad training; see `baselined`. ``"same arrays"`` if both
            programs train on the same arrays, so that nothing can differ.
    """

    name: str
    relations: tuple[str, ...]
    good: tuple[str, ...]
    end: str

    @property
    def by(self) -> tuple[str, ...]:
        """What catches the bug: contract, marker or baseline; empty if nothing does."""
        found = ["contract"] if self.relations else []
        found += ["marker"] if self.end == "fails by itself" else []
        found += ["baseline"] if self.end == "worse than its baseline" else []
        return tuple(found)


# Contracts


def broken_relations(pair: Pair, arguments: Arguments) -> tuple[str, ...]:
    """Return the relations that a program breaks, under the keys of its pair."""
    policy = ContractPolicy.from_keywords(pair.keys)
    preparation = preparation_of(**arguments, unused=policy.unused)
    results = [check_relation(preparation, name, policy) for name in policy.names]
    return tuple(it.relation for it in results if it.outcome == "broken")


# Training


def program_of(pair: Pair) -> Program | None:
    """Return the bad and the good program of a pair as a program to train; None if both
    train on the same arrays.
    """
    good, bad = _setup(pair, is_bad=False), _setup(pair, is_bad=True)
    if _are_same(good, bad):
        return None
    return Program(
        name=f"contract/{pair.name}/bad",
        source="published",
        family=pair.name,
        broken=True,
        setup=lambda _: bad,
        fixed=lambda _: good,
    )


def _are_same(one: Setup, other: Setup) -> bool:
    parts = [
        (it.x, it.y, it.sample_weight, *(it.validation_data or ()))
        for it in (one, other)
    ]
    return len(parts[0]) == len(parts[1]) and all(
        np.array_equal(np.asarray(a), np.asarray(b))
        for a, b in zip(*parts, strict=True)
    )


def _setup(pair: Pair, *, is_bad: bool) -> Setup:
    arguments = pair.bad() if is_bad else pair.good()
    sample = SAMPLES.get(pair.name, lambda given: (given["x"], given["y"]))
    raw_x, raw_y = sample(arguments)
    x, y, held, in_order = _prepared(arguments["prepare"], raw_x, raw_y)
    weights = weights_of(y, inverted=is_bad) if "weights" in pair.name else None
    return Setup(
        build=_builder(x, y),
        x=x,
        y=y,
        sample_weight=weights,
        epochs=_EPOCHS,
        shuffle=not in_order,
        validation_data=held,
    )


def _prepared(prepare: Any, x: Any, y: Any) -> tuple[Any, Any, Any, bool]:
    """Return inputs, labels, held-out data, and whether a dataset has set the order."""
    if hasattr(prepare, "fit_transform"):
        made = prepare.fit_transform(x)
    elif y is None or prepare.__code__.co_argcount - hasattr(prepare, "__self__") < 2:
        made = prepare(x)
    else:
        made = prepare(x, y)
    if hasattr(made, "element_spec"):  # a stand-in for a `tf.data.Dataset`
        return _array(made.x), _labels(made.y), None, True
    if not isinstance(made, tuple):
        return _array(made), _labels(y), None, False
    if len(made) == 4:
        return _array(made[0]), _labels(made[1]), _held(made), False
    return _array(made[0]), _labels(made[1]), None, False


def _held(made: Any) -> tuple[Any, Any]:
    return _array(made[2]), _labels(made[3])


def _array(x: Any) -> Any:
    made = np.asarray(x)
    return (
        made if made.dtype.kind in "iu" and made.ndim == 2 else made.astype("float32")
    )


def _labels(y: Any) -> Any:
    made = np.asarray(y)
    return made.astype("float32" if made.dtype.kind == "f" else "int64")


def _builder(x: Any, y: Any) -> Any:
    """Return a builder of a small model for these inputs and labels."""
    classes = 1 if y.dtype.kind == "f" else int(y.max()) + 1
    tokens, shape = x.dtype.kind in "iu", x.shape[1:]

    def build() -> Any:
        import keras

        first = [keras.layers.Embedding(128, 8)] if tokens else []
        if len(shape) == 3:
            first = [
                keras.layers.Conv2D(8, 3, activation="relu"),
                keras.layers.MaxPooling2D(),
            ]
        head = keras.layers.Dense(
            classes, activation="softmax" if classes > 1 else None
        )
        model = keras.Sequential(
            [
                keras.Input(shape, dtype="int32" if tokens else "float32"),
                *first,
                *([keras.layers.Flatten()] if tokens or len(shape) > 1 else []),
                keras.layers.Dense(32, activation="relu"),
                head,
            ]
        )
        loss = "sparse_categorical_crossentropy" if classes > 1 else "mse"
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
        return model

    return build


def _end_of_training(pair: Pair) -> str:
    program = program_of(pair)
    if program is None:
        return "same arrays"
    from pytest_lossguard.training import Trainer

    from .baselined import held

    with tempfile.TemporaryDirectory() as folder:
        (found,) = held([program], Trainer(), Path(folder))
    return found.end


# All checks


def caught(name: str) -> Caught:
    """Run all checks on the bug of this name."""
    warnings.simplefilter("ignore")
    pair = next(it for it in PAIRS if it.name == name)
    return Caught(
        name=name,
        relations=broken_relations(pair, pair.bad()),
        good=broken_relations(pair, pair.good()),
        end=_end_of_training(pair),
    )


def table(found: Iterable[Caught], command: str) -> str:
    """Return the results as Markdown, with the command that measured them."""
    rows = sorted(found, key=lambda it: it.name)
    count = sum(bool(it.by) for it in rows)
    missed = [it.name for it in rows if not it.by]
    alarms = [f"{it.name} ({', '.join(it.good)})" for it in rows if it.good]
    lines = [
        "# What catches bugs of preprocessing",
        "",
        f"Written by `{command}`. Each bug is a good and a bad program of"
        " `tests/support/preprocessing_bugs.py`: contracts check both without training,"
        " then a small Keras model is trained for 12 epochs on what the bad one"
        " prepares, by the marker's defaults, and compared with a baseline of the good"
        " one. Warnings do not count.",
        "",
        f"**{count} of {len(rows)} bugs are caught.**",
        "",
        "| bug | broken relations | marker | baseline | caught by |",
        "|---|---|---|---|---|",
        *map(_row, rows),
        "",
        f"Caught by nothing: {', '.join(missed) or 'none'}.",
        f"Good programs that break a relation: {', '.join(alarms) or 'none'}.",
    ]
    return "\n".join(lines) + "\n"


def _row(it: Caught) -> str:
    marker = "fails" if it.end == "fails by itself" else "-"
    baseline = {
        "fails by itself": "not run",
        "worse than its baseline": "worse",
        "passes": "-",
    }.get(it.end, it.end)
    cells = (", ".join(it.relations) or "-", marker, baseline, ", ".join(it.by) or "-")
    return f"| {it.name} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all bugs, or those named; return 1 if fewer than 27 of 29 are caught."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.contract_bugs", description=__doc__
    )
    parser.add_argument("names", nargs="*", help="bugs; all without any")
    parser.add_argument("--processes", type=int, default=1)
    out = Path(__file__).parent / "CONTRACTS.md"
    parser.add_argument("--out", type=Path, help="default CONTRACTS.md, if all are run")
    asked = parser.parse_args(arguments)
    names = asked.names or [it.name for it in PAIRS]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    found: list[Caught] = []
    with get_context("spawn").Pool(asked.processes, maxtasksperchild=1) as pool:
        for it in pool.imap_unordered(caught, names):
            found.append(it)
            print(it.name, it.end, *it.relations, flush=True)
    text = table(found, " ".join(["python -m evaluation.contract_bugs", *asked.names]))
    print(text)
    target = asked.out or (None if asked.names else out)
    if target is not None:
        target.write_text(text, encoding="utf-8")
    short = sum(bool(it.by) for it in found) < min(LEAST_CAUGHT, len(found))
    return int(short)


if __name__ == "__main__":
    raise SystemExit(main())
