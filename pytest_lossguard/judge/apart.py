"""Checks that inputs and targets stay together on their way through a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.explanation import Explanation
from ..core.findings import Finding, Kind, finding
from ..core.keras_names import loss_facts
from ..core.trace import Trace
from . import thresholds
from .curve import LossCurve

# Kinds of findings

AUGMENTED_APART = Kind(
    name="augmented_apart",
    severity="error",
    suspects="augmented_apart",
    headline="images and targets are augmented separately",
    text="{where} flips, crops or warps the targets with random numbers that the inputs"
    " do not share, and {inputs}: a target no longer fits its image",
    hint="Use the same random numbers for both: concatenate image and mask along the"
    " channels, flip or crop, and split; or use the tf.image.stateless_random_*"
    " functions with the same seed for both. Change brightness and noise of the image"
    " only.",
    explanation=Explanation(
        brief="images and targets are augmented separately",
        seen="A function given to map flips, crops or warps the targets, which are"
        " images, with random numbers that the inputs do not depend on. It is read from"
        " the graph of the function. Operations with the same seed count as one. Not"
        " reported for a custom training step.",
        why="The model cannot know how a target was flipped. It learns blurred or"
        " symmetric masks, and the loss still falls.",
        no_limit="It is read from the dataset; there is no numeric limit.",
    ),
)

ZIPPED_APART = Kind(
    name="zipped_apart",
    severity="error",
    suspects="zipped_apart",
    headline="rows are zipped with targets of other rows",
    text="before Dataset.zip joins inputs and targets, {why}",
    hint="Zip first, and shuffle or drop rows afterwards:"
    " tf.data.Dataset.zip((x, y)).shuffle(n). List files with shuffle=False.",
    explanation=Explanation(
        brief="rows get the targets of other rows",
        seen="Dataset.zip joins inputs and targets, and only one of them is shuffled,"
        " or both with different seeds; or only one goes through filter, ignore_errors"
        " or unique. The latter is a warning, since perhaps no row is dropped, and an"
        " error if little was learned. Not reported for a custom training step.",
        why="Dataset.zip pairs by position. After a shuffle no row has its own target;"
        " after a dropped row all later ones have the target of a neighbor.",
        limits=(thresholds.LEARNED_HALF,),
    ),
)

#: Hint where rows are dropped, not shuffled.
_ZIP_FIRST = (
    "Zip first and drop rows afterwards: a row then goes with its target, as in"
    " tf.data.Dataset.zip((x, y)).map(read).ignore_errors()."
)


def augmented_apart(trace: Trace) -> Iterator[Finding]:
    """Targets that are flipped or cropped by other random numbers than their images."""
    found = None if trace.data_facts is None else trace.data_facts.moved_apart
    if found is not None:
        yield finding(
            AUGMENTED_APART,
            value=found.draws,
            limit=0,
            where=found.place,
            inputs="the inputs are changed with other ones"
            if found.inputs_too
            else "the inputs are not changed with them",
        )


def zipped_apart(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Rows and targets that are shuffled or dropped one without the other.

    Not reported for a loss that compares all rows with all targets, which needs no
    pairs.
    """
    found = None if trace.data_facts is None else trace.data_facts.zipped_apart
    used = None if trace.relations is None else trace.relations.labels
    if found is None or used is not None:
        return
    skill = curve.share_gone(curve.predicts)
    poor = skill is not None and skill < thresholds.LEARNED_HALF
    certain = found.shuffled and all(loss_facts(it) for it in trace.losses)
    yield finding(
        ZIPPED_APART,
        severity="error" if certain or poor else "warning",
        where="the targets",
        why=_shuffled(found.inputs, found.targets)
        if found.shuffled
        else _dropped(found.inputs or found.targets, of_inputs=bool(found.inputs)),
        hint=None if found.shuffled else _ZIP_FIRST,
    )


def _shuffled(inputs: Sequence[str], targets: Sequence[str]) -> str:
    if inputs and targets:
        return "each of them is shuffled in a different order"
    one, other = ("inputs", "targets") if inputs else ("targets", "inputs")
    return f"the {one} are shuffled and the {other} are not"


def _dropped(methods: Sequence[str], *, of_inputs: bool) -> str:
    one, other = ("inputs", "targets") if of_inputs else ("targets", "inputs")
    return (
        f"only the {one} go through {' and '.join(methods)}: after the first dropped"
        f" row, all rows get the {other} of other rows"
    )


RULES = (augmented_apart, zipped_apart)
