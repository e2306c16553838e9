"""Weights under the ids of other classes, tokens under the id of padding."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.class_weights import class_weights
from pytest_lossguard.core.data_facts import DataFacts
from pytest_lossguard.core.masked_tokens import masked_tokens
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace

#: Rows of five classes.
ROWS = np.array([130, 290, 1514, 366, 100])
BALANCED = ROWS.sum() / (len(ROWS) * ROWS)


def found(facts, **more):
    return judge(make_trace(falling(), data_facts=facts, **more), Policy())


def weighted(given, rows=ROWS, first=0, **more):
    """Findings on labels of these counts under a ``class_weight``."""
    labels = np.repeat(np.arange(len(rows)) + first, rows)
    of_row = np.array([given.get(int(it), 1.0) for it in labels], "float32")
    known = class_weights([labels], [of_row], given)
    return found(DataFacts(class_weights=known), **more)


def by_place(weights):
    return dict(enumerate(weights))


BY_COUNT = by_place(np.sort(BALANCED))


def test_weights_in_order_of_the_counts_are_an_error():
    (finding,) = weighted(BY_COUNT)

    assert (finding.kind, finding.severity) == ("class_weight_mismatch", "error")
    assert (
        "class 0 (130 of 2400 rows) has weight 0.317, its count calls for 3.69"
        in finding.message
    )
    assert "within 0.0%, limit 10%" in finding.message
    assert "differs by a factor of 60.8, limit 2" in finding.message


@pytest.mark.parametrize(
    "given",
    [
        by_place(BALANCED),
        by_place(7 * BALANCED),
        by_place(np.sqrt(BALANCED)),
        by_place(BALANCED * [1.04, 0.97, 1, 1.03, 0.95]),
        by_place([1, 2, 3, 4, 5]),
        by_place([1, 1, 5, 1, 1]),
        by_place(np.ones(5)),
        {2: 0.3},
        {0: 4.0, 9: 3.0},
        {**BY_COUNT, 5: 2.0},
    ],
)
def test_other_weights_are_silent(given):
    assert weighted(given) == ()


def test_ids_from_1_on_are_an_error():
    (finding,) = weighted({it + 1: weight for it, weight in enumerate(BALANCED)})
    assert finding.severity == "error"
    assert finding.message.endswith("No row has the class 5 of class_weight")

    (finding,) = weighted(by_place(BALANCED), first=1)
    assert finding.severity == "error"
    assert finding.message.endswith("No row has the class 0 of class_weight")


def test_weights_that_grow_with_the_counts_are_an_error():
    (finding,) = weighted(by_place(ROWS / ROWS.sum()))
    assert finding.severity == "error"
    assert "the class weights grow with the counts: class 4" in finding.message


def test_names_in_place_of_ids_have_no_effect():
    names = dict(zip(["anger", "joy", "calm", "fear", "awe"], BALANCED, strict=True))
    (finding,) = weighted(names)
    assert finding.severity == "error"
    assert "has the keys 'anger', 'joy'" in finding.message
    assert weighted(dict.fromkeys(names, 1.0)) == ()


@pytest.mark.parametrize(
    ("rows", "given", "severity"),
    [
        ([900, 100], {0: 9.0, 1: 1.0}, "warning"),
        ([900, 100], {0: 8.0, 1: 1.0}, None),
        ([900, 100], {0: 1.0, 1: 9.0}, None),
        ([550, 450], {0: 5.5, 1: 4.5}, None),
        ([400, 410, 390], {0: 1.03, 1: 0.98, 2: 1.0}, None),
    ],
)
def test_two_classes_that_are_exchanged_are_a_warning(rows, given, severity):
    assert [it.severity for it in weighted(given, rows)] == [severity] * bool(severity)


def test_classes_that_are_better_balanced_than_without_are_a_warning():
    rows = np.array([100, 1000, 1100, 1200, 10000])
    balanced = rows.sum() / (5 * rows)
    mixed = by_place(balanced[[0, 3, 1, 2, 4]])
    assert weighted(mixed, rows) == ()
    rows = np.array([100, 400, 1000, 10000])
    balanced = rows.sum() / (4 * rows)
    mixed = by_place(balanced[[1, 0, 2, 3]])
    assert [it.severity for it in weighted(mixed, rows)] == ["warning"]


def test_agents_and_nets_against_each_other_are_silent():
    assert weighted(BY_COUNT, contested=True) == ()
    assert weighted(BY_COUNT, moving_target=True) == ()


def test_weights_of_one_hot_labels_by_row():
    labels = np.repeat(np.arange(5), ROWS)
    of_row = np.sort(BALANCED)[labels][:, None]
    facts = DataFacts(class_weights=class_weights([np.eye(5)[labels]], [of_row]))
    assert [it.severity for it in found(facts)] == ["error"]
    several = np.where(np.arange(len(labels)) % 2, of_row[:, 0], 1.0)
    assert class_weights([labels], [several]) is None
    assert class_weights([labels], [0 * of_row]) is None
    assert class_weights([labels], []) is None


def reads(ids, count):
    """Findings on a layer of ``count`` ids that reads these rows."""
    known = masked_tokens("embedding", np.asarray(ids), count)
    return found(DataFacts(masked_tokens=() if known is None else (known,)))


def padded(rows, shares, first, seed=0):
    """Random tokens, numbered from ``first``, in rows padded behind with 0."""
    draw = np.random.default_rng(seed)
    ids = np.zeros((rows, 40), "int32")
    for row in ids:
        length = draw.integers(20, 41)
        row[:length] = draw.choice(len(shares), length, p=shares) + first
    return ids


BASES = [0.28, 0.22, 0.24, 0.26]


def test_a_token_of_the_id_of_padding_is_a_warning():
    (finding,) = reads(padded(64, BASES, first=0), 5)

    assert (finding.kind, finding.severity) == ("tokens_masked", "warning")
    assert "layer embedding masks id 0" in finding.message
    assert "in 100% of 64 rows, limit 50%" in finding.message
    assert "id 4, the last of the layer, never occurs" in finding.message


def test_so_it_is_in_a_layer_without_an_id_for_padding():
    (finding,) = reads(padded(64, BASES, first=0), 4)
    assert "never occurs" not in finding.message


def words(unknown):
    """Words as frequent as in texts; those not in the vocabulary are 0."""
    shares = 1 / np.arange(1, 2001)
    ids = padded(512, shares / shares.sum(), first=1)
    ids[ids > unknown] = 0
    return ids


def segments():
    """Four sentences in each row, each padded behind."""
    return padded(256, BASES, first=1).reshape(64, -1)


def pauses():
    """Events, and 0 where none happens for some time."""
    draw = np.random.default_rng(0)
    return np.repeat(draw.choice(4, (64, 20)), draw.integers(3, 9, 20), axis=1)


def in_some():
    """Rows of 0, often, in a little less than half of the rows."""
    some = padded(31, [0.5, 0.1, 0.1, 0.1, 0.1, 0.1], first=0)
    return np.vstack([some, padded(33, [0.0, 0.2, 0.2, 0.2, 0.2, 0.2], first=0)])


def dropped():
    ids = padded(64, BASES, first=1)
    ids[np.random.default_rng(1).random(ids.shape) < 0.1] = 0
    return ids


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        (padded(64, BASES, first=1), 5),
        (padded(64, BASES, first=1)[:, ::-1], 5),
        (np.hstack([padded(64, BASES, 1), padded(64, BASES, 1, seed=1)]), 5),
        (padded(7, BASES, first=0), 5),
        (padded(64, BASES, first=0), 9),
        (padded(64, BASES, first=0), 3),
        (words(unknown=300), 301),
        (words(unknown=200), 201),
        (segments(), 5),
        (pauses(), 4),
        (dropped(), 5),
        (in_some(), 7),
        (np.zeros((64, 40)), 5),
        (np.ones((64, 40)), 2),
        (padded(64, BASES, first=0) + 0.5, 5),
        (padded(64, BASES, first=0)[..., None], 5),
    ],
    ids=[
        "padded behind",
        "padded before",
        "two sentences",
        "few rows",
        "many ids that never occur",
        "ids beyond the layer",
        "words not in the vocabulary",
        "words not in a small vocabulary",
        "sentences, each padded",
        "pauses between events",
        "a tenth of the tokens dropped",
        "less than half of the rows",
        "padding only",
        "one token",
        "no ids",
        "another shape",
    ],
)
def test_other_zeros_are_silent(ids, count):
    assert reads(ids, count) == ()
