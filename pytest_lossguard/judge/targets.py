"""Checks of the targets: labels that do not fit the outputs, as in reinforcement
learning, or that change between epochs.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace
from . import thresholds
from .curve import LossCurve

# Limits, each with its source

LONE = Limit(
    0.9,
    "In {limit:.0%} of the rows all targets but one are 0, and it is not always the"
    " same one.",
    set_by="Healthy agents of the corpus keep the net's own values there and have no"
    " such row; the broken one has only such rows.",
)

AT_RANDOM = Limit(
    0.9,
    "Rows that are seen again have another class {limit:.0%} as often as labels drawn"
    " at random.",
    set_by="Digits whose images and labels are shuffled separately have 1.0; labels of"
    " which a tenth is flipped at random in each epoch have 0.2.",
)

TURNED = Limit(
    0.1,
    "{limit:.0%} of the images that were seen again have a mirrored target, and 10 or"
    " more.",
    set_by="Image and mask flipped separately have 0.4 to 0.5; flipped together, or not"
    " at all, none.",
)
#: Minimum number of mirrored targets.
_FEWEST_TURNED = 10

# Kinds of findings

TARGETS_LEFT_AT_ZERO = Kind(
    name="loss_output_mismatch",
    severity="error",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    headline="all targets but one of a row are 0",
    text="the targets do not fit the outputs: {why}",
    hint="Set the others to the model's own outputs (targets = model(x), then set the"
    " known one), or compare only the known one: tf.gather(outputs, actions,"
    " batch_dims=1).",
    explanation=Explanation(
        brief="all targets but one of a row are 0",
        seen="In reinforcement learning all targets of a row but one are 0: the values"
        " of actions that were not taken.",
        why="The model is trained toward 0 for every action it did not take.",
        limits=(LONE,),
    ),
)

LABELS_FROM_THE_NET = Kind(
    name="loss_output_mismatch",
    severity="warning",
    suspects="loss_output_mismatch",
    symptoms=("misfit",),
    text="the labels of {where} do not fit the outputs: {why}",
    hint="Take them from a copy of the net that is updated only now and then (a target"
    " network), or stop the gradient: tf.stop_gradient(labels).",
    explanation=Explanation(
        brief="a net that is trained on its own outputs",
        seen="The labels are outputs of the net that is being trained, for other"
        " inputs, and gradients flow through them.",
        why="The net can lower its loss by moving its own labels, or with the same"
        " output for every row. It may be intended (residual gradients): it learns the"
        " right values if each action always leads to the same state, and wrong ones at"
        " a lower loss if the next state is random.",
        no_limit="It is read from the gradients; there is no numeric limit.",
    ),
)

LABELS_CHANGE = Kind(
    name="labels_carry_no_signal",
    severity="error",
    suspects="labels_carry_no_signal",
    headline="the same rows have other labels each epoch",
    text="of {rows} rows that were seen again {share} had another label, limit"
    " {share_limit} (labels drawn at random: {chance}), and little was learned: inputs"
    " and labels are shuffled separately",
    hint="Shuffle inputs and labels together: tf.data.Dataset.zip((x, y)).shuffle(n),"
    " not the zip of two shuffled datasets.",
    explanation=Explanation(
        brief="the same rows have other labels each epoch",
        seen="Rows seen again in a later epoch had another class, as often as by"
        " chance, and the training learned almost nothing.",
        why="Such inputs say nothing about such labels. Two datasets that are shuffled"
        " separately and then zipped look exactly like this.",
        limits=(AT_RANDOM, thresholds.LEARNED_HALF),
    ),
)

TARGETS_TURNED = Kind(
    name="labels_carry_no_signal",
    severity="error",
    suspects="labels_carry_no_signal",
    headline="images and targets are flipped separately",
    text="of {rows} images that were seen again {share} had a mirrored target, limit"
    " {share_limit}, though the image was the same: images and targets are flipped at"
    " random, but separately",
    hint="Flip both at once: concatenate image and mask, flip, split; or flip both with"
    " the same seed (tf.image.stateless_random_flip_left_right).",
    explanation=Explanation(
        brief="images and targets are flipped separately",
        seen="The same images were seen again in a later epoch, but with mirrored"
        " targets: the mask was flipped and the image was not.",
        why="Half of the targets do not fit their image. The loss still falls, and the"
        " model learns blurred or symmetric masks.",
        limits=(TURNED,),
    ),
)

_ALONE = (
    "in {share:.0%} of the rows, limit {limit:.0%}, all but one are 0, and not always"
    " the same one: outputs without a known target are trained toward 0"
)
_FOLLOWED = (
    "they are outputs of the net being trained, for other inputs, and gradients flow"
    " through them: it can lower its loss by moving them, or with the same output for"
    " every row"
)


def targets_left_at_zero(trace: Trace) -> Iterator[Finding]:
    """Values of actions that were not taken, given as 0.

    Only a warning if no model makes the targets, since sparse targets may be intended.
    """
    share = 0.0 if trace.data_facts is None else trace.data_facts.lone_targets
    if share >= LONE:
        yield finding(
            TARGETS_LEFT_AT_ZERO,
            severity="error" if trace.moving_target else "warning",
            value=share,
            limit=LONE,
            why=_ALONE.format(share=share, limit=LONE),
        )


def labels_from_the_net(trace: Trace) -> Iterator[Finding]:
    """A net that is trained on its own outputs, with gradients through them.

    Not reported for two nets that work against each other: one of them may compare its
    outputs for two inputs.
    """
    if trace.labels_follow is not None and not trace.contested:
        yield finding(LABELS_FROM_THE_NET, where=trace.labels_follow, why=_FOLLOWED)


def labels_change(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Rows whose class is drawn again in each epoch."""
    found = None if trace.data_facts is None else trace.data_facts.changed_labels
    if found is None or trace.contested or trace.moving_target:
        return
    skill = curve.share_gone(curve.predicts)
    limit = AT_RANDOM * found.chance
    if found.changed >= limit and skill is not None and skill < thresholds.LEARNED_HALF:
        yield finding(
            LABELS_CHANGE,
            value=found.changed,
            limit=limit,
            rows=found.rows,
            chance=f"{found.chance:.0%}",
            where="the labels",
        )


def targets_turned(trace: Trace) -> Iterator[Finding]:
    """Images whose target is mirrored while the image is not."""
    found = None if trace.data_facts is None else trace.data_facts.turned_targets
    if found is None or found.turned < _FEWEST_TURNED:
        return
    if found.turned >= TURNED * found.rows:
        yield finding(
            TARGETS_TURNED,
            value=found.turned / found.rows,
            limit=TURNED,
            rows=found.rows,
            where="the targets",
        )


RULES = (targets_left_at_zero, labels_from_the_net, labels_change, targets_turned)
