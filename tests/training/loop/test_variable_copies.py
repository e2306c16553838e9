"""Several trainings at a time give, to the bit, what they give one by one."""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.core.change import Change, RerunRequest
from pytest_lossguard.core.errors import CannotChange, LossguardError
from pytest_lossguard.training import Trainer
from pytest_lossguard.training.loop import loop_trainer as fit
from pytest_lossguard.training.loop import traced_loop as program
from pytest_lossguard.training.loop.loop_run import LoopRun
from pytest_lossguard.training.loop.loop_trainer import LoopTrainer
from tests.support.fitting import train_once
from tests.support.programs import busy_net, mlp, regression

X, Y = regression(96)
SEEDS = range(5)
HOW = {"steps": 20, "batch_size": 16}


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    """Whatever this machine has, so that there is something to test."""
    monkeypatch.setattr(fit, "processors", lambda: 2)


@pytest.fixture
def trainer():
    return Trainer()


@pytest.fixture
def beside(monkeypatch):
    """The seeds that were run beside others."""
    seen, original = [], LoopRun.beside

    def counted(self, start):
        seen.append(self._task.seed)
        return original(self, start)

    monkeypatch.setattr(LoopRun, "beside", counted)
    return seen


def assert_same(ones, others):
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        for name in ("loss", "data_loss", "grad_norm", "weight_norm", "update_norm"):
            np.testing.assert_array_equal(
                getattr(one.steps, name), getattr(other.steps, name)
            )
        for name in ("before", "after", "constant_loss", "validation", "seed"):
            assert repr(getattr(one, name)) == repr(getattr(other, name))


def convolutional():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def recurrent():
    model = keras.Sequential([keras.Input((5, 4)), layers.LSTM(6), layers.Dense(1)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def diverging():
    return mlp(optimizer=keras.optimizers.SGD(1e6))


GENERATOR = np.random.default_rng(1)
IMAGES = GENERATOR.normal(size=(96, 8, 8, 1)), GENERATOR.integers(0, 3, 96)
SERIES = GENERATOR.normal(size=(96, 5, 4)), Y
PROGRAMS = {
    "dropout, batch statistics, a penalty": (busy_net, (X, Y), {}),
    "convolutions": (convolutional, IMAGES, {}),
    "recurrent": (recurrent, SERIES, {}),
    "held-out rows": (mlp, (X, Y), {"validation_data": (X[:20], Y[:20])}),
    "weights": (mlp, (X, Y), {"sample_weight": np.linspace(0.1, 1, 96)}),
    "not finite": (diverging, (X, Y), {}),
    "ended early": (diverging, (X, Y), {"growth": 10.0}),
    "more steps than one call takes": (mlp, (X, Y), {}),
}


@pytest.mark.parametrize("given", ["factory", "object"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_seeds_come_out_as_one_by_one(trainer, beside, monkeypatch, name, given):
    build, data, how = PROGRAMS[name]
    if name == "more steps than one call takes":
        monkeypatch.setattr(program, "STEPS_PER_CALL", 8)
    how = {**HOW, **how}
    model = build if given == "factory" else build()

    together = trainer.fit_seeds(model, *data, seeds=SEEDS, **how)

    assert beside == list(SEEDS)[1:]  # the first traces
    other = Trainer()
    alone = [train_once(other, model, *data, seed=it, **how) for it in SEEDS]
    assert_same(together, alone)


def test_they_do_run_at_the_same_time(trainer, monkeypatch):
    both, original = threading.Barrier(2, timeout=60), LoopRun.beside

    def meet(self, start):
        both.wait()
        return original(self, start)

    monkeypatch.setattr(LoopRun, "beside", meet)

    assert len(trainer.fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)) == 5


def test_of_those_that_wait_only_one_holds_its_weights(trainer, monkeypatch):
    begun, ended, waiting = [], [], []
    prepare, run = LoopTrainer._chosen, LoopRun.beside

    def prepared(self, job):
        waiting.append(len(begun) - len(ended))
        begun.append(job)
        return prepare(self, job)

    def ran(self, start):
        trace = run(self, start)
        ended.append(trace)
        return trace

    train_once(trainer, mlp, X, Y, **HOW)  # all after it run beside each other
    monkeypatch.setattr(LoopTrainer, "_chosen", prepared)
    monkeypatch.setattr(LoopRun, "beside", ran)

    trainer.fit_seeds(mlp, X, Y, seeds=range(8), steps=400, batch_size=16)

    assert len(ended) == 8
    assert max(waiting) <= 2


def test_large_copies_are_not_kept(trainer, monkeypatch):
    ones = trainer.fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)
    (kept,) = trainer._loops._programs.values()
    assert kept._lanes

    monkeypatch.setattr(program, "MOST_KEPT", 0)
    kept._lanes.clear()
    others = trainer.fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)

    assert not kept._lanes
    assert_same(ones, others)


def test_a_model_leaves_as_it_came(trainer):
    model = busy_net()
    model.fit(X, Y, verbose=0)
    before = [it.numpy() for it in (*model.variables, *model.optimizer.variables)]

    trainer.fit_seeds(model, X, Y, seeds=SEEDS, **HOW)

    after = [it.numpy() for it in (*model.variables, *model.optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_is_traced_a_second_time(trainer, monkeypatch):
    traced, step = [], keras.Model.train_step

    def counted(self, data):
        traced.append(self)
        return step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)

    trainer.fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)

    assert len(traced) == 1


def noisy():
    """Its noise is raw `tf.random`: only a seeding for all threads repeats it."""
    inner = layers.Lambda(lambda x: x + tf.random.normal(tf.shape(x)))
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    "build", [lambda: mlp(run_eagerly=True), noisy], ids=["eager", "tf.random"]
)
def test_what_cannot_run_beside_itself_runs_alone(trainer, beside, build):
    model = build()

    together = trainer.fit_seeds(model, X, Y, seeds=range(3), **HOW)

    assert beside == []
    other = Trainer()
    alone = [train_once(other, model, X, Y, seed=it, **HOW) for it in range(3)]
    assert_same(together, alone)


