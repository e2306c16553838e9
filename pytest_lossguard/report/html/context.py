"""Build the data of the page from the results of the tests; both are builtins."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, cast

from ...core.numbers import format_names, format_seconds, number
from ...core.printable import printable
from ...core.states import ELSEWHERE, LEFT_OUT, NOT_RUN
from ...core.systems import quoted
from ...core.trace import constant_in_words
from .. import checked
from ..entry import Entry, seconds_of
from ..session_facts import SessionFacts
from ..sound import sound
from ..without_entry import OUTCOMES, reason_of, without_result
from .details import MOST_COLUMNS, MOST_VARIABLES
from .figures import Figure, experiments_figure, training_figure
from .heat_map import gradients_figure
from .search_figure import search_figure
from .svg import HEIGHT, WIDTH, small_curve
from .thinning import MOST_POINTS

#: States of a test in the order of the page, and the word for each.
_STATUSES = {
    "failed": "failed",
    "xfailed": "xfailed",
    NOT_RUN: "not run",
    LEFT_OUT: "left out",
    "warned": "warned",
    "passed": "passed",
    "skipped": "skipped",
    ELSEWHERE: "elsewhere",
}
_ORDER = {status: at for at, status in enumerate(_STATUSES)}
#: Most rows of the table of corruptions.
_MOST_CASES = 40
#: Most re-runs without effect that are named.
_NAMED = 4
#: Nearness of a failed test, larger than that of any passing one.
_FAILED = 1e13


def page_context(
    tests: list[Entry],
    session: SessionFacts,
    others: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the data that the template needs.

    Args:
        tests: One entry for each test: ``nodeid``, ``outcome``, ``details`` (a list of
            results of `details_of`), ``trainings`` (their number), ``search`` and
            ``cases`` (`Search.to_json`, `Search.details`), ``baseline``.
        session: Facts about the session.
        others: Outcomes of the marked tests without an entry; see `write_json`.

    Returns:
        ``tests``, failed ones first and then by name; ``index``, by which the page
        sorts and searches them, in the same order; ``counts`` by status, and ``words``
        for each; ``without_result``, the number of tests without a result by reason;
        ``session``, lines about it; ``size`` of the small curves.
    """
    others = others or {}
    seed = session.seed or 0
    entries = [_entry(it) for it in tests]
    shown = sorted(
        (
            *(_shown(it, seed) for it in entries),
            *(_without_entry(others[it], it, seed) for it in others),
        ),
        key=lambda it: (_ORDER[it["status"]], it["nodeid"]),
    )
    for index, test in enumerate(shown):
        test["id"] = f"t{index}"
    return {
        "tests": shown,
        "index": [test.pop("index") for test in shown],
        "counts": {
            status: sum(it["status"] == status for it in shown) for status in _ORDER
        },
        "trainings": sum(it["trainings"] for it in shown),
        "words": _STATUSES,
        "without_result": {
            why: len(nodeids) for why, nodeids in without_result(others).items()
        },
        "trained": sum(it["is_trained"] for it in shown),
        "checks": checked.counted(entries),
        "session": session_lines(session),
        "size": (WIDTH, HEIGHT),
    }


def session_lines(session: SessionFacts) -> dict[str, Any]:
    """Return the lines on a session for the head of a page.

    Returns:
        ``facts``: date, duration, commit and seed; ``command``, or None; ``versions``
        of this package, of other packages and of the machine.
    """
    facts = []
    if session.started is not None:
        moment = datetime.fromisoformat(session.started).astimezone(UTC)
        facts.append(f"{moment:%Y-%m-%d %H:%M} UTC")
    if session.duration is not None:
        facts.append(f"took {format_seconds(session.duration)}")
    if session.commit is not None:
        facts.append(f"commit {session.commit.id[:12]}")
    if session.seed is not None:
        facts.append(f"seed {session.seed}")
    known = {"pytest-lossguard": session.version, **session.environment}
    return {
        "facts": facts,
        "command": session.command,
        "versions": [f"{name} {it}" for name, it in known.items() if it],
    }


def _take_figures(test: dict[str, Any]) -> dict[str, Figure]:
    """Remove the figures from a test; return them by their names on the page."""
    figures: dict[str, Figure | None] = {}
    for index, run in enumerate(test["runs"]):
        for kind, figure in run.pop("figures").items():
            run[kind] = f"{index}-{kind}" if figure else None
            figures[f"{index}-{kind}"] = figure
    if test["search"] is not None:
        figure = test["search"]["figure"]
        test["search"]["figure"] = "search" if figure else None
        figures["search"] = figure
    return {key: it for key, it in figures.items() if it}


