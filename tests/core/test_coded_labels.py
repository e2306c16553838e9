"""Predictions that agree with labels once the classes get other names."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.coded_labels import (
    Classified,
    agreement,
    predicted_classes,
)
from pytest_lossguard.core.near_rows import nearer_to_one_another

DRAW = np.random.default_rng(0)
LABELS = DRAW.integers(0, 5, 200)
TRAINED = Classified(LABELS, LABELS)
NAMES = np.array([3, 0, 4, 1, 2])


def compared(predicted, labels, classes=5, trained=TRAINED):
    return agreement(trained, Classified(predicted, labels), classes)


def test_labels_under_other_names_agree_once_they_are_renamed():
    found = compared(LABELS, NAMES[LABELS])
    assert (found.trained, found.as_is, found.renamed) == (1, 0, 1)
    assert set(found.moved) == set(enumerate(NAMES))


def test_the_same_labels_agree_as_they_are():
    found = compared(LABELS, LABELS)
    assert (found.as_is, found.renamed, found.moved) == (1, 1, ())


@pytest.mark.parametrize(("classes", "rows"), [(3, 100), (10, 60), (200, 200)])
def test_random_predictions_gain_little_by_names(classes, rows):
    one, other = DRAW.integers(0, classes, (2, rows))
    known = np.arange(classes)
    found = compared(one, other, classes, Classified(known, known))
    assert found.renamed < 0.6


def test_one_row_of_each_label_has_no_name_that_can_be_tried():
    labels = np.arange(100)
    found = compared(labels, np.roll(labels, 1), 100, Classified(labels, labels))
    assert found.renamed == 0


def test_rows_that_alternate_between_classes_are_in_both_halves():
    labels = np.tile([0, 1, 2, 3], 25)
    assert compared(labels, (labels + 1) % 4).renamed == 1


def test_a_constant_prediction_is_right_for_one_class():
    mostly = np.where(np.arange(200) % 10, 1, LABELS)
    assert compared(np.zeros(200, int), mostly).renamed <= 0.25


def test_rows_of_classes_that_were_not_trained_on_are_left_out():
    few = Classified(LABELS[LABELS < 2], LABELS[LABELS < 2])
    assert compared(LABELS % 2, LABELS, trained=few) is None
    found = compared(LABELS, LABELS + 1)  # ids that start at 1: 5 is not trained on
    assert found.rows == np.sum(LABELS < 4)
    assert (found.as_is, found.renamed) == (0, 1)


def test_training_labels_that_the_model_cannot_predict_are_no_classes():
    assert compared(LABELS, LABELS, classes=4) is None


@pytest.mark.parametrize(
    ("outputs", "are_logits", "classes"),
    [
        ([[0.1, 0.9], [0.8, 0.2]], False, [1, 0]),
        ([[0.9], [0.2]], False, [1, 0]),
        ([0.9, 0.2], False, [1, 0]),
        ([[0.3], [-2.0]], True, [1, 0]),
        ([[0.3], [-2.0]], False, None),  # a number, not a class
        ([[0.3], [np.nan]], False, None),
        ([[[0.3, 0.1]]], False, None),  # a class at each position
    ],
)
def test_outputs_give_the_predicted_class(outputs, are_logits, classes):
    found = predicted_classes(np.asarray(outputs), are_logits=are_logits)
    assert (None if found is None else found[0].tolist()) == classes


def test_recordings_lie_nearer_to_one_another_than_to_training_rows():
    def recordings(count):
        ones = [DRAW.normal(size=20) + DRAW.normal(size=(40, 20)) for _ in range(count)]
        return np.concatenate(ones)

    whole = DRAW.permutation(recordings(12))
    apart, rows = nearer_to_one_another([recordings(3)], [recordings(9)])
    mixed, _ = nearer_to_one_another([whole[:120]], [whole[120:]])
    assert (apart > 0.9, 0.37 < mixed < 0.63, rows) == (True, True, 120)
    assert nearer_to_one_another([whole[:3]], [whole[3:]]) is None
    assert nearer_to_one_another([np.zeros((30, 2))], [np.zeros((30, 2))]) is None
