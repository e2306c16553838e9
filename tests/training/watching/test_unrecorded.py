"""What trains and is not recorded is named; what only moves is not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.record import asked_variables as asked
from tests.support.programs import mlp, regression

X, Y = regression()
SOME = tf.constant(X[:32]), tf.constant(Y[:32])


class Linear(tf.Module):
    """A layer as Sonnet's: variables of TensorFlow's own, made at the first call."""

    def __init__(self, name="linear", units=1):
        super().__init__(name=name)
        self.units = units
        self.w = None

    @tf.Module.with_name_scope
    def __call__(self, x):
        if self.w is None:
            first = tf.random.stateless_normal((x.shape[-1], self.units), (1, 2))
            self.w = tf.Variable(first, name="w")
            self.b = tf.Variable(tf.zeros(self.units), name="b")
        return x @ self.w + self.b


class Descent:
    """An optimizer as Sonnet's."""

    def __init__(self, rate=0.1):
        self.rate = rate

    def apply(self, gradients, variables):
        for gradient, variable in zip(gradients, variables, strict=True):
            variable.assign_sub(self.rate * gradient)


def slopes(model, x=SOME[0], y=SOME[1]):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    return tape.gradient(loss, model.trainable_variables)


def by_sonnet(wrap=lambda step: step, steps=3, rate=0.1):
    model, optimizer = Linear(), Descent(rate)

    def step():
        gradients = slopes(model)
        optimizer.apply(gradients, model.trainable_variables)

    step = wrap(step)
    for _ in range(steps):
        step()


def by_sonnet_in_a_graph():
    model, optimizer = Linear(), Descent()
    model(SOME[0])

    @tf.function
    def step():
        optimizer.apply(slopes(model), model.trainable_variables)

    for _ in range(3):
        step()


def by_assign_sub_of_keras():
    model = mlp()
    for _ in range(3):
        for it, slope in zip(model.trainable_variables, slopes(model), strict=True):
            it.assign_sub(0.01 * slope)


def by_version_one():
    weight = tf.Variable(tf.ones((X.shape[1], 1)), name="weight")
    optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.01)
    for _ in range(3):
        optimizer.minimize(lambda: tf.reduce_mean((SOME[0] @ weight - SOME[1]) ** 2))


def by_version_one_in_a_graph():
    weight = tf.Variable(tf.ones((X.shape[1], 1)), name="weight")
    optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.01)

    @tf.function
    def step():
        optimizer.minimize(
            tf.reduce_mean((SOME[0] @ weight - SOME[1]) ** 2), var_list=[weight]
        )

    step()


def by_gradients_without_a_tape():
    weights = tf.Variable(tf.zeros((X.shape[1], 1)))

    @tf.function
    def step():
        loss = tf.reduce_mean((SOME[0] @ weights - SOME[1]) ** 2)
        (slope,) = tf.gradients(loss, [weights])
        weights.assign_sub(0.1 * slope)

    for _ in range(3):
        step()


def by_giving_the_weights_each_step():
    """As an optimizer of SciPy does."""
    model = mlp()
    for _ in range(6):
        moved = [
            it - 0.01 * slope.numpy()
            for it, slope in zip(model.get_weights(), slopes(model), strict=True)
        ]
        model.set_weights(moved)


def by_a_step_compiled_before():
    weight = tf.Variable(tf.ones((X.shape[1], 1)), name="weight")

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ weight - y) ** 2)
        weight.assign_sub(0.01 * tape.gradient(loss, weight))

    compiled = step.get_concrete_function(*SOME)
    return lambda: (compiled(*SOME), weight)


UNSEEN = {
    "Sonnet": by_sonnet,
    "Sonnet in a tf.function": by_sonnet_in_a_graph,
    "assign_sub": by_assign_sub_of_keras,
    "tf.compat.v1 optimizer": by_version_one,
    "tf.compat.v1 optimizer in a tf.function": by_version_one_in_a_graph,
    "tf.gradients": by_gradients_without_a_tape,
    "set_weights at each step": by_giving_the_weights_each_step,
    "compiled before": by_a_step_compiled_before(),
}