def as_script(value: Any) -> str:
    """Return JSON for a script element of a page: no text in it can end the script.

    Raises:
        TypeError, ValueError: A value is not of JSON, or a number is not finite.
    """
    text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


_OF_PAGE = ("details", "trainings", "cases")


def _entry(test: Any) -> dict[str, Any]:
    """Return the cleaned entry of a test, with the details for the page."""
    given = test if isinstance(test, dict) else {}
    recorded = {key: it for key, it in given.items() if key not in _OF_PAGE}
    entry: dict[str, Any] = {**sound(recorded)}
    count, details = given.get("trainings"), given.get("details")
    entry |= {
        "trainings": count if isinstance(count, int) else len(entry["runs"]),
        "details": details if isinstance(details, list) else [],
        "cases": given.get("cases") or {"axes": [], "cases": [], "left_out": 0},
    }
    return entry


def _shown(entry: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the data of a test for the page. If its trainings cannot be shown they are
    left out, so that no test affects the others.
    """
    try:
        shown = _test(entry, seed)
        figures = _take_figures(shown)
        json.dumps(shown, allow_nan=False)  # raises on values that are not of JSON
        return {**shown, "figures": as_script(figures) if figures else ""}
    except Exception as error:
        reason = printable(f"{type(error).__name__}: {error}")
        note = f"what was recorded cannot be shown on the page ({reason})"
        said = "\n".join(filter(None, (entry["error"], note)))
        bare: dict[str, Any] = {"details": [], "search": None, "baseline": None}
        shown = _test({**entry, **bare, "error": said}, seed)
        _take_figures(shown)
        return {**shown, "figures": ""}


def _without_entry(why: str, nodeid: str, seed: int) -> dict[str, Any]:
    """Return the data of a test without an entry: it is listed with the reason, so that
    a missing result never looks like a pass.
    """
    reason = reason_of(why)
    outcome = why if why in OUTCOMES else "skipped"
    shown = _shown(_entry({"nodeid": nodeid, "outcome": outcome}), seed)
    return {
        **shown,
        "index": [why, *shown["index"][1:3], f"{shown['index'][3]} {reason}"],
        "status": why,
        "text": reason,
        "note": f"{reason.capitalize()}.",
        "is_trained": False,
    }


def _test(test: dict[str, Any], seed: int) -> dict[str, Any]:
    details = test["details"]
    file, _, name = test["nodeid"].rpartition("::")
    first = details[0] if details else None
    near = _nearness(test)
    return {
        "index": [_status(test), near, _seconds(test), _searched(test)],
        "time": "" if test["duration"] is None else format_seconds(_seconds(test)),
        "limit": f"{near:.0%}" if 0 < near < _FAILED else "",
        "nodeid": test["nodeid"],
        "file": file,
        "name": name,
        "status": _status(test),
        "outcome": test["outcome"],
        "trainings": test["trainings"],
        "left_out": test["trainings"] - len(details),
        "row": None if first is None else _row(first),
        "text": _in_short(test),
        **_checked(test),
        "error": _own_error(test),
        "runs": [_run(it) for it in details],
        "search": None if test["search"] is None else _search(test),
        "baseline": _baseline(test.get("baseline")),
        "again": again(test["nodeid"], seed),
    }


def again(nodeid: str, seed: int) -> str:
    """Return the command that runs a test again."""
    return f"pytest {quoted(nodeid)} --lossguard-seed={seed}"


def _seconds(test: dict[str, Any]) -> float:
    """Duration of a test in seconds; 0 if unknown."""
    seconds = seconds_of(cast("Entry", test)) or 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _nearness(test: dict[str, Any]) -> float:
    """Largest share of a limit that a training of the test used."""
    if test["outcome"] == "failed" or any(
        not it["converged"] for it in test["details"]
    ):
        return _FAILED
    return float(max((run["nearness"] for run in test["runs"]), default=0.0))


def _searched(test: dict[str, Any]) -> str:
    """Return the words that the search box finds a test by: names, findings, causes and
    checks.
    """
    words = [test["nodeid"], _in_short(test)]
    for run in test["details"]:
        words += [run["model"], *(it["kind"] for it in run["findings"])]
        causes = [] if run["diagnosis"] is None else run["diagnosis"]["causes"]
        words += [it["cause"] for it in causes]
    words += [it["kind"] for it in test["findings"]]
    found = checked.checked_of(test)
    if found is not None:
        words += [found.noun, found.name]
    return " ".join(dict.fromkeys(str(it).lower() for it in words if it))


def _status(test: dict[str, Any]) -> str:
    if test["outcome"] == "failed":
        return "failed"
    if test["outcome"] == "skipped":  # pytest reports expected failures as skipped
        failed = any(not run["converged"] for run in test["details"])
        return "xfailed" if failed else "skipped"
    warned = any(run["findings"] for run in test["details"])
    warned = warned or checked.is_allowed(test)
    return "warned" if warned else "passed"


def _row(run: dict[str, Any]) -> dict[str, Any]:
    """Return the data of the overview line of a training."""
    return {
        "curve": small_curve(run["loss"]["y"], run["constant"]),
        **_losses(run),
        "constant": None if run["constant"] is None else number(run["constant"]),
        "steps": run["steps"],
    }


def _in_short(test: dict[str, Any]) -> str:
    """Return why a test failed, or its warnings."""
    for run in test["details"]:
        if not run["converged"]:
            return str(run["headline"])
    found = [it["kind"] for run in test["details"] for it in run["findings"]]
    own = checked.describe(test) or _own_error(test).partition("\n")[0]
    return own or ", ".join(dict.fromkeys(found))


def _checked(test: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the check of a test in words, or a note that nothing was
    trained; with the message of a bad check if no error contains it.
    """
    found = checked.checked_of(test)
    if found is None:
        note = "" if test["details"] else "No training was recorded."
        return {"note": note, "message": "", "is_trained": True}
    text = f"The {found.noun} is kept." if found.outcome == "kept" else ""
    if found.is_skipped:
        text = f"Not checked: {found.message}."
    elif found.is_bad:
        allowed = ", which the test allows" if checked.is_allowed(test) else ""
        verb = "is broken" if found.outcome == "broken" else "failed"
        text = f"The {found.noun} {verb}{allowed}."
    shown = found.is_bad and not test["error"]
    return {
        "note": text or f"The {found.noun} passed.",
        "message": found.message if shown else "",
        "is_trained": bool(test["details"]),
    }


def _own_error(test: dict[str, Any]) -> str:
    """Return the error of a test in which no training failed; empty otherwise."""
    if any(not run["converged"] for run in test["details"]):
        return ""
    return str(test.get("error") or "")


def _losses(run: dict[str, Any]) -> dict[str, Any]:
    """Return the losses before and after training on the probe, else of the first and
    last step.
    """
    pair, of = (run["before"], run["after"]), ("before training", "after")
    if None in pair:
        steps = run["loss"]["y"] or [None]
        pair, of = (steps[0], steps[-1]), ("of the first step", "of the last")
    start, end = map(number, pair)
    sentence = f"loss {of[0]} {start}, {of[1]} {end}"
    return {"start": start, "end": end, "on_probe": of[1] == "after", "text": sentence}


def run_context(run: dict[str, Any]) -> dict[str, Any]:
    """Return a training in words: its findings and causes, without its figures.

    Args:
        run: Details of the training; see `details_of`.
    """
    return {
        "model": run["model"],
        "source": run["source"],
        "steps": run["steps"],
        "seed": run["seed"],
        "converged": run["converged"],
        "headline": run["headline"],
        "findings": sorted(
            _findings(run["findings"]), key=lambda it: it["severity"] != "error"
        ),
        "notes": run["notes"],
        "text": _describe(run),
        "diagnosis": _diagnosis(run),
        "bounds": list(_bounds(run)),
    }


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {
        **run_context(run),
        "variables": list(_variables(run["variables"])),
        "figures": {
            "training": training_figure(run) if run["loss"]["y"] else None,
            "gradients": gradients_figure(run),
            "experiments": experiments_figure(run),
        },
    }


def _findings(findings: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the findings with their hints; a hint is given only once."""
    hints = set()
    for finding in findings:
        yield {**finding, "hint": "" if finding["hint"] in hints else finding["hint"]}
        hints.add(finding["hint"])


def _describe(run: dict[str, Any]) -> str:
    """Describe the curve in words, for readers who cannot see it."""
    sentence = f"{run['steps']} steps: {_losses(run)['text']}"
    if run["constant"] is not None:
        name = constant_in_words(run["constant_name"])
        sentence += f"; {name} costs {number(run['constant'])}"
    if run["decisive"] is not None:
        sentence += f"; decisive is step {run['decisive']}"
    return f"{sentence}."


def _bounds(run: dict[str, Any]) -> Iterator[str]:
    """Yield sentences on data that are not shown in full."""
    if run["steps"] > MOST_POINTS:
        yield (
            f"Curves show at most {MOST_POINTS} of their {run['steps']} steps: the"
            " lowest and highest of each stretch."
        )
    table = run["variables"]
    if table["of"] > len(table["names"]):
        yield (
            f"The map shows {len(table['names'])} of {table['of']} variables (at most"
            f" {MOST_VARIABLES}): those with findings, and others spread over the"
            " depth."
        )
    if run["steps"] > MOST_COLUMNS and table["names"]:
        each = math.ceil(run["steps"] / len(table["x"]))
        yield f"Each column of the map is the largest norm of {each} steps."


def _variables(table: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the heat map in numbers, one row for each variable."""
    for name, norms in zip(table["names"], table["norms"], strict=True):
        known = [it for it in norms if not it < 0]
        yield {
            "name": name,
            "first": number(known[0]) if known else "none",
            "largest": number(max(known)) if known else "none",
            "last": number(known[-1]) if known else "none",
        }


def _diagnosis(run: dict[str, Any]) -> dict[str, Any] | None:
    diagnosis = run["diagnosis"]
    if diagnosis is None:
        return None
    vain = [
        it["text"] for it in diagnosis["experiments"] if it["ran"] and not it["repairs"]
    ]
    return {
        "causes": [
            {**it, "before": number(it["before"]), "after": number(it["after"])}
            for it in diagnosis["causes"]
        ],
        "experiments": [
            {
                "text": it["text"],
                "loss": number(it["loss"]) if it["ran"] else "",
                "share": None if it["skill"] is None else _share(it["skill"]),
                "came_of": it["came_of"],
                "repairs": it["repairs"],
                "curve": small_curve(it["curve"]["y"], run["constant"]),
            }
            for it in diagnosis["experiments"]
        ],
        "in_vain": format_names(vain, _NAMED),
        "left_out": diagnosis["left_out"],
    }


def _share(skill: float) -> str:
    if not math.isfinite(skill) or skill <= 0:
        return "nothing"
    return f"{skill:.0%}"


def _search(test: dict[str, Any]) -> dict[str, Any]:
    search, details = test["search"], test["cases"]
    cases = details["cases"]
    ranked = sorted(cases, key=lambda it: (not it["failed"], -it["nearness"]))
    return {
        "examples": search["examples"],
        "unique": search["unique"],
        "exhausted": search["exhausted_budget"],
        "failing": search["failing"],
        "space": search["space"],
        "headroom": search["headroom"],
        "failed": sum(it["failed"] for it in cases),
        "passed": sum(not it["failed"] for it in cases),
        "cases": [{**it, "near": _near(it)} for it in ranked[:_MOST_CASES]],
        "more": len(ranked[_MOST_CASES:]) + details["left_out"],
        "figure": search_figure(details),
    }


def _near(case: dict[str, Any]) -> str:
    if case["failed"] and not case["nearness"]:
        return ""
    near = case["nearness"]
    return "far beyond" if near >= 1e6 else f"{near:.2g}"


def _baseline(baseline: dict[str, Any] | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    return {
        "text": baseline["told"],
        # The rest of the path depends on the machine that wrote the page.
        "file": "/".join(PurePath(baseline["file"]).parts[-2:]),
        "note": baseline.get("note"),
        "metrics": [_metric(it) for it in baseline["metrics"]],
    }


def _metric(metric: dict[str, Any]) -> dict[str, Any]:
    training = metric.get("training")
    label = metric["label"] or metric["name"]
    return {
        "label": label if training is None else f"training {training}: {label}",
        "regressed": metric["regressed"],
        **{key: _format_number(metric[key]) for key in ("before", "now", "limit")},
    }


def _format_number(value: Any) -> str:
    """Format a number, or the text that a baseline has instead."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    return number(float(value))
