"""Every optimizer update is seen, whatever drives it; nothing is left behind."""

from __future__ import annotations

import gc
import weakref
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.errors import StopTraining
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.backend.patches import owner_of
from pytest_lossguard.training.record import recorder
from tests.support.programs import StepLosses, busy_net, mlp, regression, tape_step

X, Y = regression()


def watched(body, **how):
    """The traces of what ``body`` trains."""
    set_seed(0)
    with watching(seed=0, **how) as watch:
        body()
    return watch.traces()


def only(body, **how):
    (trace,) = watched(body, **how)
    return trace


def by_fit(**options):
    return lambda: mlp(**options).fit(X, Y, epochs=2, verbose=0)


def by_dataset():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(32)
    mlp().fit(data, epochs=2, verbose=0)


def by_generator():
    def batches():
        for _ in range(8):
            yield X[:32], Y[:32]

    mlp().fit(batches(), steps_per_epoch=4, epochs=2, verbose=0)


def by_train_on_batch():
    model = mlp()
    for _ in range(8):
        model.train_on_batch(X[:32], Y[:32])


def by_custom_train_step():
    class Custom(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = keras.layers.Dense(1)

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = Custom()
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=2, verbose=0)


def by_loop(wrap=lambda step: step):
    def body():
        model = mlp()
        step = wrap(tape_step(model, keras.optimizers.Adam(0.01)))
        for _ in range(8):
            step(tf.constant(X[:32]), tf.constant(Y[:32]))

    return body


