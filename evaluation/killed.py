"""``python -m evaluation.killed``: kill test sessions at random and check their files.

Each session runs thirty tests that report a fake training, write a baseline and a
replay file, and then writes JSON, HTML and TensorBoard reports over those of the
session before; every other session uses two workers. At a random moment the whole
session, its controller alone, or one worker is killed, or the session is interrupted as
by Ctrl-C. After each session every file must be complete, either the old or the new
version. A last, undisturbed session must leave no temporary files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pytest_lossguard.baselines import read_baseline
from pytest_lossguard.report.replay import read_replay

TESTS = 30
CONFTEST = """
import math

import pytest

STEPS = 2000
RUN = {
    "source": "fit", "model": "net", "steps": STEPS, "seed": 0, "verdict": "converged",
    "loss": [math.exp(-it / 500) for it in range(STEPS)], "data_loss": None,
    "grad_norm": [1.0] * STEPS, "constant_loss": 1.0, "nearness": 0.5,
    "probe": {"before": 1.0, "after": 0.02}, "findings": [], "diagnosis": None,
}
DETAILS = {
    "trainings": 1, "cases": None,
    "details": [{
        "model": "net", "source": "fit", "steps": STEPS, "seed": 0, "converged": True,
        "headline": "", "before": 1.0, "after": 0.02, "constant": 1.0,
        "constant_name": "the mean", "held_out": None, "decisive": None,
        "loss": {"x": list(range(400)), "y": RUN["loss"][:400]},
        "grad_norm": {"x": list(range(400)), "y": [1.0] * 400},
        "variables": {"names": [], "of": 0, "x": [], "norms": []},
        "findings": [], "notes": [], "diagnosis": None,
    }],
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "teardown":
        handed_on = {"runs": [RUN], "search": None, "baseline": None, "seconds": 0.1}
        report.lossguard, report.lossguard_html = handed_on, DETAILS
    return report
"""
BODY = f"""
import time
from pathlib import Path

import pytest

from pytest_lossguard.baselines import Baseline, Measured, write_baseline
from pytest_lossguard.corruptions import Corruption, Scale
from pytest_lossguard.report.replay import Replay, write_replay

HERE = Path(__file__).parent
TRAINING = Measured(
    model="net", steps=9, seeds=(0, 1), data="abc", half=0.5,
    metrics={{"final_loss": (0.5, 0.25)}},
)


@pytest.mark.parametrize("index", range({TESTS}))
def test_it(index, request):
    name = request.node.nodeid
    known = Baseline(test=name, trainings=(TRAINING,))
    write_baseline(HERE / "__lossguard__" / f"{{index}}.json", known)
    write_replay(HERE, Replay(nodeid=name, corruption=Corruption(Scale(9.0)), seed=0))
    time.sleep(0.02)
"""
REPORTS = (
    *("--lossguard-json=r.json", "--lossguard-html=r.html"),
    "--lossguard-tensorboard=events",
)
WAYS = ("all", "all", "controller", "worker", "interrupt")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        (folder / "test_it.py").write_text(BODY, encoding="utf-8")
        faults, ended, swept = _killed(folder, asked.sessions, chance)
    text = ", ".join(f"{count} {how}" for how, count in sorted(ended.items()))
    print(f"{asked.sessions} sessions: {text}")
    print(f"half-written files that the next session swept: {swept}")
    print("\n".join(faults) or "nothing lost, nothing half, no INTERNALERROR")
    sys.exit(bool(faults))


def _killed(
    folder: Path, sessions: int, chance: random.Random
) -> tuple[list[str], Counter[str], int]:
    """Return the faults found, counts of how sessions ended, and the temporary files
    swept.
    """
    lasts = {}
    for workers in (0, 2):  # they also write the first reports
        began = time.monotonic()
        _output(_started(folder, workers))
        lasts[workers] = time.monotonic() - began
    faults = list(_wrong(folder, "before any was killed"))
    ended: Counter[str] = Counter()
    swept = 0
    for index in range(sessions):
        workers, way = 2 * (index % 2), chance.choice(WAYS)
        way = "all" if way == "worker" and not workers else way
        process = _started(folder, workers)
        time.sleep(chance.uniform(0.2, 1.05) * lasts[workers])
        ended[f"{_kill(process, way)}{f' -n {workers}' if workers else ''}"] += 1
        output = _output(process)
        case = f"session {index} ({way}, {workers} workers)"
        if "INTERNALERROR" in output:
            faults.append(f"{case}: INTERNALERROR\n{output}")
        faults += _wrong(folder, case)
        faults += _lost(folder, case, output, way)
        swept += len(_left(folder))
    _output(_started(folder, 0))
    swept -= len(_left(folder))
    faults += _wrong(folder, "the last session")
    faults += [f"left behind: {it}" for it in _left(folder)]
    return faults, ended, swept


def _started(folder: Path, workers: int) -> subprocess.Popen[str]:
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", *REPORTS]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            *([f"-n{workers}"] if workers else []),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _output(process: subprocess.Popen[str]) -> str:
    """Return the output of a process after it and its workers have ended."""
    output, _ = process.communicate(timeout=120)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return output


def _kill(process: subprocess.Popen[str], way: str) -> str:
    """Kill the process in this way; return how, or that it had ended before."""
    if process.poll() is not None:
        return "ended before"
    workers = _children(process.pid)
    with suppress(ProcessLookupError):
        if way == "all":
            os.killpg(process.pid, signal.SIGKILL)
        elif way == "interrupt":
            os.kill(process.pid, signal.SIGINT)
        elif way == "worker" and workers:
            os.kill(workers[0], signal.SIGKILL)
        else:
            os.kill(process.pid, signal.SIGKILL)
    return f"{way} killed" if way != "interrupt" else "interrupted"


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(it) for it in text.split()]
    return []


def _lost(folder: Path, case: str, output: str, way: str) -> Iterator[str]:
    """Yield a fault if a finished session reports fewer tests than passed.

    The test in which the session was interrupted may have passed without being
    reported.
    """
    passed = re.search(r"(\d+) passed", output)
    if passed is None:
        return
    tests = json.loads((folder / "r.json").read_text(encoding="utf-8"))["tests"]
    least = int(passed.group(1)) - (way == "interrupt")
    if len(tests) < least:
        yield f"{case}: {len(tests)} tests reported, {least} passed"


def _wrong(folder: Path, case: str) -> Iterator[str]:
    """Yield faults in the files that a session has left."""
    try:
        tests = json.loads((folder / "r.json").read_text(encoding="utf-8"))["tests"]
        if any(len(it["runs"][0]["loss"]) != 2000 for it in tests if it["runs"]):
            yield f"{case}: half a training in the JSON report"
        page = (folder / "r.html").read_text(encoding="utf-8")
        if not page.rstrip().endswith("</html>"):
            yield f"{case}: half a page"
        for path in (folder / "__lossguard__").glob("*.json"):
            if read_baseline(path) is None:
                yield f"{case}: {path.name} is gone"
        cases = list((folder / ".lossguard").glob("*.json"))
        for path in cases:
            read_replay(path)
        if len(cases) != TESTS:
            yield f"{case}: {len(cases)} replay files of {TESTS}"
        for path in (folder / "events").rglob("events.out.*"):
            if path.stat().st_size < 100_000:
                yield f"{case}: half an event file"
    except Exception as error:
        yield f"{case}: {type(error).__name__}: {error}"


def _left(folder: Path) -> list[Path]:
    return list(folder.rglob(".lossguard-*.tmp"))


if __name__ == "__main__":
    main()