def missed(body):
    set_seed(0)
    with watching(seed=0) as watch:
        mlp().fit(X, Y, verbose=0)
        body()
    assert len(watch.traces()) == 1
    return watch.missed()


@pytest.mark.parametrize("body", UNSEEN)
def test_what_trains_beside_a_seen_update_is_named(body):
    (found,) = missed(UNSEEN[body])

    assert found.kind == "trained_unseen"
    assert "(gradients computed at test_unrecorded.py:" in found.message


def test_the_variables_are_named_with_where_they_were_trained_and_how_they_ended():
    (found,) = missed(lambda: by_sonnet(steps=60, rate=1e9))

    assert found.message.startswith(
        "2 of the variables with gradients changed, and ended at values that are not"
        " finite, but no recorded training changed them: linear/b, linear/w (gradients"
        " computed at"
    )


def test_a_large_model_that_is_gone_at_the_end_is_named(monkeypatch):
    monkeypatch.setattr(asked, "MOST_KEPT", 0)
    monkeypatch.setattr(asked, "SMALL", 16)

    (found,) = missed(by_sonnet)

    assert found.value == 2


def target_network():
    online, target = mlp(), mlp()
    online.fit(X, Y, verbose=0)
    target.predict(X, verbose=0)
    for mine, theirs in zip(target.variables, online.variables, strict=True):
        mine.assign(0.9 * mine + 0.1 * theirs)
    target.set_weights(online.get_weights())


def gradients_then_given():
    model = mlp()
    slopes(model)
    model.set_weights([it + 1 for it in model.get_weights()])


def stopped_early():
    model = mlp()
    best = keras.callbacks.EarlyStopping("loss", restore_best_weights=True, patience=0)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[best])
    model.layers[0].kernel.assign(model.layers[0].kernel * 2)


def meta_learning():
    """Steps by hand inside, put back, one update by an optimizer outside."""
    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    first = model.get_weights()
    for it, slope in zip(model.trainable_variables, slopes(model), strict=True):
        it.assign_sub(0.01 * slope)
    gradients = slopes(model)
    model.set_weights(first)
    optimizer.apply(gradients, model.trainable_variables)


def batch_statistics():
    model = keras.Sequential(
        [keras.Input((X.shape[1],)), keras.layers.BatchNormalization()]
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(X, training=True))
    tape.gradient(loss, model.variables)


MOVED = {
    it.__name__: it
    for it in (
        target_network,
        gradients_then_given,
        stopped_early,
        meta_learning,
        batch_statistics,
    )
}


@pytest.mark.parametrize("body", MOVED)
def test_what_is_copied_given_or_put_back_is_no_training(body):
    with watching() as watch:
        MOVED[body]()

    assert watch.missed() == []


def test_restoring_a_checkpoint_is_no_training(tmp_path):
    model = Linear()
    model(SOME[0])
    saved = tf.train.Checkpoint(w=tf.Variable(model.w + 1))
    path = saved.write(str(tmp_path / "saved"))
    with watching() as watch:
        slopes(model)
        tf.train.Checkpoint(w=model.w).read(path)

    assert watch.missed() == []


def test_forgetting_forgets_what_moved():
    with watching() as watch:
        by_sonnet()
        watch.forget()

    assert watch.missed() == []


@pytest.mark.parametrize("by", ["fit", "train_on_batch"])
def test_a_model_without_a_trainable_weight_is_named(by):
    frozen = keras.Sequential([keras.layers.Dense(1)], name="discriminator")
    frozen.compile("sgd", "mse")
    frozen.trainable = False

    with watching() as watch:
        mlp().fit(X, Y, verbose=0)
        getattr(frozen, by)(X, Y)

    (found,) = watch.missed()
    assert found.kind == "nothing_trainable"
    assert f"model 'discriminator' was trained by {by}" in found.message


