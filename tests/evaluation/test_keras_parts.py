"""Parts of Keras as data: made anew for each model, dense layers written as text."""

from __future__ import annotations

import keras

from evaluation.keras_parts import (
    Initializer,
    Layer,
    Optimizer,
    Schedule,
    compiled,
    make,
)


def test_a_part_is_made_anew_with_the_parts_inside_it():
    part = Optimizer.SGD(Schedule.CosineDecay(0.2, decay_steps=9), momentum=0.9)
    made, again = make(part), make(part)

    assert made is not again
    assert type(made) is type(again) is keras.optimizers.SGD
    assert made.momentum == 0.9
    rate = made.get_config()["learning_rate"]
    assert (rate["class_name"], rate["config"]["decay_steps"]) == ("CosineDecay", 9)


def test_what_is_no_part_stays_as_it_is():
    assert make("adam") == "adam"
    assert make(len) is len


def test_a_dense_layer_is_its_units_and_its_activation():
    start = Initializer.Constant(0.5)
    last = Layer.Dense(1, kernel_initializer=start)
    model = compiled((3,), ["4 tanh", Layer.Dropout(0.2), last], "sgd", "mse")
    first, dropout, second = model.layers

    assert (first.units, first.activation) == (4, keras.activations.tanh)
    assert dropout.rate == 0.2
    assert second.get_weights()[0].tolist() == [[0.5]] * 4


def test_one_part_in_two_places_is_two_layers():
    hidden = Layer.Dense(4, "relu")
    model = compiled((4,), [hidden] * 2, "sgd", "mse")

    assert len({id(it) for it in model.layers}) == 2
