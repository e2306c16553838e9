"""Two replicas that train together are one training, recorded as on one device."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.support.mirrored import ALONE, BATCH, BROKEN, EPOCHS, HEALTHY, X


@pytest.fixture(scope="module")
def found():
    command = [sys.executable, "-m", "tests.support.mirrored"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", HEALTHY)
def test_each_step_is_counted_once(found, name):
    per_epoch = len(X) // BATCH
    wanted = per_epoch * (1 if "eager" in name else EPOCHS)

    assert len(found["mirrored"][name]["loss"]) == wanted
    assert found["mirrored"][name]["unseen"] == []


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize(
    "what", ["loss", "data_loss", "grad_norm", "weight_norm", "update_norm"]
)
def test_loss_and_norms_are_those_of_one_device_on_the_same_batches(found, name, what):
    both = found["mirrored"][name][what]
    one = found["one"][name if name in ALONE else "fit"][what]

    np.testing.assert_allclose(both, one[: len(both)], rtol=1e-4)


@pytest.mark.parametrize("name", ALONE)
def test_start_end_and_constant_are_scored_on_the_whole_data(found, name):
    both, one = found["mirrored"][name], found["one"][name]

    assert both["probe"] == pytest.approx(one["probe"], rel=1e-4)
    assert both["constant"] == pytest.approx(one["constant"], rel=1e-4)


def test_a_loop_is_scored_on_the_rows_of_the_first_replica(found):
    both, one = found["mirrored"]["loop"], found["one"]["fit"]

    assert both["batch_size"] == one["batch_size"] == BATCH
    assert both["probe"][0] > both["probe"][1]
    assert both["constant"] == pytest.approx(one["constant"], rel=0.1)


def test_the_penalty_of_a_step_is_seen(found):
    steps = found["mirrored"]["fit, penalized"]

    assert (np.subtract(steps["loss"], steps["data_loss"]) > 0.01).all()


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_converges(found, name):
    assert found["mirrored"][name]["errors"] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_training_does_not(found, name):
    assert "diverging_loss" in found["broken"][name]["errors"]


def test_lossguard_fit_leaves_it_to_keras_and_says_so(found):
    healthy, broken = found["fitted"]["0.01"], found["fitted"]["100.0"]

    assert healthy["loss"] == pytest.approx(found["one"]["fit"]["loss"], rel=1e-4)
    assert healthy["errors"] == []
    assert "diverging_loss" in broken["errors"]
    assert healthy["notes"] == [
        "trained by model.fit, not as a graph loop: it was made under a tf.distribute"
        " strategy"
    ]
