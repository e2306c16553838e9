"""Findings: the list of all kinds, and how a kind and its numbers make a sentence.

Each kind is defined next to the rule that finds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from .explanation import Explanation
from .numbers import number, percent, percent_and_limit

#: Name of a finding kind of a custom check: a prefix and a name.
OWN_KIND = re.compile(r"[a-z][a-z0-9_-]*:[a-z][a-z0-9_-]*")

Severity = Literal["error", "warning"]
#: What a finding says about the training, where the diagnosis depends on it:
#:
#: - ``"blown_up"``: the loss diverged or is not finite; its final value means nothing.
#: - ``"unstable"``: the loss or a gradient jumps or grows.
#: - ``"stuck"``: the loss hardly falls.
#: - ``"misfit"``: the loss does not suit the output or the labels; its value means
#:   nothing.
#: - ``"too_high"``: no change repairs the training unless its loss ends lower.
#: - ``"rows_alike"``, ``"units_alike"``: all rows give the same, or units give the same
#:   for all rows. The first explains the second.
Symptom = Literal[
    "blown_up", "unstable", "stuck", "misfit", "too_high", "rows_alike", "units_alike"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of finding: its name and its texts for the user.

    Each kind is defined next to the rule that finds it.

    Attributes:
        name: Name of the kind, one of `FINDING_KINDS`.
        severity: Default severity of a finding; the rule may override it.
        text: A `str.format` template over the finding's fields and the details that
            the rule supplies.
        hint: What to try next.
        headline: A version of ``text`` in 45 characters, for the first line of a
            failure and pytest's summary; empty for kinds that never fail a test.
        suspects: The cause that the finding suggests if no re-run verifies one, from
            `diagnosis.CAUSES`; empty if it suggests none.
        undone_by: What the usual training step of Keras does differently, if a re-run
            with that step proves the cause; empty otherwise.
        symptoms: What the finding says about the training.
        explanation: The text of the reference and of ``--lossguard-explain``.
    """

    name: str
    severity: Severity
    text: str
    hint: str
    headline: str = ""
    suspects: str = ""
    undone_by: str = ""
    symptoms: tuple[Symptom, ...] = ()
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact about a training, with the measured value and its limit.

    Attributes:
        kind: One of `FINDING_KINDS`, or the kind of a custom check.
        severity: ``"error"`` fails the test, ``"warning"`` does not (unless
            the policy is strict).
        step: The decisive step, counted from 1; None if there is none.
        value: The measured value, in the unit that ``message`` names.
        limit: The limit that ``value`` was compared with.
        where: The affected variable, layer, feature or row.
        message: One sentence that states all of these.
        headline: A short version of ``message``.
        hint: What to try next.
        suspects: The cause that the finding suggests; empty if none.
        undone_by: What the usual training step of Keras does differently, if a re-run
            with that step proves the cause; empty otherwise.
        symptoms: What the finding says about the training.
    """

    kind: str
    severity: Severity
    step: int | None = None
    value: float | None = None
    limit: float | None = None
    where: str | None = None
    message: str
    headline: str = ""
    hint: str = ""
    suspects: str = ""
    undone_by: str = ""
    symptoms: tuple[Symptom, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the finding as builtins, in the shape of the JSON report."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "step": self.step,
            "value": self.value,
            "limit": self.limit,
            "where": self.where,
            "message": self.message,
        }


#: From this ratio on, a multiple reads better than a percentage.
_MANY_TIMES = 10.0


def finding(
    kind: Kind,
    *,
    severity: Severity | None = None,
    step: int | None = None,
    value: float | None = None,
    limit: float | None = None,
    where: str | None = None,
    hint: str | None = None,
    **details: object,
) -> Finding:
    """Make a finding; its message is the kind's text, filled in with the numbers, and
    its hint that of the kind, unless another one is given.
    """
    words = {
        name: number(float(it)) if isinstance(it, (int, float)) else it
        for name, it in {**details, "value": value, "limit": limit}.items()
    }
    if value != limit and words["value"] == words["limit"] != "unknown":
        words |= {"value": f"{value:.6g}", "limit": f"{limit:.6g}"}
    words |= {"step": step, "where": where}
    if value is not None and limit is not None:
        multiple = (
            f"{percent(value)} of" if value < _MANY_TIMES else f"{number(value)} times"
        )
        share, share_limit = percent_and_limit(value, limit)
        words |= {"share": share, "share_limit": share_limit, "multiple": multiple}
    message = kind.text.format(**words)
    return Finding(
        kind=kind.name,
        severity=severity or kind.severity,
        step=step,
        value=None if value is None else float(value),
        limit=None if limit is None else float(limit),
        where=where,
        message=message,
        headline=kind.headline.format(**words) or message,
        hint=kind.hint if hint is None else hint,
        suspects=kind.suspects,
        undone_by=kind.undone_by,
        symptoms=kind.symptoms,
    )


#: Kinds that name a cause that is observed with certainty during a training: if one
#: fails the training, it is the first cause of the diagnosis, under the same name.
SEEN_CAUSES = (
    "nothing_trainable",
    "inference_mode",
    "update_skipped",
    "optimizer_restarted",
    "not_recompiled",
    "loss_not_scaled",
    "penalty_left_out",
    "sample_weight_ignored",
    "argument_ignored",
    "activated_twice",
    "class_weight_mismatch",
    "padding_not_masked",
    "tokens_masked",
    "rate_ended",
    "clipped_to_nothing",
    "rows_mixed",
    "labels_ignored",
    "inputs_ignored",
    "target_in_inputs",
    "augmented_apart",
    "zipped_apart",
    "image_axes_mixed",
    "graph_shuffled",
    "repeated_batch",
    "labels_coded_apart",
    "validation_rows_trained_on",
    "predictions_ignore_inputs",
    "state_shuffled",
    "augmentation_cached",
    "random_drawn_once",
    "custom_gradient_wrong",
    "layers_untracked",
    "frozen_untrained",
)

#: All kinds; adding or removing one changes the public API. Kinds that suggest a cause
#: come first, the most likely first.
FINDING_KINDS = (
    *SEEN_CAUSES,
    "constant_inputs",
    "disconnected_variable",
    "unchanged_weights",
    "nonfinite_input",
    "labels_out_of_range",
    "loss_output_mismatch",
    "masked_loss",
    "impossible_loss",
    "rows_in_class_order",
    "sentinel_values",
    "input_outliers",
    "unscaled_inputs",
    "target_outliers",
    "unscaled_targets",
    "symmetric_weights",
    "labels_carry_no_signal",
    "diverging_loss",
    "dead_units",
    "saturated_activations",
    "vanishing_gradient",
    "penalty_dominates",
    "class_imbalance",
    "overfitting",
    "slow_convergence",
    "nonfinite_loss",
    "nonfinite_gradient",
    "missing_values",
    "exploding_gradient",
    "loss_not_decreasing",
    "worse_than_constant",
    "constant_predictions",
    "oscillating_loss",
    "noisy_loss",
    "plateau",
    "validation_differs",
    "nonfinite_validation",
    "constant_feature",
    "improvable",
    "baseline_regression",
    "trained_unseen",
    "contract_deterministic",
    "contract_alone",
    "contract_columns",
    "contract_unseen",
    "contract_types",
    "contract_zeros",
    "contract_missing",
    "contract_process",
    "contract_trained",
    "contract_held_out",
    "contract_own_label",
    "contract_future",
    "contract_kept",
    "contract_mixed",
    "contract_requests",
    "contract_units",
    "check_learns_one_batch",
    "check_starts_at_chance",
    "check_every_variable_learns",
    "check_uses_every_input",
    "check_rows_are_independent",
    "check_ignores_padding",
    "check_causal",
    "check_same_seed_same_weights",
    "check_saves_and_loads",
    "check_exports",
    "check_resumes",
    "check_accumulates",
    "check_serves_as_trained",
    "check_mixed_precision_agrees",
)


def place_of(kind: str) -> int:
    """Return the position of a kind in `FINDING_KINDS`; kinds of custom checks come
    last.
    """
    try:
        return FINDING_KINDS.index(kind)
    except ValueError:
        return len(FINDING_KINDS)
