"""The one table of facts about Keras' losses, activations, optimizers and
initializers, by name.

Values only; TensorFlow is not imported. `tests/training/test_keras_names.py` checks the
table against the installed Keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

_T = TypeVar("_T")
LabelKind = Literal["values", "classes", "one_hot", "binary", "multi_label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFacts:
    """A loss of Keras.

    Attributes:
        name: Name of the loss function.
        class_name: Name of the loss class, which Keras also accepts as a string.
        aliases: Other names of the same loss.
        never_negative: Whether the loss is at least 0 for labels and outputs that fit
            it.
        elementwise: Whether the loss compares output and target value by value, so that
            a target beyond the range of the output cannot be reached.
        takes_class_numbers: Whether a label is the class index of its row.
        has_floor: Whether 0 is the lowest possible loss; otherwise a loss of 0 has no
            special meaning.
        is_robust: Whether an outlier in the targets counts by its distance and not by
            its square.
        usual_labels: Kinds of labels that the loss is usually used for, as in
            ``ModelFacts.labels``.
        usual_outputs: Last activations that are usual with the loss if it does not take
            logits.
    """

    name: str
    class_name: str
    aliases: tuple[str, ...] = ()
    never_negative: bool = False
    elementwise: bool = False
    takes_class_numbers: bool = False
    has_floor: bool = True
    is_robust: bool = False
    usual_labels: tuple[LabelKind, ...] = ()
    usual_outputs: tuple[str, ...] = ()

    @property
    def is_for_any_value(self) -> bool:
        """Whether the loss is usual for unbounded targets, which only a linear output
        reaches.
        """
        return "values" in self.usual_labels and "linear" in self.usual_outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationFacts:
    """An activation of Keras.

    Attributes:
        name: Name of the activation function.
        aliases: Other names of the same activation.
        low: Lower bound of the output with default parameters; None if there is none.
        high: Upper bound of the output with default parameters; None if there is none.
        can_die: Whether a unit can be 0 with zero gradient for every row.
        can_saturate: Whether each unit has almost no gradient close to either end of
            its range.
        is_watched: Whether layers with this activation are checked for dead, saturated
            and equal units.
        suits_hidden: Whether the activation is usual in hidden layers.
    """

    name: str
    aliases: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    can_die: bool = False
    can_saturate: bool = False
    is_watched: bool = True
    suits_hidden: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFacts:
    """An optimizer of Keras.

    Attributes:
        name: Name of the optimizer class.
        default_rate: Default learning rate.
        highest_usual: A learning rate that hardly any program reaches.
        lowest_usual: A learning rate that hardly any program needs to go down to.
        is_adam: Whether Adam would behave about the same.
    """

    name: str
    default_rate: float
    highest_usual: float = 1.0
    lowest_usual: float = 1e-5
    is_adam: bool = False


@dataclass(frozen=True, slots=True)
class UsualOutput:
    """The usual last activation and loss class for a kind of labels, also in words."""

    activation: str
    loss_class: str
    text: str


def _of_values(
    name: str, class_name: str, *aliases: str, is_robust: bool = False
) -> LossFacts:
    """Make the facts of a loss that is a distance between two numbers."""
    return LossFacts(
        name=name,
        class_name=class_name,
        aliases=aliases,
        never_negative=True,
        elementwise=True,
        is_robust=is_robust,
        usual_labels=("values",),
        usual_outputs=("linear",),
    )


def _of_shares(
    name: str,
    class_name: str,
    *aliases: str,
    labels: tuple[LabelKind, ...],
    output: str,
) -> LossFacts:
    """Make the facts of a loss of probabilities with a label for each."""
    return LossFacts(
        name=name,
        class_name=class_name,
        aliases=aliases,
        never_negative=True,
        elementwise=True,
        usual_labels=labels,
        usual_outputs=(output,),
    )


_YES_OR_NO: tuple[LabelKind, ...] = ("binary", "multi_label")

LOSSES: tuple[LossFacts, ...] = (
    _of_values("mean_squared_error", "MeanSquaredError", "mse", "MSE"),
    _of_values(
        "mean_absolute_error", "MeanAbsoluteError", "mae", "MAE", is_robust=True
    ),
    _of_values(
        "mean_absolute_percentage_error", "MeanAbsolutePercentageError", "mape", "MAPE"
    ),
    _of_values(
        "mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", "msle", "MSLE"
    ),
    _of_values("huber", "Huber", is_robust=True),
    _of_values("log_cosh", "LogCosh", "logcosh", is_robust=True),
    LossFacts(
        name="cosine_similarity",  # -1 where both point the same way
        class_name="CosineSimilarity",
        usual_labels=("values",),
        usual_outputs=("linear",),
    ),
    LossFacts(
        name="poisson",  # prediction - target * log(prediction)
        class_name="Poisson",
        elementwise=True,
        has_floor=False,
        usual_labels=("values",),
        usual_outputs=("exponential", "softplus"),
    ),
    _of_shares(
        "binary_crossentropy",
        "BinaryCrossentropy",
        *("bce", "BCE"),
        labels=_YES_OR_NO,
        output="sigmoid",
    ),
    _of_shares(
        "binary_focal_crossentropy",
        "BinaryFocalCrossentropy",
        labels=_YES_OR_NO,
        output="sigmoid",
    ),
    _of_shares(
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        labels=("one_hot",),
        output="softmax",
    ),
    _of_shares(
        "categorical_focal_crossentropy",
        "CategoricalFocalCrossentropy",
        labels=("one_hot",),
        output="softmax",
    ),
    LossFacts(
        name="sparse_categorical_crossentropy",
        class_name="SparseCategoricalCrossentropy",
        never_negative=True,
        takes_class_numbers=True,
        usual_labels=("classes",),
        usual_outputs=("softmax",),
    ),
    LossFacts(
        name="kl_divergence",  # below 0 where a row of outputs does not add up to 1
        class_name="KLDivergence",
        aliases=("kld", "KLD", "kullback_leibler_divergence"),
        elementwise=True,
    ),
    LossFacts(name="hinge", class_name="Hinge", never_negative=True),
    LossFacts(name="squared_hinge", class_name="SquaredHinge", never_negative=True),
    LossFacts(
        name="categorical_hinge", class_name="CategoricalHinge", never_negative=True
    ),
)
#: Losses that no rule asks about: they compare regions, paths or distances in a batch.
OTHER_LOSSES = frozenset(
    {"categorical_generalized_cross_entropy", "circle", "ctc", "dice", "tversky"}
)

ACTIVATIONS: tuple[ActivationFacts, ...] = (
    ActivationFacts(name="relu", low=0.0, can_die=True),
    ActivationFacts(name="relu6", low=0.0, high=6.0, can_die=True),
    ActivationFacts(name="leaky_relu"),
    ActivationFacts(name="elu", low=-1.0),
    ActivationFacts(name="celu", low=-1.0),
    ActivationFacts(name="selu", low=-1.7581),
    ActivationFacts(name="gelu", low=-0.1700),
    ActivationFacts(name="silu", aliases=("swish",), low=-0.2785),
    ActivationFacts(name="hard_silu", aliases=("hard_swish",), low=-0.375),
    ActivationFacts(name="mish", low=-0.3089),
    ActivationFacts(name="softplus", low=0.0),
    ActivationFacts(name="squareplus", low=0.0),
    ActivationFacts(name="sparse_plus", low=0.0),
    ActivationFacts(name="sigmoid", low=0.0, high=1.0, can_saturate=True),
    ActivationFacts(name="hard_sigmoid", low=0.0, high=1.0, can_saturate=True),
    ActivationFacts(name="sparse_sigmoid", low=0.0, high=1.0, can_saturate=True),
    ActivationFacts(name="tanh", low=-1.0, high=1.0, can_saturate=True),
    ActivationFacts(name="hard_tanh", low=-1.0, high=1.0, can_saturate=True),
    ActivationFacts(name="softsign", low=-1.0, high=1.0, can_saturate=True),
    ActivationFacts(name="linear", suits_hidden=False),
    ActivationFacts(name="exponential", low=0.0, is_watched=False, suits_hidden=False),
    ActivationFacts(
        name="softmax",
        low=0.0,
        high=1.0,
        is_watched=False,
        suits_hidden=False,
    ),
)
#: Activations that no rule asks about: no output of theirs is known to be wrong.
OTHER_ACTIVATIONS = frozenset(
    {
        *("glu", "hard_shrink", "log_sigmoid", "log_softmax", "soft_shrink"),
        *("sparsemax", "tanh_shrink", "threshold"),
    }
)

#: A learning rate counts as unusual if it is a factor of 10 to 1000 away from the
#: default.
OPTIMIZERS: tuple[OptimizerFacts, ...] = (
    OptimizerFacts(name="SGD", default_rate=0.01, lowest_usual=1e-3),
    *(
        OptimizerFacts(
            name=name,
            default_rate=0.001,
            highest_usual=0.1,
            lowest_usual=1e-4,
            is_adam=name != "RMSprop",
        )
        for name in ("Adam", "AdamW", "Nadam", "RMSprop")
    ),
    OptimizerFacts(name="Adagrad", default_rate=0.001, lowest_usual=1e-3),
    OptimizerFacts(
        name="Adadelta", default_rate=0.001, highest_usual=10.0, lowest_usual=0.1
    ),
)
#: Optimizers whose usual learning rates were not examined, or that wrap another one.
OTHER_OPTIMIZERS = frozenset(
    {
        *("Adafactor", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer"),
        *("MultiOptimizer", "Muon", "OptimizerMap", "ScheduleFreeAdamW"),
    }
)

#: Initializers that keep the scale of a layer's activations.
SCALING_INITIALIZERS = frozenset(
    f"{who}{how}" for who in ("Glorot", "He", "Lecun") for how in ("Uniform", "Normal")
)
#: Initializers whose values do not depend on the size of the layer.
PLAIN_INITIALIZERS = frozenset(
    {"Constant", "Zeros", "Ones", "RandomNormal", "RandomUniform", "TruncatedNormal"}
)
#: Initializers that are as often right as wrong, or not for kernels.
OTHER_INITIALIZERS = frozenset({"Identity", "Orthogonal", "STFT", "VarianceScaling"})

USUAL_OUTPUTS: Mapping[str, UsualOutput] = MappingProxyType(
    {
        "values": UsualOutput(
            "linear", "MeanSquaredError", "a linear output with mean squared error"
        ),
        "binary": UsualOutput(
            "sigmoid",
            "BinaryCrossentropy",
            "a sigmoid output with binary_crossentropy",
        ),
        "multi_label": UsualOutput(
            "sigmoid",
            "BinaryCrossentropy",
            "a sigmoid output with binary_crossentropy",
        ),
        "one_hot": UsualOutput(
            "softmax",
            "CategoricalCrossentropy",
            "a softmax output, a unit for each class, with categorical_crossentropy",
        ),
        "classes": UsualOutput(
            "softmax",
            "SparseCategoricalCrossentropy",
            "a softmax output, a unit for each class, with"
            " sparse_categorical_crossentropy",
        ),
    }
)


def _by_name(facts: Iterable[tuple[_T, tuple[str, ...]]]) -> Mapping[str, _T]:
    return MappingProxyType({name: it for it, names in facts for name in names})


_LOSSES = _by_name((it, (it.name, it.class_name, *it.aliases)) for it in LOSSES)
_ACTIVATIONS = _by_name((it, (it.name, *it.aliases)) for it in ACTIVATIONS)
_OPTIMIZERS = _by_name((it, (it.name, it.name.lower())) for it in OPTIMIZERS)

#: Parts of the names of losses for classes.
_OF_CLASSES = ("crossentropy", "hinge", "focal")


def is_for_classes(loss: str) -> bool:
    """Whether a loss is for classes, by its name; custom losses are often named so."""
    return any(it in loss for it in _OF_CLASSES)


def loss_facts(name: str) -> LossFacts | None:
    """Return the facts of a loss by function name, class name or alias; None if it is
    custom.
    """
    return _LOSSES.get(name)


def activation_facts(name: str | None) -> ActivationFacts | None:
    """Return the facts of an activation by name or alias; None if custom or if name is
    None.
    """
    return None if name is None else _ACTIVATIONS.get(name)


def optimizer_facts(name: str) -> OptimizerFacts | None:
    """Return the facts of an optimizer by class name, also lowercase; None if it is
    custom.
    """
    return _OPTIMIZERS.get(name)
