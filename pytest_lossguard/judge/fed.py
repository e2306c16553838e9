"""Checks that each step gets other rows, and that augmentation differs by epoch."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.data_facts import RepeatedBatch, UnseenRows
from ..core.explanation import Explanation, curves, falling
from ..core.findings import Finding, Kind, finding
from ..core.numbers import percent
from ..core.trace import Trace
from . import thresholds

# Kinds of findings

REPEATED_BATCH = Kind(
    name="repeated_batch",
    severity="error",
    suspects="repeated_batch",
    headline="not all rows are trained on",
    text="{why}",
    hint="Make one iterator for each epoch (for x, y in dataset), yield the next rows"
    " each time, and let a generator start again or use dataset.repeat(); omit"
    " steps_per_epoch to train on all rows.",
    explanation=Explanation(
        brief="the same rows at every step",
        seen="Each step trained on exactly the same rows although the data have more;"
        " or, as a warning, an epoch ended early or rows were never read.",
        why="The model memorizes one batch. Its loss falls fast and far but says"
        " nothing about the other rows.",
        limits=(thresholds.LEFT_WITHOUT_FAULT,),
        curves=curves(loss=falling(1.0, 0.0)),
    ),
)


AUGMENTATION_CACHED = Kind(
    name="augmentation_cached",
    severity="warning",
    suspects="augmentation_cached",
    headline="random augmentation is cached",
    text="{where} draws random numbers for the rows, and cache() comes after it: all"
    " {value} epochs get what the first one drew, limit {limit} epoch",
    hint="Call cache() before the random part:"
    " dataset.map(read).cache().shuffle(n).map(augment).batch(size).",
    explanation=Explanation(
        brief="random augmentation is cached",
        seen="A function given to map changes the rows with random numbers, cache()"
        " comes after it, and fit runs several epochs. It is read from the dataset."
        " Rows that are made of random numbers alone are not reported.",
        why="A cache keeps the rows of the first epoch. Each image is flipped, cropped"
        " or made noisy once and looks the same in each epoch: the augmentation adds no"
        " data, and the net memorizes the rows.",
        no_limit="It is read from the dataset; several epochs are more than one.",
    ),
)


def augmentation_cached(trace: Trace) -> Iterator[Finding]:
    """Random changes of the rows that are the same in all epochs."""
    found = None if trace.data_facts is None else trace.data_facts.cached_draws
    if found is not None:
        yield finding(
            AUGMENTATION_CACHED,
            value=found.epochs,
            limit=1,
            where=found.place,
        )


def repeated_batch(trace: Trace) -> Iterator[Finding]:
    """The same rows at every step; a warning if some rows are never reached."""
    facts = trace.data_facts
    if facts is None:
        return
    if facts.repeated is not None:
        yield _same(facts.repeated)
    elif facts.unseen is not None:
        yield _unseen(facts.unseen)


def _same(batch: RepeatedBatch) -> Finding:
    why = (
        "a new iterator is made for each step"
        if batch.by == "iterator"
        else "the data given to fit yield the same batch each time"
    )
    return finding(
        REPEATED_BATCH,
        severity="error" if batch.of else "warning",
        value=batch.rows,
        limit=batch.of or None,
        where="the training rows",
        why=f"each step trains on the same {batch.rows} rows"
        f"{f' of {batch.of}' if batch.of else ''}: {why}",
    )


def _unseen(rows: UnseenRows) -> Finding:
    if rows.short:
        return finding(
            REPEATED_BATCH,
            severity="warning",
            value=rows.short,
            limit=0,
            where="the training rows",
            why=f"{rows.short} of {rows.epochs} epochs made at most half of the"
            f" {rows.first} updates of the first: the data given to fit had ended",
        )
    share = 1 - rows.steps / rows.batches
    took = f"{rows.epochs} epochs took {rows.steps}"
    if rows.calls:
        took = f"each of {rows.calls} calls of fit begins again and takes {rows.steps}"
    return finding(
        REPEATED_BATCH,
        severity="warning",
        value=share,
        limit=0.0,
        where="the training rows",
        why=f"{percent(share)} of the rows are never trained on: the data have"
        f" {rows.batches} batches, and {took}",
    )


RULES = (augmentation_cached, repeated_batch)
