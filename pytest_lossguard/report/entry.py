"""The entry of a test in the JSON report, and the values that reports read from it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ..core.numbers import number

#: A number; if it is not finite, the text ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.
Number = float | str


class FindingEntry(TypedDict):
    """A finding of a training."""

    kind: str
    severity: Literal["error", "warning"]
    step: int | None
    value: Number | None
    limit: Number | None
    where: str | None
    message: str


class CauseEntry(TypedDict):
    """A cause why a training did not converge."""

    cause: str
    verified: bool
    where: str | None
    change: str | None
    loss_before: Number | None
    loss_after: Number | None
    remedy: str | None


class DiagnosisEntry(TypedDict):
    """The causes found by re-runs after a failure, and the number of changes tried."""

    causes: list[CauseEntry]
    tried: int


class ProbeEntry(TypedDict):
    """The loss on the probe, a fixed sample of the data, before and after training."""

    before: Number | None
    after: Number | None


class RunEntry(TypedDict):
    """A training and its verdict."""

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
    """The part of a search that a test ran: its number, from 1, and the number of
    parts.
    """

    index: int
    of: int


class SearchEntry(TypedDict):
    """A search over corruptions. ``shard`` is present if the search was divided. If the
    test has known cases, ``known_cases`` is the number that ran, ``failed_case`` the
    file of the one that failed, and ``stale_cases`` says, by file, why others could not
    run.
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
    """A metric compared with its baseline."""

    name: str
    label: str | None
    regressed: bool
    before: Any
    now: Any
    limit: Any


class BaselineEntry(TypedDict):
    """The comparison of a test with its baseline."""

    state: str
    file: str
    told: str
    note: str | None
    metrics: list[MetricEntry]


class ContractEntry(TypedDict):
    """The result of one relation of a preparation."""

    relation: str
    outcome: Literal["kept", "broken", "skipped"]
    column: str | None
    rows: Any
    message: str


class ModelCheckEntry(TypedDict):
    """The result of one check of a model."""

    check: str
    outcome: Literal["passed", "failed", "skipped"]
    where: str | None
    message: str


class Entry(TypedDict):
    """A test.

    ``duration`` is in seconds, including set-up and teardown; None in older reports.
    ``findings`` failed the test but belong to none of its ``runs``.
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
    """Facts about the session: its seed, start (ISO 8601, UTC), duration in seconds,
    commit, the date of that commit, and the command as typed.
    """

    seed: NotRequired[int]
    started: NotRequired[str]
    duration: NotRequired[float]
    commit: NotRequired[str]
    commit_date: NotRequired[str]
    command: NotRequired[str]


class ReportEntry(TypedDict):
    """The whole report: its schema number, the version that wrote it, the versions and
    the machine of the session, the session, its tests, and why marked tests that were
    collected have no entry.
    """

    schema: Literal[1]
    version: str | None
    environment: dict[str, Any]
    session: NotRequired[SessionEntry]
    tests: list[Entry]
    without_entry: NotRequired[dict[str, str]]


def worst_run(test: Entry) -> RunEntry | None:
    """Return the training that represents a test: the first that did not converge, else
    the one nearest to failing; None if nothing was judged.
    """
    runs = test["runs"]
    failed = (run for run in runs if run["verdict"] != "converged")
    nearest = max(runs, key=lambda run: run["nearness"], default=None)
    return next(failed, nearest)


def loss_after(run: RunEntry) -> float | None:
    """Return the loss after training on the probe, else the loss of the last step; None
    if no step was recorded.
    """
    probe = run["probe"]
    if probe is not None and probe["after"] is not None:
        return float(probe["after"])
    return float(run["loss"][-1]) if run["loss"] else None


def seconds_of(test: Entry) -> float | None:
    """Return the duration of a test in seconds; None if its report has none."""
    return None if test["duration"] is None else float(test["duration"])


def causes_of(run: RunEntry) -> list[CauseEntry]:
    """Return the causes from the diagnosis of a training; empty without a diagnosis."""
    return [] if run["diagnosis"] is None else run["diagnosis"]["causes"]


def verdict_of(test: Entry) -> str:
    """Return ``"converged"``, ``"not converged"`` or ``"2 of 3 converged"``. If nothing
    was trained, return the outcome of the contract or model check, or ``"none"``.
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
    """Return the loss before and after training on the probe, a fixed sample of the
    data, without penalties; None if the probe was not scored.
    """
    probe = run.get("probe")
    if probe is None or probe["before"] is None or probe["after"] is None:
        return None
    return _format(probe["before"]), _format(probe["after"])


def format_loss(run: RunEntry) -> str:
    """Return two losses as ``"2.31 -> 0.042"``: before and after training, on the
    probe. Without a probe they are those of the first and last step, marked by ``"*"``.
    ``"-"`` if no step was recorded.
    """
    known = measured(run)
    if known is not None:
        return " -> ".join(known)
    if not run["loss"]:
        return "-"
    return f"{_format(run['loss'][0])} -> {_format(run['loss'][-1])}*"


#: Explanation of the mark ``*``.
STEPS_ONLY = (
    "* loss of the first step -> the last: it was not scored before and after training"
)
#: Heading of the two losses.
LOSS = "loss before -> after"


def labeled_loss(run: RunEntry) -> str:
    """Return the losses of a run with a label."""
    text = format_loss(run)
    if text == "-":
        return "no loss recorded"
    if measured(run) is not None:
        return f"loss before training -> after: {text}"
    return f"loss of the first step -> the last: {text.removesuffix('*')}"


def _format(value: Any) -> str:
    return number(float(value))


def format_limit_used(run: RunEntry) -> str:
    """Return the used share of a limit, as ``"0.31"``; ``"-"`` for a failed run."""
    return f"{run['nearness']:.2g}" if run["verdict"] == "converged" else "-"
