"""The table of Keras' names against the installed Keras."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from pytest_lossguard.core.keras_names import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    OTHER_ACTIVATIONS,
    OTHER_INITIALIZERS,
    OTHER_LOSSES,
    OTHER_OPTIMIZERS,
    PLAIN_INITIALIZERS,
    SCALING_INITIALIZERS,
    USUAL_OUTPUTS,
    loss_facts,
    optimizer_facts,
)
from pytest_lossguard.training.backend.data import ArrayData
from pytest_lossguard.training.rerun.model_facts import model_facts
from pytest_lossguard.training.score.layer_stats import activation_stats, is_watched

#: Some of them came after Keras 3.6.
HERE = [it for it in ACTIVATIONS if hasattr(keras.activations, it.name)]
NOT_NAMES = {"get", "serialize", "deserialize"}
RNG = np.random.default_rng(0)


def functions_of(module):
    """Names that a module of Keras exports, of functions, without aliases."""
    public = set(dir(module)) - NOT_NAMES
    return {
        getattr(module, it).__name__
        for it in public
        if inspect.isfunction(getattr(module, it))
    }


def classes_of(module, base):
    found = {it for it in dir(module) if inspect.isclass(getattr(module, it))}
    return {it for it in found if issubclass(getattr(module, it), base)}


def test_every_loss_of_keras_is_in_the_table_or_left_out_on_purpose():
    known = {it.name for it in LOSSES}

    assert not known & OTHER_LOSSES
    assert functions_of(keras.losses) <= known | OTHER_LOSSES
    classes = classes_of(keras.losses, keras.losses.Loss) - {"Loss"}
    unknown = {it for it in classes if loss_facts(it) is None}
    assert {it.lower() for it in unknown} <= {
        it.replace("_", "") for it in OTHER_LOSSES
    }


def test_every_activation_of_keras_is_in_the_table_or_left_out_on_purpose():
    known = {it.name for it in ACTIVATIONS}

    assert not known & OTHER_ACTIVATIONS
    assert functions_of(keras.activations) <= known | OTHER_ACTIVATIONS


def test_every_optimizer_of_keras_is_in_the_table_or_left_out_on_purpose():
    known = {it.name for it in OPTIMIZERS}
    classes = classes_of(keras.optimizers, keras.optimizers.Optimizer) - {"Optimizer"}

    assert not known & OTHER_OPTIMIZERS
    assert classes <= known | OTHER_OPTIMIZERS


def test_every_initializer_of_keras_is_in_the_table_or_left_out_on_purpose():
    known = SCALING_INITIALIZERS | PLAIN_INITIALIZERS
    module = keras.initializers
    classes = {
        getattr(module, it).__name__ for it in classes_of(module, module.Initializer)
    } - {"Initializer"}

    assert not known & OTHER_INITIALIZERS
    assert known <= classes <= known | OTHER_INITIALIZERS


@pytest.mark.parametrize("facts", LOSSES, ids=lambda it: it.name)
def test_a_loss_is_what_keras_has_under_its_name_and_class(facts):
    function = keras.losses.get(facts.name)
    by_class = keras.losses.get(facts.class_name)

    assert function.__name__ == facts.name
    assert by_class.fn is function


def fitting(facts):
    """Labels and outputs of 8 rows as they fit the loss."""
    classes = RNG.integers(0, 3, 8)
    shares = RNG.dirichlet(np.ones(3), 8).astype("float32")
    numbers = RNG.normal(size=(2, 8, 3)).astype("float32")
    if facts.takes_class_numbers:
        return classes, shares
    if facts.usual_outputs == ("softmax",):
        return np.eye(3, dtype="float32")[classes], shares
    if facts.usual_outputs == ("sigmoid",) or facts.name == "kl_divergence":
        return RNG.uniform(0, 1, (2, 8, 3)).astype("float32")
    if facts.name == "poisson":
        return RNG.uniform(1, 9, (2, 8, 3)).astype("float32")
    if facts.name == "categorical_hinge":
        return np.eye(3, dtype="float32")[classes], numbers[0]
    return (np.sign(numbers[0]) if "hinge" in facts.name else numbers[0]), numbers[1]


@pytest.mark.parametrize("facts", LOSSES, ids=lambda it: it.name)
def test_a_loss_goes_below_zero_only_where_the_table_says_so(facts):
    function = keras.losses.get(facts.name)
    costs = [function(*fitting(facts)) for _ in range(50)]

    assert (np.min(costs) >= 0) == facts.never_negative


@pytest.mark.parametrize("facts", HERE, ids=lambda it: it.name)
def test_an_activation_stays_in_its_range_and_comes_near_its_ends(facts):
    function = keras.activations.get(facts.name)
    assert {keras.activations.get(it) for it in facts.aliases} <= {function}
    line = np.concatenate([np.linspace(-20, 20, 4001), [-1e6, 1e6]])
    x = line.astype("float32")[:, None]
    if facts.name == "softmax":
        x = np.concatenate([x, -x], axis=1)
    elif facts.name == "exponential":
        x = x[:-1]
    y = np.asarray(function(x))

    for end, reached in ((facts.low, y.min()), (facts.high, y.max())):
        if end is None:
            assert abs(reached) > 100
        else:
            assert reached == pytest.approx(end, abs=1e-3)


@pytest.mark.parametrize("facts", OPTIMIZERS, ids=lambda it: it.name)
def test_an_optimizer_has_the_rate_of_the_table_and_is_named_as_there(facts):
    made = keras.optimizers.get(facts.name.lower())

    assert type(made).__name__ == facts.name
    assert optimizer_facts(facts.name.lower()) is facts
    assert float(made.learning_rate) == pytest.approx(facts.default_rate)


@pytest.mark.parametrize("usual", USUAL_OUTPUTS.values(), ids=USUAL_OUTPUTS)
def test_the_usual_outputs_are_made_of_what_the_table_knows(usual):
    facts = loss_facts(usual.loss_class)

    assert usual.activation in facts.usual_outputs
    assert type(keras.losses.get(usual.loss_class)).__name__ == usual.loss_class


@pytest.mark.parametrize(("name", "stuck"), [("softsign", 1000.0), ("tanh", 9.0)])
def test_all_that_saturates_is_watched_and_seen_to(name, stuck):
    function = keras.activations.get(name)

    assert is_watched(name)
    shares = [
        float(activation_stats(name, function(np.full((4, 2), it, "float32")))[1])
        for it in (stuck, -stuck, 0.1)
    ]
    assert shares == [1.0, 1.0, 0.0]


def facts_of(loss, activation, labels, units=1):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation)])
    model.compile("sgd", loss)
    inputs = np.zeros((4, 2), "float32")
    model.compute_loss(inputs, labels, model(inputs))  # builds the loss
    return model_facts(model, ArrayData(inputs, labels, None, 4))


SIGNED = np.array([[-2.0], [-1.0], [1.0], [3.0]])


def test_an_alias_of_a_loss_makes_no_output_unusual():
    bits = np.array([[0.0], [1.0], [1.0], [0.0]])

    assert facts_of("bce", "sigmoid", bits).canonical_output
    assert facts_of("msle", "linear", SIGNED).canonical_output
    assert facts_of("SparseCategoricalCrossentropy", "softmax", bits, 2).labels == (
        "classes"
    )


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softsign", "hard_sigmoid"])
def test_every_squashing_output_is_needlessly_bounded_for_values(activation):
    assert facts_of("mse", activation, SIGNED).output_is_bounded
    assert not facts_of("mse", "linear", SIGNED).output_is_bounded
