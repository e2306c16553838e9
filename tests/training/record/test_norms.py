"""Norms of many variables at once are those of each alone, and never overflow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training.record.norms import (
    after_reads,
    half_square_sums,
    plan_norms,
)

#: Tiny ones, small ones, one that is summed as it is, two whose rows are sampled.
SHAPES = ((3,), (4, 5), (1,), (16,), (30, 40), (7, 2, 3), (100, 90))
SAMPLED = ((1000, 128), (3, 3, 100, 90))


def tensors(seed, factor=1.0, shapes=SHAPES + SAMPLED):
    random = np.random.default_rng(seed)
    values = (random.normal(size=it) * factor for it in shapes)
    return [tf.constant(it.astype(np.float32)) for it in values]


def step(before, gradients, after, **how):
    """An update that sets variables from some values to others, norms recorded."""
    variables = [tf.Variable(it) for it in before]

    def update():
        plans = [
            plan_norms(variable, gradient, **how)
            for variable, gradient in zip(variables, gradients, strict=True)
        ]
        read = [it.moved.of(it.value()) for it in plans]
        for variable, value in zip(variables, after, strict=True):
            variable.assign(value)
        return half_square_sums(plans, read, **how)

    return update


def norms(sums):
    """Rows: gradients, weights, changes."""
    return np.sqrt(2 * sums.numpy().reshape(3, -1))


def expected(*parts):
    return [[np.linalg.norm(np.float64(it)) for it in part] for part in parts]


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("compiled", [True, False])
def test_each_norm_is_that_of_its_own_tensor(xla, compiled):
    gradients, before, after = tensors(0), tensors(1), tensors(2)
    update = step(before, gradients, after, xla=xla)
    if compiled:
        update = tf.function(update, autograph=False, jit_compile=xla)
    found = norms(update())
    moved = [now - was for now, was in zip(after, before, strict=True)]
    wanted = np.array(expected(gradients, after, moved))
    exact = len(SHAPES)
    assert found[:, :exact] == pytest.approx(wanted[:, :exact], rel=1e-6)
    assert found[:2, exact:] == pytest.approx(wanted[:2, exact:], rel=1e-5)
    assert found[2, exact:] == pytest.approx(wanted[2, exact:], rel=0.05), "some rows"


def test_a_missing_gradient_is_distinguished_from_a_zero_one():
    after = tensors(0)
    gradients = [None, *(tf.zeros_like(it) for it in after[1:])]
    found = step(after, gradients, after)().numpy()
    assert found[0] == -1
    assert not found[1 : len(after)].any()


@pytest.mark.parametrize("factor", [1e30, 1e-30])
def test_no_norm_overflows_or_vanishes_while_its_tensor_does_not(factor):
    """Large tensors are summed as float32 first: only what is too small is lost."""
    gradients = tensors(0, factor)
    found = norms(step(gradients, gradients, gradients)())[0]
    checked = len(gradients) if factor > 1 else 6
    (wanted,) = expected(gradients)
    assert found[:checked] == pytest.approx(wanted[:checked], rel=1e-6)


def sparse(values, places, shape):
    return tf.IndexedSlices(tf.constant(values), tf.constant(places), shape)


@pytest.mark.parametrize("rows", [10, 70_000])
@pytest.mark.parametrize("xla", [False, True])
def test_a_sparse_gradient_counts_the_rows_that_meet(rows, xla):
    gradient = sparse([[1.0], [2.0], [4.0]], [3, 3, 9], [rows, 1])
    table = tf.ones([rows, 1])
    update = step([table], [gradient], [table], xla=xla)
    update = tf.function(update, autograph=False, jit_compile=xla)
    assert norms(update()) == pytest.approx(np.array([[5], [rows**0.5], [0]]))


def test_what_sparse_gradients_move_in_a_large_table_is_read_of_their_rows():
    """Spread rows may be none of those that move."""
    gradient = sparse(np.ones((2, 8), np.float32), [77, 9_998], [10_000, 8])
    (before,) = tensors(0, shapes=[(10_000, 8)])
    after = before.numpy()
    after[77] += 1
    update = step([before], [gradient], [after])
    _, (weights,), (moved,) = norms(update())
    assert moved == pytest.approx(np.sqrt(8))
    assert weights == pytest.approx(np.linalg.norm(after), rel=0.05)


def test_a_sparse_gradient_of_no_rows_is_zero():
    gradient = sparse(np.ones((0, 8), np.float32), np.zeros(0, np.int32), [10_000, 8])
    (table,) = tensors(0, shapes=[(10_000, 8)])
    found = norms(step([table], [gradient], [table])())
    assert (found[0], found[2]) == (0, 0)


def test_of_many_rows_that_sparse_gradients_move_some_tell_of_the_change():
    rows = np.arange(0, 9_000, 2)
    gradient = sparse(np.ones((len(rows), 16), np.float32), rows, [10_000, 16])
    (before,) = tensors(0, shapes=[(10_000, 16)])
    after = before.numpy()
    after[rows] += np.random.default_rng(1).normal(size=(len(rows), 16))
    found = norms(step([before], [gradient], [after])())
    assert found[0] == pytest.approx([np.sqrt(len(rows) * 16)])
    wanted = np.linalg.norm(after - before)
    assert found[2] == pytest.approx([wanted], rel=0.05)
    assert found[2] != pytest.approx([wanted], rel=1e-6)


def test_huge_weights_are_estimated_and_large_ones_are_not():
    for rows, exact in ((1_000, True), (20_000, False)):
        (table,) = tensors(0, shapes=[(rows, 128)])
        _, (found,), _ = norms(step([table], [table], [table])())
        wanted = np.linalg.norm(np.float64(table))
        assert found == pytest.approx(wanted, rel=0.02)
        assert (abs(found - wanted) < 1e-5 * wanted) == exact


@pytest.mark.parametrize("shape", [(100_000, 3), (10, 10_000, 3), (300_000,)])
def test_the_part_of_a_large_variable_is_small_and_spread_over_all_of_it(shape):
    table = tf.Variable(tf.reshape(tf.range(300_000, dtype=tf.float32), shape))
    part = plan_norms(table, None).moved.of(table).numpy()
    assert part.size < 20_000 or len(shape) == 1, "of one row all is read"
    assert part.flat[0] == 0
    assert part.flat[-1] == 299_999


@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_part_is_taken_before_its_gradient_can_be_used(is_sparse):
    """Else an executor may update first, and copies the weights to keep both."""
    variable = tf.Variable(tf.zeros([400, 400]))

    @tf.function(autograph=False)
    def ordered(gradient):
        if is_sparse:
            gradient = tf.IndexedSlices(gradient, tf.range(400), [400, 400])
        plan = plan_norms(variable, gradient)
        part = plan.moved.of(plan.value())
        (after,) = after_reads([gradient], [plan], [part])
        return after.values if is_sparse else after

    graph = ordered.get_concrete_function(tf.TensorSpec([400, 400])).graph
    (identity,) = [
        it
        for it in graph.get_operations()
        if it.control_inputs
        and it.type == "Identity"
        and it.inputs[0].name.startswith("gradient")
    ]
    assert "GatherNd" in {it.type for it in identity.control_inputs}
