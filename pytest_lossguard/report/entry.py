"""What every report reads of a test's entry in the JSON report."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ..core.findings import number

__all__ = [
    "LOSS",
    "STEPS_ONLY",
    "CauseEntry",
    "ClosestEntry",
    "Entry",
    "FindingEntry",
    "Number",
    "ReportEntry",
    "RunEntry",
    "SearchEntry",
    "SessionEntry",
    "causes_of",
    "format_limit_used",
    "format_loss",
    "labeled_loss",
    "loss_after",
    "measured",
    "seconds_of",
    "verdict_of",
    "worst_run",
]

#: A number, or how JSON writes one that is not finite: ``"NaN"``, ``"Infinity"``.
Number = float | str


class FindingEntry(TypedDict):
    """What was found in a training."""

    kind: str
    severity: Literal["error", "warning"]
    step: int | None
    value: Number | None
    limit: Number | None
    where: str | None
    message: str


class CauseEntry(TypedDict):
    """Why a training did not converge."""

    cause: str
    verified: bool
    where: str | None
    change: str | None
    loss_before: Number | None
    loss_after: Number | None
    remedy: str | None


class DiagnosisEntry(TypedDict):
    """What the re-runs after a failure showed."""

    causes: list[CauseEntry]
    tried: int


class ProbeEntry(TypedDict):
    """The loss on the probe."""

    before: Number | None
    after: Number | None


class RunEntry(TypedDict):
    """A training."""

    source: str
    model: str
    steps: int
    seed: int | None
    verdict: Literal["converged", "not_converged"]
    loss: list[Number]
    data_loss: list[Number] | None
    grad_norm: list[Number]
    constant_loss: Number | None
    probe: ProbeEntry | None
    findings: list[FindingEntry]
    notes: list[str]
    diagnosis: DiagnosisEntry | None
    nearness: float
    nearest: str | None


class ClosestEntry(TypedDict):
    """The case of a search that came nearest to failing."""

    nearness: float
    corruption: str


class ShardEntry(TypedDict):
    """Which part of a search a test ran, counted from 1."""

    index: int
    of: int


class SearchEntry(TypedDict):
    """A search over corruptions; ``shard`` is there where it was divided, and where its
    test has known cases how many were run, the file of the one that failed, and why
    others could not be run, by their files.
    """

    examples: int
    unique: int
    exhausted_budget: bool
    failing: str | None
    space: str | None
    closest: ClosestEntry | None
    headroom: list[str]
    shard: NotRequired[ShardEntry | None]
    known_cases: NotRequired[int]
    failed_case: NotRequired[str | None]
    stale_cases: NotRequired[dict[str, str]]


class MetricEntry(TypedDict):
    """A metric against its baseline."""

    name: str
    label: str | None
    regressed: bool
    before: Any
    now: Any
    limit: Any


class BaselineEntry(TypedDict):
    """What came of a test's baseline."""

    state: str
    file: str
    told: str
    note: str | None
    metrics: list[MetricEntry]


class ContractEntry(TypedDict):
    """What came of one relation of a preparation."""

    relation: str
    outcome: Literal["kept", "broken", "skipped"]
    column: str | None
    rows: Any
    message: str


class ModelCheckEntry(TypedDict):
    """What came of one check of a model."""

    check: str
    outcome: Literal["passed", "failed", "skipped"]
    where: str | None
    message: str


class Entry(TypedDict):
    """A test.

    ``duration`` is in seconds, set-up and teardown with it; None in older reports.
    ``findings`` failed the test and are of none of its ``runs``.
    """

    nodeid: str
    file: str
    line: int | None
    outcome: Literal["passed", "skipped", "failed"]
    error: str | None
    duration: Number | None
    runs: list[RunEntry]
    findings: list[FindingEntry]
    search: SearchEntry | None
    baseline: BaselineEntry | None
    contract: ContractEntry | None
    model_check: ModelCheckEntry | None