def by_split_functions():
    """Gradients in one compiled function, the update outside of it."""
    model, loss = mlp(), keras.losses.MeanSquaredError()
    optimizer = keras.optimizers.Adam(0.01)

    @tf.function
    def gradients(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        return tape.gradient(value, model.trainable_variables)

    for _ in range(8):
        grads = gradients(tf.constant(X[:32]), tf.constant(Y[:32]))
        optimizer.apply(grads, model.trainable_variables)


def by_graph_loop():
    """All steps inside one compiled call."""
    model = mlp()
    step = tape_step(model, keras.optimizers.Adam(0.01))
    model.optimizer.build(model.trainable_variables)
    x, y = tf.constant(X[:32]), tf.constant(Y[:32])

    @tf.function
    def train():
        for _ in tf.range(8):
            step(x, y)

    train()


DRIVERS = {
    "fit": by_fit(),
    "fit, eager": by_fit(run_eagerly=True),
    "fit, XLA": by_fit(jit_compile=True),
    "fit, several steps per execution": by_fit(steps_per_execution=2),
    "dataset": by_dataset,
    "generator": by_generator,
    "train_on_batch": by_train_on_batch,
    "custom train_step": by_custom_train_step,
    "loop": by_loop(),
    "loop in tf.function": by_loop(tf.function),
    "loop in XLA": by_loop(lambda step: tf.function(step, jit_compile=True)),
    "gradients and update apart": by_split_functions,
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_update_is_seen_whatever_drives_it(driver):
    trace = only(DRIVERS[driver])

    assert len(trace.steps) == 8
    assert trace.steps.loss_seen.all()
    assert np.isfinite(trace.steps.loss).all()
    assert (trace.steps.grad_norm > 0).all()
    assert (trace.steps.weight_norm[:, 0] > 0).all()
    assert (trace.steps.update_norm > 0).all()


@pytest.mark.parametrize("driver", DRIVERS)
def test_start_end_and_constant_are_scored_from_plain_predictions(driver):
    trace = only(DRIVERS[driver])

    assert trace.before.loss > trace.after.loss > 0
    assert trace.constant == "the mean"
    assert trace.constant_loss > 0


def test_a_loop_inside_one_compiled_call_is_seen_step_by_step():
    trace = only(by_graph_loop)

    assert len(trace.steps) == 8
    assert len(set(trace.steps.loss)) == 8


def test_the_losses_are_each_steps_own():
    seen = StepLosses()

    trace = only(
        lambda: mlp().fit(X, Y, epochs=3, verbose=0, shuffle=False, callbacks=[seen])
    )

    np.testing.assert_allclose(trace.steps.loss, seen.losses, rtol=1e-5)


def test_norms_are_those_of_the_gradients_and_weights():
    model = mlp(optimizer=keras.optimizers.SGD(0.5))
    before = [it.copy() for it in model.get_weights()]

    trace = only(lambda: model.train_on_batch(X, Y))

    after = model.get_weights()
    moved = [np.linalg.norm(a - b) for a, b in zip(after, before, strict=True)]
    np.testing.assert_allclose(trace.steps.update_norm[0], moved, rtol=1e-5)
    np.testing.assert_allclose(trace.steps.grad_norm[0], np.divide(moved, 0.5), 1e-5)
    norms = [np.linalg.norm(it) for it in after]
    np.testing.assert_allclose(trace.steps.weight_norm[0], norms, rtol=1e-5)


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_the_gradient_of_a_large_embedding_is_that_of_all_its_rows(how):
    """Words come more than once in a batch; by SGD each moves as its gradient says."""
    words = np.random.default_rng(0).integers(0, 50, (32, 10)).astype("int32")
    model = keras.Sequential(
        [
            keras.layers.Embedding(9_000, 8),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0), "mse", **how)
    model.build(words.shape)
    before = model.get_weights()[0].copy()

    trace = only(lambda: model.train_on_batch(words, words[:, :1] / 50))

    moved = np.linalg.norm(model.get_weights()[0] - before)
    assert moved > 0
    assert trace.steps.grad_norm[0, 0] == pytest.approx(moved, rel=1e-4)


def test_the_penalty_is_what_the_step_adds_to_the_data_loss():
    trace = only(lambda: busy_net().fit(X, Y, verbose=0))

    assert (trace.steps.loss > trace.steps.data_loss + 1e-3).all()


def test_variables_are_named_by_tidy_keras_paths():
    mlp()

    assert only(by_fit()).variables == (
        "sequential/dense/kernel",
        "sequential/dense/bias",
        "sequential/dense_1/kernel",
        "sequential/dense_1/bias",
    )


def test_a_huge_gradient_has_a_finite_norm():
    trace = only(lambda: mlp().train_on_batch(X * 1e15, Y * 1e15))

    assert np.isfinite(trace.steps.grad_norm).all()
    assert trace.steps.global_grad_norm[0] > 1e25


def test_gradients_that_reach_no_optimizer_are_no_steps():
    def saliency():
        model = mlp()
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = model(x)
        tape.gradient(out, x)
        with tf.GradientTape() as tape:
            out = model(x)
        tape.gradient(out, model.trainable_variables)

    assert watched(saliency) == []


def test_a_gradient_penalty_is_part_of_one_step():
    def body():
        model, optimizer = mlp(), keras.optimizers.Adam(0.01)
        x = tf.constant(X)
        for _ in range(3):
            with tf.GradientTape() as tape:
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    out = model(x)
                penalty = tf.reduce_mean(inner.gradient(out, x) ** 2)
                loss = tf.reduce_mean((out - Y) ** 2) + penalty
            optimizer.apply(
                tape.gradient(loss, model.trainable_variables),
                model.trainable_variables,
            )

    assert len(only(body).steps) == 3


def test_several_trainings_are_several_runs():
    traces = watched(lambda: (by_fit()(), by_loop()()))

    assert [len(it.steps) for it in traces] == [8, 8]


def test_fitting_on_is_one_training():
    def body():
        model = mlp()
        for _ in range(3):
            model.fit(X, Y, verbose=0)

    assert len(only(body).steps) == 12


def test_a_model_traced_before_is_seen():
    model = mlp()
    model.fit(X, Y, verbose=0)

    assert len(only(lambda: model.fit(X, Y, verbose=0)).steps) == 4


def test_a_function_traced_before_is_seen():
    model = mlp()
    step = tf.function(tape_step(model, model.optimizer))
    step(tf.constant(X), tf.constant(Y))

    assert len(only(lambda: step(tf.constant(X), tf.constant(Y))).steps) == 1


def test_a_concrete_function_traced_before_is_reported_by_name():
    model = mlp()
    model.optimizer.build(model.trainable_variables)
    step = tf.function(tape_step(model, model.optimizer))
    compiled = step.get_concrete_function(tf.constant(X), tf.constant(Y))

    with watching() as watch:
        compiled(tf.constant(X), tf.constant(Y))

    assert watch.traces() == []
    assert "step trains, but was compiled" in watch.unseen[0]
    assert "iteration" in watch.unseen[0]


def test_a_concrete_function_compiled_inside_is_seen():
    def body():
        model = mlp()
        model.optimizer.build(model.trainable_variables)
        step = tf.function(tape_step(model, model.optimizer))
        compiled = step.get_concrete_function(tf.constant(X), tf.constant(Y))
        compiled(tf.constant(X), tf.constant(Y))

    assert len(only(body).steps) == 1


def test_held_out_losses_are_kept_by_step():
    trace = only(lambda: mlp().fit(X, Y, epochs=3, verbose=0, validation_split=0.36))

    assert trace.validation.step == (2, 4, 6)
    assert trace.steps_per_epoch == 2


@pytest.mark.parametrize("eager", [False, True])
def test_a_non_finite_loss_ends_the_training_at_once(eager):
    model = mlp(run_eagerly=eager)
    reached = []

    with pytest.raises(StopTraining), watching() as watch:
        model.fit(X, Y, epochs=1, verbose=0)
        model.fit(X * np.nan, Y, epochs=50, verbose=0)
        reached.append("after")

    (trace,) = watch.traces()
    assert len(trace.steps) == 5
    assert trace.stopped is not None
    assert reached == []


def test_except_exception_does_not_keep_a_dead_training_alive():
    def body():
        try:
            mlp().fit(X * np.nan, Y, verbose=0)
        except Exception:
            pytest.fail("swallowed")

    with pytest.raises(StopTraining), watching():
        body()


def test_a_training_may_go_on_where_nan_is_allowed():
    trace = only(
        lambda: mlp().fit(X * np.nan, Y, epochs=2, verbose=0), stop_on_nonfinite=False
    )

    assert len(trace.steps) == 8


PATCHED = [
    (tf.GradientTape, "gradient"),
    (owner_of(keras.optimizers.Optimizer, "apply"), "apply"),
    (keras.losses.Loss, "__call__"),
    (owner_of(keras.Model, "fit"), "fit"),
    (type(tf.function(lambda: None)), "__call__"),
]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StopTraining])
def test_everything_patched_is_put_back_on_every_path(error):
    before = [vars(owner)[name] for owner, name in PATCHED]

    with pytest.raises(error), watching():
        assert vars(tf.GradientTape)["gradient"] is not before[0]
        raise error

    assert [vars(owner)[name] for owner, name in PATCHED] == before
    assert "__call__" not in vars(keras.Model)


