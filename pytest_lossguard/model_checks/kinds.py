"""The findings of the checks: their messages and explanations."""

from __future__ import annotations

from functools import partial

from ..core import model_check_limits as at
from ..core.checked import kind_of
from .policy import PREFIX

__all__ = ["KINDS"]

_kind = partial(kind_of, PREFIX)

_KINDS = (
    _kind(
        "learns_one_batch",
        brief="32 rows can be learned by heart",
        hint="Check that the loss fits the output and the labels, that the output can"
        " reach them, and that gradients reach every layer.",
        seen="The model is trained on 32 rows of the sample, if need be with other"
        " learning rates, Adam or scaled rows. It does not learn them by heart.",
        why="A model that cannot learn 32 rows cannot learn more of them. The loss, the"
        " output or the gradients are wrong.",
        limits=(at.LEARNED,),
    ),
    _kind(
        "starts_at_chance",
        brief="the first loss is that of knowing nothing",
        hint="Scale the inputs, and use the layers' own initializers: a fresh model"
        " should be unsure, not wrong.",
        seen="The loss before any training is far above that of a model that knows"
        " nothing, on three seeds.",
        why="Fresh outputs are large and wrong: inputs are unscaled or weights are"
        " drawn too large. The first steps only undo that.",
        limits=(at.FAR_ABOVE_CHANCE,),
    ),
    _kind(
        "every_variable_learns",
        brief="every variable gets a gradient and moves",
        hint="Use the layer in the forward pass, without tf.stop_gradient or .numpy()"
        " behind it, or freeze it: trainable=False.",
        seen="A trainable variable gets no gradient, or one of 0, and does not move.",
        why="It stays as it was drawn. A layer is not connected, or its gradient is"
        " cut.",
        no_limit="Any movement is enough.",
    ),
    _kind(
        "uses_every_input",
        brief="each input and column changes the output",
        hint="Connect it to the output, or leave it out of the inputs.",
        seen="An input, or a column of a table, is given other values. No output"
        " changes.",
        why="The model cannot learn from it. It was left out on the way, or is"
        " multiplied by 0.",
        limits=(at.DEPENDS,),
    ),
    _kind(
        "rows_are_independent",
        brief="a row alone gives what it gives in a batch",
        hint="Normalize and compare over the features of a row, axis=-1, never over the"
        " batch, axis=0.",
        seen="A row alone gives another output than in a batch, in inference mode.",
        why="Something is computed over the batch, as a mean or a softmax over axis 0."
        " In production a row's answer depends on its neighbors.",
        limits=(at.SAME, at.SAME_IN_HALF),
    ),
    _kind(
        "ignores_padding",
        brief="padding changes nothing where it is masked",
        hint="Pass the mask on: layers of your own need supports_masking = True, and"
        " attention an attention_mask.",
        seen="Positions are added behind a sequence that the model masks. An output"
        " changes.",
        why="A layer drops the mask. The same text gives another answer in a batch with"
        " longer ones.",
        limits=(at.SAME, at.SAME_IN_HALF),
    ),
    _kind(
        "causal",
        brief="later positions change no earlier output",
        hint="Mask what comes later: use_causal_mask=True, padding='causal', no"
        " Bidirectional layer.",
        seen="Later positions of a sequence are changed. An earlier output changes.",
        why="A model that is to predict what comes next sees it in training. Its loss"
        " is too good, and it cannot be used step by step.",
        limits=(at.SAME, at.SAME_IN_HALF),
    ),
    _kind(
        "same_seed_same_weights",
        brief="built twice from a seed, the same weights",
        hint="Draw from Keras' initializers, or from a generator that is made with a"
        " seed inside the function.",
        seen="The model is built twice from one seed. The weights differ.",
        why="No training can be repeated. Something draws from NumPy, the clock or a"
        " generator of its own.",
        no_limit="The weights must be equal to the last digit.",
    ),
    _kind(
        "saves_and_loads",
        brief="a saved model predicts the same",
        hint="Register your own classes with"
        " @keras.saving.register_keras_serializable(), give each get_config(), and"
        " make its weights in build().",
        seen="The model is saved and loaded, as a .keras file and as weights. It"
        " cannot be loaded, or predicts something else.",
        why="What is deployed is not what was trained.",
        limits=(at.SAME, at.SAME_IN_HALF),
    ),
    _kind(
        "exports",
        brief="an exported model serves the same",
        hint="Use TensorFlow operations in call(), not NumPy or Python on tensors.",
        seen="Exporting the model fails, or what is served predicts something else.",
        why="The model cannot be served by TensorFlow Serving, or it answers"
        " differently there.",
        limits=(at.SAME, at.SAME_IN_HALF),
    ),
    _kind(
        "resumes",
        brief="a resumed training goes on as before",
        hint="Keep all state in variables of the model or its optimizer, not in Python"
        " attributes.",
        seen="A training is saved, loaded and goes on. After some steps its weights"
        " differ from those of a training without a stop.",
        why="State is lost: of the optimizer, or in Python attributes. Training that"
        " was interrupted ends elsewhere.",
        limits=(at.SAME_WEIGHTS,),
    ),
    _kind(
        "accumulates",
        brief="a batch's gradient is that of its parts",
        hint="Take the mean over rows of what each row costs.",
        seen="The gradient of a batch is compared with the mean, and the sum, of those"
        " of its halves. It is neither.",
        why="Accumulated gradients and several devices train another model than one"
        " large batch.",
        limits=(at.SAME_GRADIENT,),
    ),
    _kind(
        "serves_as_trained",
        brief="inference costs what training mode costs",
        hint="Pass training on to the layers inside, and let statistics settle: a lower"
        " momentum of BatchNormalization, more steps.",
        seen="On the same rows the loss in inference mode is far above that in training"
        " mode, once statistics have settled; or two predictions of the same rows"
        " differ, because values are dropped at random.",
        why="Batch statistics and running ones differ, or dropout stays on in"
        " production: the model serves worse than it trained.",
        limits=(at.SERVES_WORSE, at.SERVES_WORSE_BY),
    ),
    _kind(
        "mixed_precision_agrees",
        brief="float16 gives what float32 gives",
        hint="Compute softmax, losses and large sums in float32.",
        seen="With the same weights the outputs in half precision differ from those in"
        " single precision.",
        why="An operation overflows or loses its digits in float16. Under mixed_float16"
        " the model is another one.",
        limits=(at.HALF_PRECISION,),
    ),
)

#: The kind of finding of each check, by the name of the check.
KINDS = {it.name.removeprefix(PREFIX): it for it in _KINDS}