class SessionEntry(TypedDict):
    """What is known of the session: its seed, when it began (ISO 8601, UTC), how many
    seconds it took, the commit and when that was made, and the command as typed.
    """

    seed: NotRequired[int]
    started: NotRequired[str]
    duration: NotRequired[float]
    commit: NotRequired[str]
    commit_date: NotRequired[str]
    command: NotRequired[str]


class ReportEntry(TypedDict):
    """The whole report: the number of its schema, the version that wrote it, versions
    and machine that it was made on, its session, its tests, and why marked tests that
    were collected have no entry.
    """

    schema: Literal[1]
    version: str | None
    environment: dict[str, Any]
    session: NotRequired[SessionEntry]
    tests: list[Entry]
    without_entry: NotRequired[dict[str, str]]


def worst_run(test: Entry) -> RunEntry | None:
    """The training that stands for a test: the first that did not converge, else the
    one that came nearest to failing; None where nothing was judged.
    """
    runs = test["runs"]
    failed = (run for run in runs if run["verdict"] != "converged")
    nearest = max(runs, key=lambda run: run["nearness"], default=None)
    return next(failed, nearest)


def loss_after(run: RunEntry) -> float | None:
    """After training, on the probe; of the last step where it was not scored; None
    where no step was recorded.
    """
    probe = run["probe"]
    if probe is not None and probe["after"] is not None:
        return float(probe["after"])
    return float(run["loss"][-1]) if run["loss"] else None


def seconds_of(test: Entry) -> float | None:
    """How long it took; None where its report does not say so."""
    return None if test["duration"] is None else float(test["duration"])


def causes_of(run: RunEntry) -> list[CauseEntry]:
    """What the diagnosis of a training names; nothing where there was none."""
    return [] if run["diagnosis"] is None else run["diagnosis"]["causes"]


def verdict_of(test: Entry) -> str:
    """``"converged"``, ``"not converged"``, ``"2 of 3 converged"``; what came of its
    contract or model check where nothing was trained, ``"none"`` without one.
    """
    runs = test["runs"]
    good = sum(run["verdict"] == "converged" for run in runs)
    if not runs:
        known = test.get("contract") or test.get("model_check")
        return str((known or {"outcome": "none"})["outcome"])
    if good in (0, len(runs)):
        return "converged" if good else "not converged"
    return f"{good} of {len(runs)} converged"


def measured(run: RunEntry) -> tuple[str, str] | None:
    """The loss before a training and after it, on the probe: a fixed sample of its
    data, penalties left out; None where it was not scored so.
    """
    probe = run.get("probe")
    if probe is None or probe["before"] is None or probe["after"] is None:
        return None
    return _format(probe["before"]), _format(probe["after"])


def format_loss(run: RunEntry) -> str:
    """Two losses as ``"2.31 -> 0.042"``: before training and after, on the probe; where
    there is none those of the first and the last step, and ``"*"`` says so. ``"-"``
    where no step was recorded.
    """
    known = measured(run)
    if known is not None:
        return " -> ".join(known)
    if not run["loss"]:
        return "-"
    return f"{_format(run['loss'][0])} -> {_format(run['loss'][-1])}*"


#: What the mark means.
STEPS_ONLY = (
    "* loss of the first step -> the last: it was not scored before training and after"
)
#: What the pair is.
LOSS = "loss before -> after"


def labeled_loss(run: RunEntry) -> str:
    """The losses of a run in words."""
    text = format_loss(run)
    if text == "-":
        return "no loss recorded"
    if measured(run) is not None:
        return f"loss before training -> after: {text}"
    return f"loss of the first step -> the last: {text.removesuffix('*')}"


def _format(value: Any) -> str:
    return number(float(value))


def format_limit_used(run: RunEntry) -> str:
    """How much of a limit was used up, as ``"0.31"``; ``"-"`` of what failed."""
    return f"{run['nearness']:.2g}" if run["verdict"] == "converged" else "-"
