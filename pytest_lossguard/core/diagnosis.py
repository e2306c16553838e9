"""Why a training does not converge: causes, and the experiments that verify them."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from .change import Change
from .findings import SEEN_CAUSES
from .numbers import number
from .trace import Floats, to_json_number

#: All causes, part of the public API.
CAUSES = (
    "learning_rate_too_high",
    "learning_rate_too_low",
    "momentum_too_high",
    "unscaled_inputs",
    "unscaled_targets",
    "input_outliers",
    "target_outliers",
    "missing_values",
    "constant_inputs",
    "bad_initialization",
    "activation_choice",
    "dead_units",
    "vanishing_gradients",
    "loss_output_mismatch",
    "labels_carry_no_signal",
    "class_imbalance",
    "rows_in_class_order",
    "over_regularization",
    "too_few_steps",
    "batch_size_too_small",
    "insufficient_capacity",
    "overfitting",
    "disconnected_variables",
    "optimizer_choice",
    "gradient_clipping_needed",
    *SEEN_CAUSES,
    "unknown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One re-run of a training with changes, and its result.

    Attributes:
        changes: The one or two changes.
        description: The changes in words for the user, such as ``"learning rate 10 ->
            0.01"``.
        loss: Final loss, scored as for the verdict, on the same targets and with the
            same loss; NaN if the re-run failed or cannot be scored that way.
        before: Final loss of the unchanged training, measured in the same way; None if
            unknown.
        skill: Share of the best constant prediction's loss that was removed; 0 is no
            better than the constant, 1 is perfect. None if there is no constant.
        converged: Whether the re-run passes the judge.
        holds: Share of the fresh seeds on which the re-run also converged; None if no
            fresh seed was tried.
        only_level: Whether the re-run counts as converged only because it reached the
            level of the best constant, the best result if there is nothing to learn.
        by_heart: Whether the re-run is no better on rows that were held out.
        failure: Why the re-run could not be made; None if it was.
        applies: Whether the training has the property that was to be changed.
        curve: Loss of each step, float64 of shape ``(steps,)``; None if the re-run was
            not made.
    """

    changes: tuple[Change, ...]
    description: str
    loss: float = float("nan")
    before: float | None = None
    skill: float | None = None
    converged: bool = False
    holds: float | None = None
    only_level: bool = False
    by_heart: bool = False
    failure: str | None = None
    applies: bool = True
    curve: Floats | None = field(default=None, compare=False, repr=False)

    @property
    def repairs(self) -> bool:
        """Whether the re-run converged, on this seed and all fresh ones, without
        overfitting.
        """
        return self.converged and self.holds == 1.0 and not self.by_heart

    @property
    def came_of(self) -> str:
        """The result in a few words."""
        if self.failure is not None:
            return f"not tried, {self.failure}"
        if not self.converged:
            return "does not converge"
        if self.by_heart:
            return "converges, but no better on held-back rows"
        if self.holds is None:
            return "converges"
        return f"converges, on fresh seeds {'too' if self.repairs else 'not always'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause of a failure.

    Attributes:
        cause: Name of the cause, one of `CAUSES`.
        verified: Whether undoing this cause, without undoing those listed after it,
            made the training converge.
        where: The affected row, feature, layer or variable; None if there is none.
        change: The change that was made, such as ``"learning rate 10 -> 0.01"``.
        loss_before: Final loss of the unchanged training.
        loss_after: Final loss with the change, from the same start and batches; None if
            it uses another loss and cannot be compared.
        remedy: What to do.
        with_next: Whether the next cause of the list must be undone as well.
    """

    cause: str
    verified: bool
    where: str | None = None
    change: str = ""
    loss_before: float | None = None
    loss_after: float | None = None
    remedy: str = ""
    with_next: bool = False

    @property
    def is_seen(self) -> bool:
        """Whether the cause was observed during the training, and not verified by a
        re-run.
        """
        return self.cause in SEEN_CAUSES and not self.verified

    def to_json(self) -> dict[str, Any]:
        """Return the cause as builtins, in the shape of the JSON report."""
        return {
            "cause": self.cause,
            "verified": self.verified,
            "where": self.where,
            "change": self.change,
            "loss_before": to_json_number(self.loss_before),
            "loss_after": to_json_number(self.loss_after),
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a training did not converge, the most likely cause first.

    Attributes:
        causes: The causes; a single ``unknown`` if none was found, empty if the
            training converges.
        experiments: All re-runs, in the order in which they were made.
        left_out: Sentences on changes that might have helped but could not be tried.
    """

    causes: tuple[Cause, ...]
    experiments: tuple[Experiment, ...] = ()
    left_out: tuple[str, ...] = field(default=())

    @property
    def is_verified(self) -> bool:
        """Whether a re-run verified a cause."""
        return bool(self.causes) and self.causes[0].verified

    @property
    def tried(self) -> int:
        """Number of changes that were tried."""
        return sum(it.failure is None for it in self.experiments)

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as builtins, in the shape of the JSON report."""
        return {"causes": [it.to_json() for it in self.causes], "tried": self.tried}

    def __bool__(self) -> bool:
        return bool(self.causes)

    def lines(self) -> list[str]:
        """Return the causes as sentences, one per line."""
        return [_sentence(it) for it in self.causes]

    def table(self) -> list[tuple[str, str, str]]:
        """Return one row per experiment: the change, the loss, the result."""
        return [
            (it.description, number(it.loss) if it.failure is None else "-", it.came_of)
            for it in self.experiments
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines()) or "the training converges"

    def __repr__(self) -> str:
        return f"<Diagnosis, {self.tried} changes tried\n{self}>"

    def _repr_html_(self) -> str:
        """Return HTML for a notebook."""
        causes = "".join(f"<li>{html.escape(it)}</li>" for it in self.lines())
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.table()
        )
        return (
            f"<ol>{causes}</ol><table><thead><tr><th>change</th><th>final loss</th>"
            f"<th>result</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _sentence(cause: Cause) -> str:
    where = f" ({cause.where})" if cause.where else ""
    if cause.is_seen:
        return f"{cause.cause}{where}, seen in the training itself: {cause.remedy}"
    if not cause.verified:
        helps = f", {cause.change} helps on some seeds" if cause.change else ""
        remedy = f": {cause.remedy}" if cause.remedy else ""
        return f"{cause.cause}{where}, not verified{helps}{remedy}"
    losses = (
        f"loss {number(cause.loss_before)} -> {number(cause.loss_after)}"
        if cause.loss_before is not None and cause.loss_after is not None
        else "it converges"
    )
    also = ", together with the next" if cause.with_next else ""
    return f"{cause.cause}{where}: with {cause.change}{also} {losses}; {cause.remedy}"
