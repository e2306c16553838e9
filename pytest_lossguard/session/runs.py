"""A judged training, as a test receives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.change import MakeRerun
from ..core.custom_checks import Check
from ..core.errors import NotConverged, UsageError
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Floats, Trace
from ..core.verdict import Verdict
from ..judge import judge
from ..report.message import failure_message


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """A judged training.

    Attributes:
        verdict: The trace with its findings.
        checks: Custom checks that the run was judged by.
        make_rerun: Makes the `Rerun` of the training while its test runs; None if the
            training cannot be run again.
    """

    verdict: Verdict
    checks: tuple[Check, ...] = ()
    make_rerun: MakeRerun | None = None

    @property
    def converged(self) -> bool:
        """Whether the training passed its policy."""
        return self.verdict.converged

    @property
    def loss(self) -> Floats:
        """Loss of each step, float64 of shape ``(steps,)``."""
        return self.verdict.trace.steps.loss

    @property
    def grad_norm(self) -> Floats:
        """Global L2 gradient norm of each step, float64 of shape ``(steps,)``."""
        return self.verdict.trace.steps.global_grad_norm

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the judge, errors first."""
        return self.verdict.findings

    @property
    def trace(self) -> Trace:
        """The trace of the training: everything that was recorded."""
        return self.verdict.trace

    def assert_converged(self, **policy: Any) -> TrainingRun:
        """Judge the training by another policy, and return the newly judged run.

        Args:
            policy: The keys of ``@pytest.mark.converges``.

        Raises:
            NotConverged: The training does not converge by this policy.
            PolicyError: A key is unknown or its value is out of range.
        """
        __tracebackhide__ = True
        held_to = Policy.from_keywords(policy, "assert_converged")
        run = judged(self.trace, held_to, self.checks)
        if not run.converged:
            raise NotConverged(failure_message(run.verdict))
        return run

    def plot(self) -> Any:
        """Plot the loss with its reference losses, and the gradient norm.

        Returns:
            A `plotly.graph_objects.Figure`, which a notebook shows.

        Raises:
            UsageError: plotly is not installed.
        """
        from ..report.figure import training_as_figure

        return training_as_figure(self.verdict)

    def __repr__(self) -> str:
        trace = self.trace
        verdict = "converged" if self.converged else "not converged"
        kinds = ", ".join(it.kind for it in self.findings)
        return (
            f"<TrainingRun {trace.model!r}: {verdict} in {len(trace.steps)} steps"
            f"{': ' + kinds if kinds else ''}>"
        )


@dataclass(slots=True)
class WatchedRuns:
    """The trainings inside a ``with lossguard.watch()`` block, once the block has
    ended.

    Attributes:
        runs: The trainings that were recorded.
        unseen: Sentences on trainings that could not be recorded.
    """

    runs: list[TrainingRun] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def run(self) -> TrainingRun:
        """The only training of the block.

        Raises:
            UsageError: The block had no training, or more than one.
        """
        if len(self.runs) != 1:
            raise UsageError(
                f"{len(self.runs)} trainings are known, not one: read .run after the"
                " with block, or .runs if there are"
                f" several{''.join(f'; {it}' for it in self.unseen)}"
            )
        return self.runs[0]


@dataclass(slots=True, kw_only=True)
class Prepared:
    """The trainings in the set-up of a fixture.

    Attributes:
        by: Description of the fixture, as ``"fixture 'model' (module scope)"``.
        test: Node id of the first test that used the fixture.
        traces: Traces of the trainings that were recorded.
        missed: Findings on trainings that were not recorded.
        unseen: Sentences on trainings that could not be recorded.
        watch: The watch, which can run the trainings again and knows the user's lines;
            None once the first test has ended.
    """

    by: str
    test: str
    traces: list[Trace] = field(default_factory=list)
    missed: list[Finding] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    watch: Any = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing trained in the set-up."""
        return not (self.traces or self.missed or self.unseen)

    def release(self) -> None:
        """Release the models and data of the trainings."""
        self.watch = None

    def described_for(self, test: str) -> str:
        """Return a sentence on the fixture, for a test that uses it."""
        first = "" if test == self.test else f" for {self.test}, which used it first"
        return f"trained in the set-up of {self.by}{first}"


def judged(
    trace: Trace,
    policy: Policy,
    checks: tuple[Check, ...] = (),
    make_rerun: MakeRerun | None = None,
) -> TrainingRun:
    """Judge a training with the built-in rules and the custom checks."""
    verdict = Verdict(trace=trace, findings=judge(trace, policy, checks))
    return TrainingRun(verdict, checks, make_rerun)