def test_an_interrupted_fit_leaves_the_model_usable_and_unwatched():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = mlp()
    with pytest.raises(KeyboardInterrupt), watching() as watch:
        model.fit(X, Y, verbose=0, callbacks=[Interrupt()])
    steps = len(watch.traces()[0].steps)

    model.fit(X, Y, epochs=2, verbose=0)

    assert len(watch.recordings[0].table()) == steps == 1


def test_scoring_leaves_the_trained_model_as_the_training_left_it():
    model = busy_net()
    with watching() as watch:
        model.fit(X, Y, epochs=2, verbose=0)
    before = [it.numpy() for it in model.variables + model.optimizer.variables]

    watch.traces()

    after = [it.numpy() for it in model.variables + model.optimizer.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_watching_changes_no_loss():
    def losses(watch):
        set_seed(3)
        model, seen = busy_net(), StepLosses()
        if watch:
            with watching():
                model.fit(X, Y, epochs=2, verbose=0, callbacks=[seen])
        else:
            model.fit(X, Y, epochs=2, verbose=0, callbacks=[seen])
        return seen.losses

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-6)


def test_a_watched_model_can_be_collected():
    model = mlp()
    gone = weakref.ref(model)
    with watching() as watch:
        model.fit(X, Y, verbose=0)
    watch.traces()

    del model, watch
    gc.collect()

    assert gone() is None


