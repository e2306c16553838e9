"""The HTML report in a browser: 300 tests of 200 steps, and a merge of 10,000 tests."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_lossguard.command_line import main as command
from pytest_lossguard.report.html import write_html
from pytest_lossguard.report.json_report import write_json
from tests.support.entries import PROBE, found, run
from tests.support.entries import entry as tested
from tests.support.pages import SESSION, search, verdict_of
from tests.support.pages import diagnosis as diagnosed
from tests.support.pages import entry as shown
from tests.support.traces import make_trace

TESTS, STEPS, VARIABLES, REPEATS = 300, 200, 12, 7
MERGED, MERGED_STEPS, PARTS = 10_000, 100, 4
BAR_S, MERGED_BAR_S, MERGE_BAR_S = 2.0, 3.0, 10.0
#: The first frame after loading shows the overview.
PAINTED = """addEventListener("load", () => requestAnimationFrame(
  () => { window.painted = performance.now(); }))"""


def tests() -> list[Any]:
    """Return entries of tests: one in five failed with a diagnosis, one in ten is a
    search.
    """
    generator = np.random.default_rng(0)
    names = tuple(f"net/dense_{it // 2}/kernel_{it}" for it in range(VARIABLES))
    made = []
    for index in range(TESTS):
        fails = index % 5 == 0
        curve = np.geomspace(1, 3 if fails else 0.1, STEPS)
        trace = make_trace(
            curve * generator.lognormal(0, 0.3, STEPS),
            start=1.0,
            end=float(curve[-1]),
            constant=0.9,
            variables=names,
            grad_norm=generator.lognormal(0, 2, (STEPS, VARIABLES)),
        )
        verdict = verdict_of(trace)
        if fails:
            verdict = replace(verdict, diagnosis=diagnosed())
        searched = search(many=80) if index % 10 == 1 else None
        nodeid = f"tests/models/test_model_{index // 10}.py::test_trains[{index}]"
        made.append(shown(nodeid, verdict, searched=searched))
    return made


def merged_tests() -> list[Any]:
    """Return entries of JSON reports: one in ten failed, with a cause."""
    generator = np.random.default_rng(0)
    cause = {
        "cause": "unscaled_inputs",
        "verified": True,
        "where": "feature 0",
        "change": "inputs standardized",
        "loss_before": 3.0,
        "loss_after": 0.1,
        "remedy": "scale the inputs: StandardScaler in the preprocessing",
    }
    made = []
    for index in range(MERGED):
        fails = index % 10 == 0
        curve = np.geomspace(1, 3 if fails else 0.1, MERGED_STEPS)
        training = run(
            tuple((curve * generator.lognormal(0, 0.3, MERGED_STEPS)).tolist()),
            grad_norm=generator.lognormal(0, 1, MERGED_STEPS).tolist(),
            findings=[found()] if fails else [],
            diagnosis={"causes": [cause], "tried": 8} if fails else None,
            nearness=float(generator.random()),
            probe=PROBE,
        )
        nodeid = f"tests/models/test_model_{index // 10}.py::test_trains[{index}]"
        duration = float(generator.gamma(2))
        made.append(tested("", training, duration=duration) | {"nodeid": nodeid})
    return made


def seconds_to_open(browser: Browser, address: str) -> float:
    page = browser.new_context().new_page()
    page.add_init_script(PAINTED)
    page.goto(address)
    page.wait_for_function("() => window.painted")
    seconds = page.evaluate("window.painted") / 1e3
    page.context.close()
    return float(seconds)


def seconds_to_use(browser: Browser, address: str) -> list[float]:
    """Return seconds from a click to the first figure, of a search, and of sorting."""
    page = browser.new_context().new_page()
    page.goto(address)
    times = [time.perf_counter()]
    page.locator(".test > summary").first.click()
    page.wait_for_selector(".test[open] canvas")
    times.append(time.perf_counter())
    page.get_by_role("searchbox").fill("learning_rate")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    times.append(time.perf_counter())
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox").select_option("nearness")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    times.append(time.perf_counter())
    page.context.close()
    return [float(it) for it in np.diff(times)]


def timed(what: str, bar: float, act: Any) -> None:
    began, worked = time.perf_counter(), time.process_time()
    act()
    print(
        f"  {what}: {time.perf_counter() - began:.2f} s,"
        f" {time.process_time() - worked:.2f} of the processor"
        + (f" (bar {bar:g})" * bool(bar))
    )


def measure(browser: Browser, path: Path, bar: float) -> None:
    print(f"  size: {path.stat().st_size / 1e6:.1f} MB")
    address = path.as_uri()
    opened = [seconds_to_open(browser, address) for _ in range(REPEATS)]
    print(f"  opening: {median(opened):.2f} s, worst {max(opened):.2f} (bar {bar:g})")
    used = np.median([seconds_to_use(browser, address) for _ in range(REPEATS)], axis=0)
    print(f"  first figure {used[0]:.2f} s, search {used[1]:.2f}, order {used[2]:.2f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        print(f"{TESTS} tests of {STEPS} steps, {VARIABLES} variables")
        path, made = folder / "report.html", tests()
        timed("writing", 0, lambda: write_html(path, made, SESSION))
        measure(browser, path, BAR_S)

        print(f"{MERGED} tests of {MERGED_STEPS} steps in {PARTS} JSON reports")
        whole, parts = (
            folder / "all.json",
            [folder / f"{it}.json" for it in range(PARTS)],
        )
        several = merged_tests()
        for index, part in enumerate(parts):
            write_json(part, several[index::PARTS], session=SESSION)
        arguments = ["merge", *map(str, parts), "-o", str(whole)]
        timed("merging", MERGE_BAR_S, lambda: command(arguments))
        timed("writing the page", 0, lambda: command(["html", str(whole)]))
        measure(browser, folder / "all.html", MERGED_BAR_S)
        both = folder / "both.html"
        arguments = ["compare", str(whole), str(whole), "--html", str(both)]
        timed("comparing, with a page", 0, lambda: command(arguments))
        measure(browser, both, MERGED_BAR_S)
        browser.close()


if __name__ == "__main__":
    main()
