"""What lossguard says of the scenarios and of examples/broken, as values."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMITTED = HERE / "report.json"
#: Trainings of pixels that are not scaled, which turn on their last digits: on three
#: kinds of processor their losses end at 0.68, 0.95 and 1.05, with the same errors; one
#: of the curves is noisy enough for a warning.
UNSTABLE = (
    "test_scenarios.py::test_pixels_not_scaled",
    "scenarios_project.py::test_fit[S7]",
    "scenarios_project.py::test_watch[S7]",
)
PROGRAMS = ("examples/broken", "tests/golden/scenarios_project.py")
#: Numbers of two machines agree so far where a training neither blows up nor turns on
#: its last digits; of larger ones only that they are large is compared.
TOLERANCE, LARGE = 0.05, 1e4


def report(folder: Path) -> list[dict[str, Any]]:
    """The tests of the JSON report, one session a program."""
    tests: list[dict[str, Any]] = []
    for index, program in enumerate(PROGRAMS):
        path = folder / f"{index}.json"
        options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
        command = [sys.executable, "-m", "pytest", *options]
        subprocess.run(
            [*command, f"--lossguard-json={path}", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            check=False,
        )
        tests += json.loads(path.read_text())["tests"]
    return tests


def facts(tests: list[dict[str, Any]]) -> dict[str, Any]:
    """What is the same on every machine: verdicts, findings, causes, coarse numbers."""
    return {
        f"{Path(it['file']).name}::{it['nodeid'].partition('::')[2]}": {
            "outcome": it["outcome"],
            "runs": [_run(run) for run in it["runs"]],
        }
        for it in tests
    }


def _run(run: dict[str, Any]) -> dict[str, Any]:
    found = run["diagnosis"] or {"causes": []}
    return {
        "source": run["source"],
        "steps": run["steps"],
        "verdict": run["verdict"],
        "constant_loss": run["constant_loss"],
        "probe": run["probe"],
        "notes": run["notes"],
        "findings": [
            {key: it[key] for key in ("kind", "severity", "where", "value")}
            for it in run["findings"]
        ],
        "causes": [
            {key: it[key] for key in ("cause", "verified", "where", "change")}
            for it in found["causes"]
        ],
    }


def stable(tests: dict[str, Any]) -> dict[str, Any]:
    """Facts of all tests, without floats and warnings of those that are `UNSTABLE`."""
    return {
        name: _lasting(it) if name in UNSTABLE else it for name, it in tests.items()
    }


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_lasting(it) for it in value if not _is_warning(it)]
    return "a float" if isinstance(value, float) else value


def _is_warning(value: Any) -> bool:
    return isinstance(value, dict) and value.get("severity") == "warning"


def rounded(value: Any) -> Any:
    """Floats to four digits."""
    if isinstance(value, dict):
        return {key: rounded(it) for key, it in value.items()}
    if isinstance(value, list):
        return [rounded(it) for it in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def differences(before: Any, after: Any, close: float = 0.0, at: str = "") -> list[str]:
    """Where two values differ, a line each."""
    return list(_differences(before, after, close, at))


def _differences(before: Any, after: Any, close: float, at: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            missing = "(missing)"
            yield from _differences(
                before.get(key, missing), after.get(key, missing), close, f"{at}/{key}"
            )
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{at}: {len(before)} items, then {len(after)}"
            yield from (f"{at}: {it!r} is new" for it in after if it not in before)
        for index, pair in enumerate(zip(before, after, strict=False)):
            yield from _differences(*pair, close, f"{at}/{index}")
    elif before != after and not _agree(before, after, close):
        yield f"{at}: {before!r}, then {after!r}"


def _agree(before: Any, after: Any, close: float) -> bool:
    numbers = (int, float)
    if not close or not isinstance(before, numbers) or not isinstance(after, numbers):
        return False
    if min(abs(before), abs(after)) > LARGE:
        return True
    return math.isclose(before, after, rel_tol=close, abs_tol=close)
