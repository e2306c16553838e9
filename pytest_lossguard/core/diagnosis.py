"""Why a training does not converge: causes, and the experiments that prove them."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from .change import Change
from .findings import SEEN_CAUSES, number
from .trace import Floats, to_json_number

__all__ = ["CAUSES", "Cause", "Diagnosis", "Experiment"]

#: The closed list of the public contract.
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
    """One re-run of a training with something changed, and what came of it.

    Attributes:
        changes: What was done otherwise, one or two things.
        description: The same in the user's terms, as ``"learning rate 10 -> 0.01"``.
        loss: Final loss, scored as the verdict scores it, on the same targets and by
            the same loss; NaN where it was not run or cannot be scored so.
        before: Where the training as it is ends, measured likewise; None where that is
            not known.
        skill: Share of the best constant prediction's loss that is gone; 0 is no
            better than the constant, 1 is perfect. None where there is no constant.
        converged: Whether the judge passes it.
        holds: Share of the fresh seeds on which it converged too; None where it was
            not tried on any.
        only_level: It counts as converged only because it reached the level of the
            best constant, all that can be had where there is nothing to learn.
        by_heart: It is no better on rows that were kept back.
        failure: Why it could not be run, None where it could.
        applies: Whether the training has what was to be changed.
        curve: Loss of each step, float64 of shape ``(steps,)``; None where it was
            not run.
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
        """It converged, on this seed and on the fresh ones, and not by heart."""
        return self.converged and self.holds == 1.0 and not self.by_heart

    @property
    def came_of(self) -> str:
        """The result in a few words."""
        if self.failure is not None:
            return f"not tried, {self.failure}"
        if not self.converged:
            return "does not converge"
        if self.by_heart:
            return "converges, no better on rows that were kept back"
        if self.holds is None:
            return "converges"
        return f"converges, on fresh seeds {'too' if self.repairs else 'not always'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause of a failure.

    Attributes:
        cause: A name in `CAUSES`.
        verified: Whether undoing it, and nothing else of what is listed after it,
            made the training converge.
        where: The row, feature, layer or variable concerned.
        change: What was changed, as ``"learning rate 10 -> 0.01"``.
        loss_before: Final loss of the training as it is.
        loss_after: Final loss with the change, from the same start and batches; None
            where it is another loss and cannot be compared.
        remedy: What to do.
        with_next: It takes the next cause of the list as well.
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
        """Whether it was seen while the training ran, re-run or not."""
        return self.cause in SEEN_CAUSES and not self.verified

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
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
    """Why a training did not converge, the likeliest cause first.

    Attributes:
        causes: The only one is ``unknown`` where nothing was found; none where
            there was nothing to find, because the training converges.
        experiments: All re-runs, in the order in which they ran.
        left_out: Sentences on what might have helped and could not be tried.
    """

    causes: tuple[Cause, ...]
    experiments: tuple[Experiment, ...] = ()
    left_out: tuple[str, ...] = field(default=())

    @property
    def is_verified(self) -> bool:
        """Whether a re-run proved a cause."""
        return bool(self.causes) and self.causes[0].verified

    @property
    def tried(self) -> int:
        """How many changes were tried."""
        return sum(it.failure is None for it in self.experiments)

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
        return {"causes": [it.to_json() for it in self.causes], "tried": self.tried}

    def __bool__(self) -> bool:
        return bool(self.causes)

    def lines(self) -> list[str]:
        """The causes as sentences, one a line."""
        return [_sentence(it) for it in self.causes]

    def table(self) -> list[tuple[str, str, str]]:
        """One row per experiment: what was changed, the loss, what came of it."""
        return [
            (it.description, number(it.loss) if it.failure is None else "-", it.came_of)
            for it in self.experiments
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines()) or "the training converges"

    def __repr__(self) -> str:
        return f"<Diagnosis, {self.tried} changes tried\n{self}>"

    def _repr_html_(self) -> str:
        """For a notebook."""
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