def test_a_model_that_trains_others_by_a_step_of_its_own_may_have_no_weight():
    class Around(keras.Model):
        def train_step(self, data):
            return {"loss": tf.reduce_mean(data[0])}

    around = Around()
    around.compile("sgd")
    with watching() as watch:
        around.fit(X, Y, verbose=0)

    assert watch.missed() == []


def test_a_step_whose_first_run_raises_is_no_training():
    model = keras.Sequential([keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.full(len(X), 7)

    with watching() as watch, pytest.raises(tf.errors.InvalidArgumentError):
        model.fit(X, labels, verbose=0)

    assert watch.traces() == []
    assert "none of its runs reached" in watch.why_nothing_trained()


# Why nothing was seen


def why(body):
    with watching() as watch:
        body()
    assert watch.traces() == []
    return watch.why_nothing_trained()


def test_gradients_are_counted_by_runs_not_by_traces():
    model = mlp()

    class Accumulating:
        taken, steps = 0, None

        @tf.function
        def step(self, x, y):
            if self.steps is None:  # so that TensorFlow traces it twice
                self.steps = tf.Variable(0)
            gradients = slopes(model, x, y)
            self.taken += 1
            if self.taken == 4:
                model.optimizer.apply(gradients, model.trainable_variables)

    def body():
        accumulating = Accumulating()
        for _ in range(60):
            accumulating.step(*SOME)

    text = why(body)
    assert "gradients were computed 60 times and never applied" in text
    assert "count in a tf.Variable" in text


def test_gradients_of_a_loop_are_counted():
    text = why(lambda: [slopes(mlp()) for _ in range(3)])

    assert "gradients were computed 3 times and never applied" in text
    assert "tf.Variable" not in text


def test_a_session_is_reported_as_what_it_is():
    def body():
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            weight = tf.compat.v1.get_variable("w", initializer=1.0)
            optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.1)
            train = optimizer.minimize(weight**2)
            session.run(tf.compat.v1.global_variables_initializer())
            session.run(train)

    with watching() as watch:
        body()

    (text,) = watch.unseen
    assert "a tf.compat.v1.Session ran a training operation" in text


# What was seen and not compared


def by_tape(loss):
    def body():
        model, optimizer = mlp(), keras.optimizers.SGD(0.01)
        with tf.GradientTape() as tape:
            value = loss(model)
        slopes = tape.gradient(value, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    return body


SQUARED = keras.losses.MeanSquaredError()


def stateful():
    model = keras.Sequential(
        [keras.Input(batch_shape=(50, 4, 1)), keras.layers.GRU(2, stateful=True)]
    )
    model.compile("sgd", "mse")
    model.fit(X[:50, :, None], Y[:50], batch_size=50, verbose=0)


NOT_COMPARED = {
    "computed by hand; write it as a keras.losses.Loss": by_tape(
        lambda model: tf.reduce_mean((model(X) - Y) ** 2)
    ),
    "several loss objects make it up; write them as one": by_tape(
        lambda model: SQUARED(Y, model(X)) + SQUARED(0 * Y, model(X))
    ),
    "several models make the predictions; combine them": by_tape(
        lambda model: SQUARED(Y, model(tf.repeat(mlp()(X), 4, axis=1)))
    ),
    "scored something other than the model's output": by_tape(
        lambda model: SQUARED(Y, 2 * model(X))
    ),
    "takes 50 rows at a time and no other": stateful,
}


@pytest.mark.parametrize("reason", NOT_COMPARED)
def test_what_is_compared_with_no_constant_says_why_and_what_to_write(reason):
    with watching() as watch:
        NOT_COMPARED[reason]()

    (trace,) = watch.traces()
    assert trace.constant_loss is None
    (note,) = trace.notes
    assert note.startswith("the loss was compared with no constant prediction: ")
    assert reason in note
