"""Each check passes healthy models of many kinds, and fails the one that it is for."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.errors import UsageError
from pytest_lossguard.model_checks import ModelCheckPolicy, check_of, subject_of
from pytest_lossguard.training.model_checks import CHECKS
from tests.support.checked_models import (
    BROKEN,
    CLASSES,
    HEALTHY,
    TABLE,
    VALUES,
    looks_ahead,
    mlp,
    never_settling,
    transformer,
)

#: Of the kinds of healthy models those that are cheap.
FAST = ("mlp", "autoencoder", "without a loss")
ALL = ModelCheckPolicy()


def outcome(name, subject, policy=ALL):
    return check_of(subject, name, policy)


def failed(subject, names=CHECKS):
    results = (outcome(it, subject) for it in names)
    return {it.check: it.message for it in results if it.outcome == "failed"}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(it, marks=() if it in FAST else pytest.mark.slow, id=it)
        for it in HEALTHY
    ],
)
def test_a_healthy_model_passes_every_check(kind):
    assert failed(subject_of(*HEALTHY[kind]), set(CHECKS) - {"causal"}) == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_fails_its_check_by_name(name):
    build, x, y, fact = BROKEN[name]

    result = outcome(name, subject_of(build, x, y))

    assert result.outcome == "failed"
    assert fact in result.finding.message
    assert result.message.startswith(f"{name}: ")
    assert "hint: " in result.message
    assert result.finding.kind == f"check_{name}"
    assert all(len(line) <= 76 for line in result.message.splitlines())


def test_statistics_that_never_settle_are_seen():
    x = TABLE * 3 + 5

    result = outcome("serves_as_trained", subject_of(never_settling, x, VALUES))

    assert result.outcome == "failed"
    assert "in inference mode" in result.finding.message


def test_a_causal_model_passes():
    tokens = np.arange(640).reshape(64, 10) % 20

    assert (
        outcome("causal", subject_of(transformer, tokens, tokens)).outcome == "passed"
    )
    assert (
        outcome("causal", subject_of(looks_ahead, tokens, tokens)).outcome == "failed"
    )


def test_a_model_given_as_it_is_leaves_as_it_came():
    model = mlp()
    model.fit(TABLE, VALUES, verbose=0)
    before = [np.array(it) for it in (*model.variables, *model.optimizer.variables)]

    assert failed(subject_of(model, TABLE, VALUES)) == {}

    after = [*model.variables, *model.optimizer.variables]
    assert all(map(np.array_equal, before, after))


def test_seeds_and_types_are_put_back():
    keras.utils.set_random_seed(3)
    expected = np.random.rand(), float(tf.random.uniform(()))
    keras.utils.set_random_seed(3)

    failed(subject_of(mlp, TABLE, VALUES))

    assert (np.random.rand(), float(tf.random.uniform(()))) == expected
    assert keras.config.dtype_policy().name == "float32"


def test_a_dataset_has_its_own_targets():
    data = tf.data.Dataset.from_tensor_slices((TABLE, VALUES)).batch(16)

    assert outcome("learns_one_batch", subject_of(mlp, data)).outcome == "passed"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((3, TABLE, VALUES), "needs a function that builds a keras.Model"),
        ((lambda: 3, TABLE, VALUES), "a function that returns a keras.Model"),
        ((mlp, TABLE, VALUES[:5]), "y has 5"),
        ((mlp, tf.data.Dataset.range(3).batch(2), CLASSES), "got both a dataset and y"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, sentence):
    with pytest.raises(UsageError, match=sentence):
        outcome("accumulates", subject_of(*given))


def test_strict_fails_what_applies_and_cannot_be_checked():
    class EightRows(keras.layers.Layer):
        def call(self, x):
            return keras.ops.reshape(x, (8, 6))

    def of_one_size():
        return keras.Sequential([keras.Input((6,)), EightRows(), keras.layers.Dense(1)])

    subject = subject_of(of_one_size, TABLE[:8])
    lax, strict = (
        outcome("rows_are_independent", subject, ModelCheckPolicy(strict=it))
        for it in (False, True)
    )

    assert lax.outcome == "skipped"
    assert "one size only" in lax.message
    assert strict.outcome == "failed"
