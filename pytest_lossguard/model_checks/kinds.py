"""What each check says when it fails."""

from __future__ import annotations

from ..core.checked import kinds_of
from .policy import PREFIX

__all__ = ["KINDS"]

#: What to do, by check.
_HINTS = {
    "learns_one_batch": "Check that the loss fits the output and the labels, that the"
    " output can reach them, and that gradients reach every layer.",
    "starts_at_chance": "Scale the inputs, and use the layers' own initializers: a"
    " fresh model should be unsure, not wrong.",
    "every_variable_learns": "Use the layer in the forward pass, without"
    " tf.stop_gradient or .numpy() behind it, or freeze it: trainable=False.",
    "uses_every_input": "Connect it to the output, or leave it out of the inputs.",
    "rows_are_independent": "Normalize and compare over the features of a row, axis=-1,"
    " never over the batch, axis=0.",
    "ignores_padding": "Pass the mask on: layers of your own need"
    " supports_masking = True, and attention an attention_mask.",
    "causal": "Mask what comes later: use_causal_mask=True, padding='causal', no"
    " Bidirectional layer.",
    "same_seed_same_weights": "Draw from Keras' initializers, or from a generator that"
    " is made with a seed inside of the function.",
    "saves_and_loads": "Register your own classes with"
    " @keras.saving.register_keras_serializable(), give each get_config(), and make"
    " its weights in build().",
    "exports": "Use TensorFlow operations in call(), not NumPy or Python on tensors.",
    "resumes": "Keep all state in variables of the model or its optimizer, not in"
    " Python attributes.",
    "accumulates": "Take the mean over rows of what each row costs.",
    "serves_as_trained": "Pass training on to the layers inside, and let statistics"
    " settle: a lower momentum of BatchNormalization, more steps.",
    "mixed_precision_agrees": "Compute softmax, losses and large sums in float32.",
}

#: By check.
KINDS = kinds_of(PREFIX, _HINTS)
