"""Layers that no training reaches and that have random weights."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.numbers import format_names
from ..core.trace import Trace

#: Maximum number of names in a sentence.
_MOST_NAMED = 3

# Limits, each with its source

AS_DRAWN = Limit(
    2.2,
    "The Kolmogorov statistic of the weights of each layer, against the distribution of"
    " its own initializer, is at most {limit}.",
    set_by="Random weights exceed it once in 8,000 draws, by its distribution.",
)
FEWEST = Limit(
    2,
    "{limit} layers or more of one part of the model are frozen so.",
    set_by="One frozen layer may be random on purpose, as in random features; a"
    " pretrained part has several.",
)

# Kinds of findings

FROZEN_UNTRAINED = Kind(
    name="frozen_untrained",
    severity="warning",
    suspects="frozen_untrained",
    text="{where} are frozen (trainable=False), but their {count} weights still have"
    " their random initial values (Kolmogorov statistic {value}, limit {limit})",
    hint="Copy the trained weights, clone.set_weights(model.get_weights()), since"
    " keras.models.clone_model copies none; or check that load_weights matched these"
    " layers. If they are random on purpose, write"
    " converges(allow='frozen_untrained').",
    explanation=Explanation(
        brief="frozen layers have random weights",
        seen="At the end of the training, layers with trainable=False have weights as"
        " their random initializer draws them. Biases and batch statistics have their"
        " initial values in all frozen layers of that part of the model. The training"
        " assigned no weights to these layers.",
        why="A pretrained part was cloned without its weights, or loading matched"
        " nothing. The layers after it learn from random features: the loss falls, and"
        " the pretraining has no effect.",
        limits=(AS_DRAWN, FEWEST),
    ),
)


LAYERS_UNTRACKED = Kind(
    name="layers_untracked",
    severity="error",
    suspects="layers_untracked",
    headline="{count} not tracked by the model",
    text="{where} calls {names}, which Keras does not track: {count} that its outputs"
    " depend on {are} not in model.trainable_variables, limit {limit}, and {were} never"
    " trained",
    hint="Make the layers attributes of the model or of one of its layers; lists and"
    " dictionaries of layers work, too. Write a Layer instead of a Lambda, and use"
    " self.add_weight instead of a tf.Variable. If they should not be trained, set"
    " trainable=False or write converges(allow='layers_untracked').",
    explanation=Explanation(
        brief="a model calls layers that it does not track",
        seen="The outputs of a model in a traced step depend on trainable variables"
        " that belong to no Keras model, and that nothing changed. A warning in loops,"
        " for a tf.Variable, and if the weights do not look random. Not seen in steps"
        " that run eagerly.",
        why="Keras does not find layers in other objects, closures or Lambda layers,"
        " nor a tf.Variable. They are neither trained nor saved. The loss falls because"
        " other layers learn.",
        no_limit="One such variable is enough.",
    ),
)


def frozen_untrained(trace: Trace) -> Iterator[Finding]:
    """Frozen layers that still have the random weights they were made with."""
    if trace.step is None or trace.moving_target or trace.contested:
        return
    for it in trace.step.frozen:
        if it.misfit <= AS_DRAWN and len(it.layers) >= FEWEST:
            yield finding(
                FROZEN_UNTRAINED,
                value=it.misfit,
                limit=AS_DRAWN,
                where=format_names(it.layers, _MOST_NAMED),
                count=f"{it.values:,}",
            )


def layers_untracked(trace: Trace) -> Iterator[Finding]:
    """Layers that a model calls and that Keras does not count as its own."""
    it = None if trace.step is None else trace.step.untracked
    if it is not None and not trace.moving_target:
        several = it.variables > 1
        is_error = it.in_fit and it.misfit <= AS_DRAWN and not trace.contested
        yield finding(
            LAYERS_UNTRACKED,
            severity="error" if is_error else "warning",
            value=it.variables,
            limit=0,
            where=f"model {trace.model}",
            names=format_names(it.names, _MOST_NAMED),
            count=f"{it.variables} variable{'s' if several else ''}",
            are="are" if several else "is",
            were="were" if several else "was",
        )


RULES = (layers_untracked, frozen_untrained)
