"""Norms of many variables at once are those of each alone, and never overflow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training.norms import half_square_sums, some_rows, taken_before

#: Tiny ones, small ones, one that is summed as it is, one whose rows are sampled.
SHAPES = ((3,), (4, 5), (1,), (16,), (30, 40), (7, 2, 3), (100, 90), (1000, 128))


def tensors(seed, factor=1.0):
    random = np.random.default_rng(seed)
    values = (random.normal(size=it) * factor for it in SHAPES)
    return [tf.constant(it.astype(np.float32)) for it in values]


def norms(sums):
    """Rows: gradients, weights, changes."""
    return np.sqrt(2 * sums.numpy().reshape(3, -1))


def expected(*parts):
    return [[np.linalg.norm(np.float64(it)) for it in part] for part in parts]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_each_norm_is_that_of_its_own_tensor(together, compiled):
    gradients, before, after = tensors(0), tensors(1), tensors(2)
    function = tf.function(half_square_sums) if compiled else half_square_sums
    parts = [some_rows(it) for it in before]
    found = norms(function(gradients, parts, after, together=together))
    moved = [now - was for now, was in zip(after, before, strict=True)]
    wanted = np.array(expected(gradients, after, moved))
    assert found[:, :-1] == pytest.approx(wanted[:, :-1], rel=1e-6)
    assert found[:2, -1] == pytest.approx(wanted[:2, -1], rel=1e-5)
    assert found[2, -1] == pytest.approx(wanted[2, -1], rel=0.05), "from some rows"


def test_a_missing_gradient_is_told_apart_from_a_zero_one():
    after = tensors(0)
    gradients = [None, *(tf.zeros_like(it) for it in after[1:])]
    parts = [some_rows(it) for it in after]
    found = half_square_sums(gradients, parts, after).numpy()
    assert found[0] == -1
    assert not found[1 : len(after)].any()


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_no_norm_overflows_or_vanishes_while_its_tensor_does_not(factor):
    """Large tensors are summed as float32 first: only what is too small is lost."""
    gradients = tensors(0, factor)
    parts = [some_rows(it) for it in gradients]
    found = norms(half_square_sums(gradients, parts, gradients))[0]
    checked = len(SHAPES) if factor > 1 else 6
    (wanted,) = expected(gradients)
    assert found[:checked] == pytest.approx(wanted[:checked], rel=1e-6)


def test_a_sparse_gradient_counts_the_rows_that_meet():
    rows = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), [3, 3], [10, 1])
    table = tf.ones([10, 1])
    found = norms(half_square_sums([rows], [table], [table]))
    assert found[:, 0] == pytest.approx([3, np.sqrt(10), 0])


def test_the_part_of_a_large_variable_is_small_and_spread_over_all_of_it():
    table = tf.reshape(tf.range(3 * 100_000, dtype=tf.float32), [100_000, 3])
    part = some_rows(table).numpy()
    assert part.size < 20_000
    assert part[0, 0] == 0
    assert part[-1, -1] == 299_999


def test_a_part_is_taken_before_its_gradient_can_be_used():
    """Else an executor may update first, and copies the weights to keep both."""

    @tf.function
    def step(gradient, weights):
        (ordered,) = taken_before([gradient], [some_rows(weights)])
        return ordered

    function = step.get_concrete_function(
        tf.TensorSpec([400, 400]), tf.TensorSpec([400, 400])
    )
    (identity,) = [
        it
        for it in function.graph.get_operations()
        if it.control_inputs
        and it.type == "Identity"
        and it.inputs[0].name.startswith("gradient")
    ]
    assert [it.type for it in identity.control_inputs] == ["GatherV2"]
