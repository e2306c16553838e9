"""The project's own training code, watched: the marker is all that is added."""

import keras
import pytest
from project.model import build_diabetes_model, build_digit_model, build_tumour_model
from project.preprocess import prepare_diabetes, prepare_digits, prepare_tumours
from project.train import train, train_by_hand
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits


@pytest.mark.converges
def test_tumours_with_the_projects_train() -> None:
    train(build_tumour_model(), *prepare_tumours(*load_breast_cancer(return_X_y=True)))


@pytest.mark.converges(max_loss=1.0)
def test_digits_reach_a_given_loss() -> None:
    digits = load_digits()
    model = build_digit_model()
    model.fit(*prepare_digits(digits.images, digits.target), epochs=5, verbose=0)
    # The test's own assertions stand beside the verdict.
    assert model.history.history["accuracy"][-1] > 0.8


@pytest.mark.converges(min_drop=0.2)
def test_diabetes_regression_loses_a_fifth_of_its_loss() -> None:
    x, y = prepare_diabetes(*load_diabetes(return_X_y=True))
    build_diabetes_model().fit(x, y, epochs=20, verbose=0)


@pytest.mark.converges
def test_diabetes_with_a_hand_written_loop() -> None:
    x, y = prepare_diabetes(*load_diabetes(return_X_y=True))
    loss = keras.losses.MeanSquaredError()
    train_by_hand(build_diabetes_model(), x, y, loss, epochs=20)
