"""One judged training, as a test gets it."""

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

__all__ = ["Prepared", "TrainingRun", "WatchedRuns", "judged"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """One judged training.

    Attributes:
        verdict: The trace and what was found in it.
        checks: Custom checks that took part.
        make_rerun: Gives what runs it again, while its test lasts; None where nothing
            does.
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
        """Each step's own loss, float64 of shape ``(steps,)``."""
        return self.verdict.trace.steps.loss

    @property
    def grad_norm(self) -> Floats:
        """Global L2 norm of each step's gradient, float64, ``(steps,)``."""
        return self.verdict.trace.steps.global_grad_norm

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, errors first."""
        return self.verdict.findings

    @property
    def trace(self) -> Trace:
        """Everything recorded."""
        return self.verdict.trace

    def assert_converged(self, **policy: Any) -> TrainingRun:
        """Judge again, by another policy, and return the run judged so.

        Args:
            policy: The keys of ``@pytest.mark.converges``.

        Raises:
            NotConverged: It did not.
            PolicyError: A key is unknown or its value is out of range.
        """
        __tracebackhide__ = True
        held_to = Policy.from_keywords(policy, "assert_converged")
        run = judged(self.trace, held_to, self.checks)
        if not run.converged:
            raise NotConverged(failure_message(run.verdict))
        return run

    def plot(self) -> Any:
        """The loss between its reference losses, and the gradient norm.

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
    """The trainings inside a ``with lossguard.watch()`` block, once it ended.

    Attributes:
        runs: Those that were seen.
        unseen: Sentences on what else trained.
    """

    runs: list[TrainingRun] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def run(self) -> TrainingRun:
        """The only training of the block.

        Raises:
            UsageError: There was none, or more than one.
        """
        if len(self.runs) != 1:
            raise UsageError(
                f"{len(self.runs)} trainings are known, not one: read .run after the"
                " with block, and .runs where there are several"
                f"{''.join(f'; {it}' for it in self.unseen)}"
            )
        return self.runs[0]


@dataclass(slots=True, kw_only=True)
class Prepared:
    """What a fixture trained in its set-up.

    Attributes:
        by: The fixture, as ``"fixture 'model' (module scope)"``.
        test: The first test that used it.
        traces: What was seen.
        missed: What was not.
        unseen: Sentences on that.
        watch: Runs it again, and knows the user's lines; None after that test.
    """

    by: str
    test: str
    traces: list[Trace] = field(default_factory=list)
    missed: list[Finding] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    watch: Any = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing trained in it."""
        return not (self.traces or self.missed or self.unseen)

    def release(self) -> None:
        """Let go of its models and data."""
        self.watch = None

    def described_for(self, test: str) -> str:
        """A sentence for a test that uses it."""
        first = "" if test == self.test else f" for {self.test}, which used it first"
        return f"trained in the set-up of {self.by}{first}"


def judged(
    trace: Trace,
    policy: Policy,
    checks: tuple[Check, ...] = (),
    make_rerun: MakeRerun | None = None,
) -> TrainingRun:
    """A training with what the judge and custom checks find in it."""
    verdict = Verdict(trace=trace, findings=judge(trace, policy, checks))
    return TrainingRun(verdict, checks, make_rerun)
