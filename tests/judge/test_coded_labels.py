"""Held-out labels whose class ids mean other classes."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.coded_labels import Agreement
from pytest_lossguard.core.findings import SEEN_CAUSES
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import HeldOut
from pytest_lossguard.judge import judge
from tests.support.held_out import kinds_found, trained


def coded(**changed) -> HeldOut:
    facts = {"rows": 300, "classes": 10, "fewest": 20, "trained": 0.98}
    facts |= {"as_is": 0.05, "renamed": 0.95, "moved": ((0, 8), (2, 9), (3, 1), (4, 2))}
    facts |= {"nearer": 0.52, "compared": 128}
    return HeldOut(rows=300, agreement=Agreement(**{**facts, **changed}))


RISING = (2.6, 3.0, 4.0, 5.0, 6.0)


def test_labels_coded_apart_are_the_first_cause_and_their_consequences_are_left_out():
    (found,) = judge(trained(RISING, coded()), Policy())
    assert (found.kind, found.severity) == ("labels_coded_apart", "error")
    assert found.suspects in SEEN_CAUSES
    assert (
        "predictions equal 5% of the validation labels (limit 48%), but 95% once"
        " class 0 is read as 8, 2 is read as 9, 3 is read as 1 (and 1 more)"
    ) in found.message

    assert kinds_found(trained(RISING, None)) == ["validation_differs"]
    later = (0.9, 1.2, 1.3, 1.4, 1.5)
    assert kinds_found(trained(later, None)) == ["overfitting"]
    assert kinds_found(trained(later, coded())) == ["labels_coded_apart"]


@pytest.mark.parametrize(
    "changed",
    [
        {"renamed": 0.7},
        {"as_is": 0.5},
        {"trained": 0.5},
        {"rows": 20},
        {"moved": ((0, 8), (8, 0))},
        {"classes": 2, "moved": ((1, 0),)},
        {"classes": 2, "moved": ((1, 0), (0, 1)), "renamed": 0.85},
        {"classes": 2, "moved": ((1, 0), (0, 1)), "fewest": 4},
    ],
    ids=str,
)
def test_labels_that_only_look_coded_apart_are_not_reported(changed):
    found = kinds_found(trained(RISING, coded(**changed)))
    assert "labels_coded_apart" not in found


def test_two_classes_that_are_swapped_are_reported():
    swapped = coded(classes=2, moved=((1, 0), (0, 1)))
    assert kinds_found(trained(RISING, swapped)) == ["labels_coded_apart"]


@pytest.mark.parametrize("nearer", [0.9, None])
def test_rows_of_another_kind_make_it_a_warning(nearer):
    (found,) = judge(trained(RISING, coded(nearer=nearer)), Policy())
    assert found.severity == "warning"
    assert "their inputs may be at fault" in found.message


def test_trainings_whose_loss_need_not_fall_are_not_judged_by_their_labels():
    assert "labels_coded_apart" not in kinds_found(
        trained(RISING, coded(), contested=True)
    )
