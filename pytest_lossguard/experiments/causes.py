"""The causes of a failure that can be proved or suspected, with their explanations.

Causes that are seen in the training itself are explained next to their rules: see
`core.findings.SEEN_CAUSES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.explanation import Explanation, curves, falling, noisy
from .thresholds import CONFIRMATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseKind:
    """One kind of cause, with the texts that users read about it.

    Attributes:
        name: The name of the cause, one of `core.diagnosis.CAUSES`.
        explanation: The reference text of the cause.
        remedy: What to do about the cause; empty where the change that proves the
            cause has its own remedy.
    """

    name: str
    explanation: Explanation
    remedy: str = ""


_PROOF = (
    "A re-run proves it: the change must make the training converge from the same start"
    f" and on {CONFIRMATIONS} fresh seeds. Without such a proof it is a suspicion"
    " (cause?)."
)

_SUSPICION = "No re-run can prove it: the findings suggest it (cause?)."

CAUSE_KINDS = (
    CauseKind(
        name="learning_rate_too_high",
        explanation=Explanation(
            brief="the updates overshoot",
            seen="With a lower learning rate and nothing else changed the same training"
            " converges.",
            why="Each update overshoots. The loss jumps, blows up, or stays above what"
            " the model could reach.",
            no_limit=_PROOF,
            curves=curves(as_it_is=noisy((1.0,) * 40, 0.8), lower=falling(1.0, 0.1)),
        ),
        remedy="Compile with the learning rate that the message names.",
    ),
    CauseKind(
        name="learning_rate_too_low",
        explanation=Explanation(
            brief="the updates are too small",
            seen="With a higher learning rate and nothing else changed the same"
            " training converges.",
            why="The weights hardly move: the loss falls so slowly that the run ends"
            " almost where it began.",
            no_limit=_PROOF,
            curves=curves(
                as_it_is=tuple(1.0 - 0.001 * it for it in range(40)),
                higher=falling(1.0, 0.1),
            ),
        ),
        remedy="Compile with the learning rate that the message names.",
    ),
    CauseKind(
        name="momentum_too_high",
        explanation=Explanation(
            brief="old gradients outweigh the new ones",
            seen="With a lower momentum the same training converges.",
            why="Updates keep going where gradients pointed long ago: the loss swings,"
            " or runs away.",
            no_limit=_PROOF,
            curves=curves(
                as_it_is=tuple(
                    1.0 + 0.6 * (1, 0.7, 0, -0.7, -1, -0.7, 0, 0.7)[it % 8]
                    for it in range(40)
                ),
                lower=falling(1.0, 0.1),
            ),
        ),
    ),
    CauseKind(
        name="unscaled_inputs",
        explanation=Explanation(
            brief="inputs on different or very large scales",
            seen="With the inputs standardized, all of them or the feature that is"
            " named, the same training converges.",
            why="Gradients grow with the inputs: no learning rate suits both columns in"
            " the thousands and columns around 1.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="unscaled_targets",
        explanation=Explanation(
            brief="targets that are not on a scale around 1",
            seen="With the targets standardized the same training converges.",
            why="The output has to travel a long way from its start near 0, and large"
            " errors give huge gradients.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="input_outliers",
        explanation=Explanation(
            brief="a few input values outweigh all others",
            seen="With the row left out, or the inputs clipped, the same training"
            " converges.",
            why="The gradient of one row throws the weights off each time it comes.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="target_outliers",
        explanation=Explanation(
            brief="a few targets outweigh all others",
            seen="With the targets clipped the same training converges.",
            why="Under a squared error one such row costs more than all others: the"
            " model learns that row.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="missing_values",
        explanation=Explanation(
            brief="NaN, or a number that stands for it",
            seen="With missing values filled, or a value such as -999 replaced, the"
            " same training converges.",
            why="NaN makes the loss and then all weights NaN; a number that stands for"
            " it is a huge outlier.",
            no_limit=_PROOF,
        ),
        remedy="Fill or drop missing values before training, as SimpleImputer does;"
        " replace a value such as -999 with NaN where the data are read, before they"
        " are scaled.",
    ),
    CauseKind(
        name="constant_inputs",
        explanation=Explanation(
            brief="rows cannot be told apart",
            seen="Nearly all input values are the same in every row. No re-run can"
            " prove it: the data are lost before the training.",
            why="The inputs do not tell the rows apart, so there is nothing to learn.",
            no_limit=_SUSPICION,
        ),
        remedy="Print the inputs after each step of the preprocessing, and look for"
        " the step that makes them constant.",
    ),
    CauseKind(
        name="bad_initialization",
        explanation=Explanation(
            brief="the weights start in the wrong place",
            seen="With weights drawn again from the layers' default initializers the"
            " same training converges.",
            why="Weights that are all equal stay equal; weights that are too large"
            " saturate or kill units; correcting a bias that is far off takes the whole"
            " run.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="activation_choice",
        explanation=Explanation(
            brief="a hidden activation that does not learn",
            seen="With another activation in the hidden layers the same training"
            " converges.",
            why="An activation that is flat for most inputs, or is meant for an output"
            " (softmax), passes on almost no gradient.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="dead_units",
        explanation=Explanation(
            brief="units that are 0 and stay so",
            seen="Most units of a layer are 0 for every row, and no re-run proved"
            " another cause.",
            why="They no longer get a gradient. The rest of the layer is too small to"
            " learn.",
            no_limit=_SUSPICION,
        ),
        remedy="Lower the learning rate, scale the inputs, use He initialization or"
        " leaky_relu.",
    ),
    CauseKind(
        name="vanishing_gradients",
        explanation=Explanation(
            brief="gradients shrink on their way back",
            seen="With two hidden layers in place of many the same training converges.",
            why="Each layer makes the gradient smaller: the first layers keep their"
            " initial weights.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="loss_output_mismatch",
        explanation=Explanation(
            brief="output, loss and labels do not fit",
            seen="With the usual last activation, units and loss for such labels the"
            " same training converges.",
            why="The output cannot represent the labels, or the loss does not measure"
            " the error: units, activation, reduction, sign or label encoding are"
            " wrong.",
            no_limit=_PROOF,
        ),
        remedy="Give the model the output and the loss that the message names.",
    ),
    CauseKind(
        name="labels_carry_no_signal",
        explanation=Explanation(
            brief="labels that do not belong to the rows",
            seen="On held-back rows, shuffled labels are learned as well as the real"
            " ones.",
            why="The model can only memorize: labels and rows no longer match, or the"
            " inputs say nothing about the labels.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="class_imbalance",
        explanation=Explanation(
            brief="a class is too rare to be learned",
            seen="With all classes equally frequent the model learns the rare one too.",
            why="Never predicting the rare class hardly raises the loss.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="rows_in_class_order",
        explanation=Explanation(
            brief="rows come class by class",
            seen="With the rows shuffled the same training converges.",
            why="Each stretch teaches one class and unlearns the others.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="over_regularization",
        explanation=Explanation(
            brief="penalty or dropout holds the model back",
            seen="Without the weight penalty, or without dropout, the same training"
            " converges.",
            why="The training keeps the weights small, or drops so much that nothing"
            " gets through, instead of lowering the error.",
            no_limit=_PROOF,
            curves=curves(as_it_is=falling(1.0, 0.9), without=falling(1.0, 0.1)),
        ),
    ),
    CauseKind(
        name="too_few_steps",
        explanation=Explanation(
            brief="the run ends before it learns",
            seen="With more steps and nothing else changed the same training"
            " converges.",
            why="The loss is still falling when the run ends. The model may be fine,"
            " but the test is too short to show it.",
            no_limit=_PROOF,
            curves=curves(
                as_it_is=tuple(1.0 - 0.01 * it for it in range(10)),
                longer=tuple(1.0 - 0.01 * it for it in range(40)),
            ),
        ),
    ),
    CauseKind(
        name="batch_size_too_small",
        explanation=Explanation(
            brief="single batches are mostly noise",
            seen="With batches of more rows the same training converges.",
            why="The gradient of one or two rows is mostly noise: each update undoes"
            " the last one.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="insufficient_capacity",
        explanation=Explanation(
            brief="the model has too few units",
            seen="With several times as many units in the hidden layers the same"
            " training converges.",
            why="The narrowest layer cannot carry what the output needs.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="overfitting",
        explanation=Explanation(
            brief="rows are memorized",
            seen="The held-out loss rose while the training loss fell, and no re-run"
            " proved another cause.",
            why="What is learned late does not hold for new rows.",
            no_limit=_SUSPICION,
        ),
        remedy="Stop earlier, add data, regularization or dropout, or use a smaller"
        " model.",
    ),
    CauseKind(
        name="disconnected_variables",
        explanation=Explanation(
            brief="layers that are not trained",
            seen="With frozen layers made trainable the same training converges; or no"
            " gradient reaches a variable.",
            why="Layers that must learn are frozen, or are not connected to the loss.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="optimizer_choice",
        explanation=Explanation(
            brief="another optimizer learns it",
            seen="With Adam in place of the optimizer the same training converges.",
            why="Plain gradient descent has one learning rate for all weights;"
            " gradients of very different sizes need one that adapts.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="gradient_clipping_needed",
        explanation=Explanation(
            brief="single gradients are far too large",
            seen="With the norm of gradients clipped the same training converges.",
            why="A few huge gradients throw the weights off. Clipping keeps their"
            " direction and cuts their length.",
            no_limit=_PROOF,
        ),
    ),
    CauseKind(
        name="unknown",
        explanation=Explanation(
            brief="no change that was tried helped",
            seen="No re-run made the training converge, and no finding points to a"
            " cause.",
            why="The report does not guess. With -vv it lists what was tried and did"
            " not help.",
            no_limit="Nothing was proved, and nothing is suspected.",
        ),
        remedy="Look at the findings and the loss curve; try a simpler model on a few"
        " rows, and look at the rows themselves.",
    ),
)
