"""The findings of the checks: their messages and explanations."""

from __future__ import annotations

from functools import partial

from ..core import model_check_limits as limits
from ..core.checked import kind_of
from .policy import PREFIX

_kind = partial(kind_of, PREFIX)

_KINDS = (
    _kind(
        "learns_one_batch",
        brief="the model can memorize 32 rows",
        hint="Check that the loss fits the output and the labels, that the output can"
        " reach them, and that gradients reach every layer.",
        seen="The model is trained on 32 rows of the sample, if necessary with other"
        " learning rates, Adam or scaled rows. It does not memorize them.",
        why="A model that cannot learn 32 rows cannot learn more. The loss, the output"
        " or the gradients are wrong.",
        limits=(limits.LEARNED,),
    ),
    _kind(
        "starts_at_chance",
        brief="the first loss is that of random guessing",
        hint="Scale the inputs and use the default initializers: a fresh model should"
        " be unsure, not wrong.",
        seen="The loss before any training is far above that of a model that knows"
        " nothing, on three seeds.",
        why="The initial outputs are large and wrong: inputs are unscaled or initial"
        " weights are too large. The first steps only undo that.",
        limits=(limits.FAR_ABOVE_CHANCE,),
    ),
    _kind(
        "every_variable_learns",
        brief="every variable gets a gradient and moves",
        hint="Use the layer in the forward pass, without tf.stop_gradient or .numpy()"
        " behind it, or freeze it: trainable=False.",
        seen="A trainable variable gets no gradient, or one of 0, and does not move.",
        why="It keeps its initial value. A layer is not connected, or its gradient is"
        " cut.",
        no_limit="Any movement is enough.",
    ),
    _kind(
        "uses_every_input",
        brief="each input and column changes the output",
        hint="Connect it to the output, or remove it from the inputs.",
        seen="An input, or a column of a table, is given other values. No output"
        " changes.",
        why="The model cannot learn from it. It is not used, or is multiplied by 0.",
        limits=(limits.DEPENDS,),
    ),
    _kind(
        "rows_are_independent",
        brief="a row alone has the same output as in a batch",
        hint="Normalize and compare over the features of a row, axis=-1, never over the"
        " batch, axis=0.",
        seen="In inference mode a row alone gives a different output than in a batch.",
        why="Something is computed over the batch, such as a mean or a softmax over"
        " axis 0. In production a row's prediction depends on its neighbors.",
        limits=(limits.SAME, limits.SAME_IN_HALF),
    ),
    _kind(
        "ignores_padding",
        brief="padding changes nothing where it is masked",
        hint="Pass the mask on: custom layers need supports_masking = True, and"
        " attention needs an attention_mask.",
        seen="Padding that the model masks is appended to a sequence. An output"
        " changes.",
        why="A layer drops the mask. The same text gives a different prediction in a"
        " batch with longer ones.",
        limits=(limits.SAME, limits.SAME_IN_HALF),
    ),
    _kind(
        "causal",
        brief="later positions change no earlier output",
        hint="Mask what comes later: use_causal_mask=True, padding='causal', no"
        " Bidirectional layer.",
        seen="Later positions of a sequence are changed. An earlier output changes.",
        why="A model that should predict what comes next sees it in training. Its loss"
        " is too good, and it cannot generate step by step.",
        limits=(limits.SAME, limits.SAME_IN_HALF),
    ),
    _kind(
        "same_seed_same_weights",
        brief="built twice from a seed, the same weights",
        hint="Draw from Keras' initializers, or from a generator that is made with a"
        " seed inside the function.",
        seen="The model is built twice from one seed. The weights differ.",
        why="No training can be repeated. Something draws from NumPy, the clock or its"
        " own generator.",
        no_limit="The weights must be equal to the last digit.",
    ),
    _kind(
        "saves_and_loads",
        brief="a saved model predicts the same",
        hint="Register your own classes with"
        " @keras.saving.register_keras_serializable(), give each get_config(), and"
        " make its weights in build().",
        seen="The model is saved and loaded, as a .keras file and as weights. It cannot"
        " be loaded, or predicts something different.",
        why="What is deployed is not what was trained.",
        limits=(limits.SAME, limits.SAME_IN_HALF),
    ),
    _kind(
        "exports",
        brief="an exported model serves the same",
        hint="Use TensorFlow operations in call(), not NumPy or Python on tensors.",
        seen="Exporting the model fails, or the exported model predicts something"
        " different.",
        why="The model cannot be served by TensorFlow Serving, or predicts something"
        " different there.",
        limits=(limits.SAME, limits.SAME_IN_HALF),
    ),
    _kind(
        "resumes",
        brief="a resumed training continues as before",
        hint="Keep all state in variables of the model or its optimizer, not in Python"
        " attributes.",
        seen="A training is saved, loaded and resumed. After some steps its weights"
        " differ from those of an uninterrupted training.",
        why="State of the optimizer or in Python attributes is lost. An interrupted"
        " training ends with other weights.",
        limits=(limits.SAME_WEIGHTS,),
    ),
    _kind(
        "accumulates",
        brief="a batch's gradient is that of its parts",
        hint="Take the mean of the loss of each row.",
        seen="The gradient of a batch is neither the mean nor the sum of the gradients"
        " of its halves.",
        why="Gradient accumulation and training on several devices give a different"
        " result than one large batch.",
        limits=(limits.SAME_GRADIENT,),
    ),
    _kind(
        "serves_as_trained",
        brief="inference and training mode have the same loss",
        hint="Pass the training argument on to inner layers, and let statistics settle:"
        " use a lower momentum in BatchNormalization or more steps.",
        seen="On the same rows the loss in inference mode is far above that in training"
        " mode, once statistics have settled; or two predictions of the same rows"
        " differ, because values are dropped at random.",
        why="Batch statistics and running ones differ, or dropout stays on in"
        " production: the model serves worse than it trained.",
        limits=(limits.SERVES_WORSE, limits.SERVES_WORSE_BY),
    ),
    _kind(
        "mixed_precision_agrees",
        brief="float16 gives what float32 gives",
        hint="Compute softmax, losses and large sums in float32.",
        seen="With the same weights the outputs in half precision differ from those in"
        " single precision.",
        why="An operation overflows or loses its digits in float16. Under mixed_float16"
        " the model predicts something different.",
        limits=(limits.HALF_PRECISION,),
    ),
)

#: The kind of finding of each check, by the name of the check.
KINDS = {it.name.removeprefix(PREFIX): it for it in _KINDS}
