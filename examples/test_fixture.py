"""The `lossguard` fixture: train in the test, as much as the test needs."""

from functools import partial

import pytest
import tensorflow as tf
from project.model import build_diabetes_model, build_digit_model, build_tumour_model
from project.preprocess import Arrays, prepare_diabetes, prepare_digits, prepare_tumours
from project.train import train
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split

from pytest_lossguard import Lossguard


@pytest.fixture(scope="module")
def tumours() -> Arrays:
    return prepare_tumours(*load_breast_cancer(return_X_y=True))


@pytest.fixture(scope="module")
def diabetes() -> Arrays:
    return prepare_diabetes(*load_diabetes(return_X_y=True))


@pytest.mark.converges(steps=60, min_drop=0.3)
def test_sixty_steps_are_enough(lossguard: Lossguard, tumours: Arrays) -> None:
    lossguard.fit(build_tumour_model, *tumours)


@pytest.mark.converges(seeds=3, min_pass=0.6)
def test_two_of_three_seeds_must_converge(
    lossguard: Lossguard, diabetes: Arrays
) -> None:
    lossguard.fit(build_diabetes_model, *diabetes)


@pytest.mark.converges
def test_a_dataset_with_its_own_batches(lossguard: Lossguard) -> None:
    digits = load_digits()
    x, y = prepare_digits(digits.images, digits.target)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(64)
    lossguard.fit(build_digit_model, batches, epochs=5)


@pytest.mark.converges(epochs=10, strict=True)
def test_it_does_not_learn_by_heart(lossguard: Lossguard, tumours: Arrays) -> None:
    """The held-out rows are scored every epoch; `strict` makes warnings fail."""
    x, x_held_out, y, y_held_out = train_test_split(*tumours, random_state=0)
    lossguard.fit(build_tumour_model, x, y, validation_data=(x_held_out, y_held_out))


@pytest.mark.converges(strict=True, allow=("overfitting",), max_loss=0.1)
def test_it_can_learn_a_few_rows_by_heart(
    lossguard: Lossguard, diabetes: Arrays
) -> None:
    """Overfitting is the point here; every other warning still fails."""
    x, y = diabetes
    held_out = (x[64:], y[64:])
    build = partial(build_diabetes_model, 1e-2)
    lossguard.fit(build, x[:64], y[:64], epochs=100, validation_data=held_out)


def test_nothing_is_asserted_without_the_marker(
    lossguard: Lossguard, diabetes: Arrays
) -> None:
    run = lossguard.fit(build_diabetes_model, *diabetes, steps=200)
    assert run.converged
    assert run.loss[-20:].mean() < 0.8 * run.loss[:20].mean()


def test_two_learning_rates_compared(lossguard: Lossguard, diabetes: Arrays) -> None:
    slow = lossguard.fit(partial(build_diabetes_model, 1e-4), *diabetes)
    fast = lossguard.fit(partial(build_diabetes_model, 1e-2), *diabetes)
    assert fast.loss[-10:].mean() < slow.loss[-10:].mean()


def test_one_training_watched(lossguard: Lossguard, tumours: Arrays) -> None:
    with lossguard.watch("tumours") as watched:
        train(build_tumour_model(), *tumours)
    watched.run.assert_converged(min_drop=0.2)
