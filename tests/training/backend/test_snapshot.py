"""What a training changes is put back, wherever it was kept meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training.backend import spill
from pytest_lossguard.training.backend.snapshot import Snapshot


@pytest.fixture
def small_memory(monkeypatch):
    """Values of more than 100 bytes, of together more than 1000, go to the file."""
    monkeypatch.setattr(spill, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(spill, "SMALL", 100)


def variables():
    random = np.random.default_rng(0)
    values = [
        random.normal(size=(20, 30)).astype(np.float32),
        np.zeros((40, 40), np.float32),
        np.float32(3),
        random.integers(0, 9, (50,)),
        random.normal(size=(9, 9)).astype(tf.bfloat16.as_numpy_dtype),
    ]
    return values, [tf.Variable(it) for it in values]


@pytest.mark.usefixtures("small_memory")
def test_values_in_a_file_come_back_as_they_were():
    values, kept = variables()
    snapshot = Snapshot(kept)
    for variable in kept:
        variable.assign(tf.ones_like(variable))
    with snapshot.in_force():
        for variable, value in zip(kept, values, strict=True):
            np.testing.assert_array_equal(variable.numpy(), value)
    assert all((it.numpy() == 1).all() for it in kept)
    for found, value in zip(snapshot.values, values, strict=True):
        np.testing.assert_array_equal(found.numpy(), value)


@pytest.mark.usefixtures("small_memory")
def test_large_values_leave_the_memory():
    _, kept = variables()
    held = [value for _, value in Snapshot(kept)._pairs]
    assert [tf.is_tensor(it) for it in held] == [False, False, True, False, False]


def test_values_that_are_few_stay_in_memory():
    _, kept = variables()
    assert all(tf.is_tensor(value) for _, value in Snapshot(kept)._pairs)