def test_with_one_processor_they_run_one_by_one(beside, monkeypatch):
    monkeypatch.setattr(fit, "processors", lambda: 1)

    Trainer().fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)

    assert beside == []


def test_processes_share_the_processors(beside):
    Trainer(shared_by=2).fit_seeds(mlp, X, Y, seeds=SEEDS, **HOW)

    assert beside == []


def test_a_batch_that_cannot_be_trained_on_raises_and_leaves_the_program_usable(
    trainer, beside, monkeypatch
):
    """A label that no unit stands for is met in the batch that it is in, where nobody
    has looked at all of them before.
    """
    monkeypatch.setattr(fit, "check_data", lambda *_, **__: None)
    x, good = IMAGES
    bad = np.where(np.arange(96) == 90, 7, good)
    before = trainer.fit_seeds(convolutional, x, good, seeds=SEEDS, **HOW)

    def fit_bad():
        task = {"steps": 6, "batch_size": 16, "shuffle": False}
        return trainer.fit_seeds(convolutional, x, bad, seeds=SEEDS, **task)

    try:
        lost = fit_bad()
    except tf.errors.InvalidArgumentError:
        lost = None
    after = trainer.fit_seeds(convolutional, x, good, seeds=SEEDS, **HOW)

    assert lost is None or not np.isfinite(lost[0].steps.loss).all()
    assert_same(before, after)


def test_a_model_kept_for_its_seed_keeps_its_weights(trainer):
    """As in a search from several seeds, where each example trains all of them."""
    how = {"seeds": SEEDS, "reuse_built": True, **HOW}

    first = trainer.fit_seeds(mlp, X, Y, **how)
    trainer.fit_seeds(mlp, X * 2, Y, **how)
    again = trainer.fit_seeds(mlp, X, Y, **how)

    assert_same(first, again)


@pytest.mark.parametrize("given", ["factory", "object"])
def test_re_runs_come_out_as_one_by_one(trainer, beside, given):
    model = busy_net if given == "factory" else busy_net()
    again = trainer.again(model, X, Y, seed=3, **HOW)
    faster, scaled = (
        Change(kind="learning_rate", value=2.0),
        Change(kind="scale_inputs", value=10.0, at=(1,)),
    )
    requests = [
        RerunRequest(),
        RerunRequest(seed=7, redrawn=True),
        RerunRequest(changes=(faster,)),
        RerunRequest(changes=(scaled,), seed=7, redrawn=True),
        RerunRequest(changes=(faster, scaled)),
        RerunRequest(changes=(Change(kind="no_penalty"),)),
    ]

    together = again.several(requests)

    assert len(beside) >= 4
    alone = [again(*it.changes, seed=it.seed, redrawn=it.redrawn) for it in requests]
    assert_same(together, alone)


def test_what_cannot_be_done_is_reported_in_its_place(trainer):
    calls = []

    def build():
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("no third one")
        return mlp()

    again = trainer.again(build, X, Y, seed=0, **HOW)
    impossible = Change(kind="unfreeze")  # nothing is frozen

    outcomes = again.several(
        [
            RerunRequest(),
            RerunRequest(changes=(impossible,)),
            RerunRequest(seed=1),
            RerunRequest(seed=2),
            RerunRequest(seed=3),
        ]
    )

    failed = [isinstance(it, LossguardError) for it in outcomes]
    assert failed == [False, True, False, True, False]
    assert isinstance(outcomes[1], CannotChange)
    assert str(outcomes[3]) == "run again it raised ValueError: no third one"