@pytest.fixture
def _no_collection():
    """The garbage collector is off: what ends, ends with its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def iterators():
    return sum(isinstance(it, tf.data.Iterator) for it in gc.get_objects())


def by_loop_over_a_dataset():
    step = tape_step(mlp(), keras.optimizers.Adam(0.01))
    for rows in tf.data.Dataset.from_tensor_slices((X, Y)).batch(32):
        step(*rows)


READERS = {
    **{name: DRIVERS[name] for name in DRIVERS if name.startswith("fit")},
    **{name: DRIVERS[name] for name in ("dataset", "generator")},
    "loop over a dataset": by_loop_over_a_dataset,
}


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize("reader", READERS)
def test_an_iterator_ends_with_the_call_that_made_it(reader):
    """TensorFlow takes up to a minute to delete one that lived for long."""
    before = iterators()

    watched(READERS[reader])

    assert iterators() == before


def test_mixed_precision_records_the_unscaled_loss():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        trace = only(by_fit())
    finally:
        keras.mixed_precision.set_dtype_policy(policy)

    assert trace.loss_is_scaled
    np.testing.assert_allclose(trace.steps.loss, trace.steps.data_loss, rtol=1e-3)


def test_a_strategy_of_one_device_is_seen_as_none():
    def body():
        with tf.distribute.OneDeviceStrategy("cpu:0").scope():
            model = mlp()
        model.fit(X, Y, epochs=2, verbose=0)

    trace = only(body)

    np.testing.assert_allclose(trace.steps.loss, only(by_fit()).steps.loss, rtol=1e-6)


def test_updates_whose_replica_is_unknown_are_reported(monkeypatch):
    """As on a TPU, where one trace serves all replicas."""
    monkeypatch.setattr(recorder, "current_replica", lambda: None)

    with watching() as watch:
        mlp().train_on_batch(X, Y)

    assert watch.traces() == []
    assert "one step for all replicas could not be recorded" in watch.unseen[0]


def test_scoring_moves_no_generator():
    class Noisy(keras.layers.Layer):
        def call(self, inputs):
            return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs))

    def trained_and_drawn(block):
        set_seed(5)
        model = keras.Sequential([keras.Input((4,)), Noisy(), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.ones((32, 4), "float32")
        with block as watch:
            model.fit(x, x[:, :1], epochs=2, verbose=0)
        if watch is not None:
            (trace,) = watch.traces()
            assert trace.after is not None
        drawn = keras.random.uniform((2,)).numpy(), np.random.rand(2)
        return np.concatenate(drawn)

    plain = trained_and_drawn(nullcontext())
    seen = trained_and_drawn(watching())

    np.testing.assert_array_equal(plain, seen)


def rare(rows=400):
    """One row in twenty is of class 1, and told by its inputs."""
    x = np.random.default_rng(0).standard_normal((rows, 4)).astype("float32")
    y = (np.arange(rows) % 20 == 0).astype("float32")[:, None]
    return x + 2 * y, y


def test_weights_of_classes_count_wherever_the_loss_is_measured():
    """Keras multiplies them into the weights of the rows, out of our sight."""
    x, y = rare()
    weights = np.where(y[:, 0] == 1, 10.0, 0.5).astype("float32")

    def trained(**how):
        def body():
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            bits = keras.losses.BinaryCrossentropy(from_logits=True)
            model.compile(keras.optimizers.Adam(0.01), bits)
            model.fit(x, y, epochs=2, verbose=0, shuffle=False, **how)

        return only(body)

    by_class = {"class_weight": {0: 0.5, 1: 10.0}}
    classes = trained(**by_class, validation_data=(x, y))
    split = trained(**by_class, validation_split=0.5)
    rows = trained(sample_weight=weights, validation_data=(x, y, weights))

    assert classes.weighted
    assert classes.before.loss == pytest.approx(rows.before.loss, rel=1e-5)
    assert classes.after.loss == pytest.approx(rows.after.loss, rel=1e-5)
    assert classes.constant_loss == pytest.approx(rows.constant_loss, rel=1e-5)
    mean = np.average(y[:, 0], weights=weights)
    cost = -np.mean(weights * np.log(np.where(y[:, 0] == 1, mean, 1 - mean)))
    assert classes.constant_loss == pytest.approx(cost, rel=1e-4)
    assert classes.validation.loss == pytest.approx(rows.validation.loss, rel=1e-4)
    assert split.validation.loss[-1] == pytest.approx(split.after.loss, rel=0.2)
    assert not {"class_imbalance"} & {it.kind for it in judge(classes, Policy())}


def test_a_held_out_loss_has_no_penalty_in_it():
    penalized = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(10.0))

    def body():
        model = keras.Sequential([keras.Input((4,)), penalized])
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y))

    trace = only(body)
    assert trace.validation.loss[-1] == pytest.approx(trace.after.loss, rel=1e-4)


def test_a_rare_class_that_was_learned_is_no_imbalance():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(512, 4)).astype("float32")
    y = (x[:, 0] > 2).astype("float32")[:, None]
    assert 0 < y.mean() < 0.05

    def body(rate):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
        model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
        model.fit(x, y, epochs=10, verbose=0)

    found, missed = only(lambda: body(0.3)), only(lambda: body(1e-3))
    assert found.rare_gain > 0.8
    text = [{it.kind for it in judge(trace, Policy())} for trace in (found, missed)]
    assert [("class_imbalance" in kinds) for kinds in text] == [False, True]


def test_epochs_of_a_watched_fit_are_as_long_as_they_were():
    assert only(by_fit()).steps_per_epoch == -(-len(X) // 32)


def by_steps(targets, calls=60, rows=32):
    """A step a call, on the same inputs with targets that change."""
    model, x = mlp(), X[:rows]
    for call in range(calls):
        model.train_on_batch(x, targets(x, call / calls))


def moving(x, share):
    return x[:, :1] * (1 + 20 * share)


def by_fits(in_place):
    """A loop of fit calls on targets that grow."""
    model, y = mlp(), np.zeros_like(Y)
    for call in range(4):
        y = y if in_place else y.copy()
        y[:] = moving(X, call / 4)
        model.fit(X, y, epochs=2, verbose=0)


CHANGING = {
    "fit again": lambda: by_fits(in_place=False),
    "changed in place": lambda: by_fits(in_place=True),
    "train_on_batch": lambda: by_steps(moving),
}


@pytest.mark.parametrize("case", CHANGING)
def test_start_and_end_are_scored_on_the_rows_that_were_trained_on_then(case):
    """As in self-training, a curriculum, or a DQN with its target network."""
    trace = only(CHANGING[case])

    assert trace.before.loss == pytest.approx(trace.steps.loss[:4].mean(), rel=0.5)
    assert trace.after.loss == pytest.approx(trace.steps.loss[-4:].mean(), rel=0.5)
    assert trace.start_there > 20 * trace.before.loss
    assert trace.constant_loss > 20 * trace.before.loss
    errors = [it for it in judge(trace, Policy()) if it.severity == "error"]
    assert "loss_not_decreasing" not in [it.kind for it in errors]


def test_rows_that_come_again_do_not_change():
    trace = only(lambda: by_steps(lambda x, _: x[:, :1]))
    assert trace.start_there is None


def test_data_of_one_fit_call_are_the_same_from_start_to_end():
    """Even in an order: rows of another class last are no other data."""
    order = np.argsort(Y[:, 0])
    data = tf.data.Dataset.from_tensor_slices((X[order], Y[order])).batch(4)
    trace = only(lambda: mlp().fit(data, epochs=1, verbose=0))
    assert trace.start_there is None


def test_a_model_that_is_compiled_anew_in_a_loop_is_scored_at_each_end():
    def body():
        model = mlp()
        for factor in range(1, 4):
            model.compile(keras.optimizers.Adam(0.05), "mse")
            model.fit(X, factor * X[:, :1], epochs=20, verbose=0, shuffle=False)

    for factor, trace in enumerate(watched(body), start=1):
        assert trace.constant_loss == pytest.approx(factor**2 * X[:, 0].var(), rel=1e-3)
        assert trace.after.loss < 0.3 * trace.constant_loss
