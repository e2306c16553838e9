"""A fault seen in the training step is the first thing that a failed test reports."""

from __future__ import annotations


def test_layers_in_inference_mode_fail_a_test_and_a_re_run_proves_it(project):
    result = project(
        """
@pytest.mark.converges
def test_it():
    import tensorflow as tf
    x, y = load()
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Dense(8), layers.BatchNormalization(),
         layers.Dense(y.shape[1] if y.ndim > 1 else 1)]
    )
    loss_of, optimizer = keras.losses.MeanSquaredError(), keras.optimizers.Adam(0.02)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x))
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    for _ in range(80):
        step(x, y)
""",
        diagnosed=True,
    )
    result.stdout.fnmatch_lines(
        [
            "E *pytest_lossguard.NotConverged: 1 layer never in training mode*",
            "E *cause   inference_mode (sequential/batch_normalization)",
            "E *with training=True it converges",
            "E *remedy  *training=True*",
        ]
    )


def test_a_discriminator_that_never_trains_is_the_cause_of_a_failed_generator(project):
    result = project(
        """
@pytest.mark.converges
def test_it():
    x, y = load()
    frozen = build()
    frozen.trainable = False
    frozen.train_on_batch(x, y)
    train(rate=100.0)
""",
        diagnosed=True,
    )
    result.stdout.fnmatch_lines(
        ["E         cause   nothing_trainable ('*'), seen in the training itself"]
    )
