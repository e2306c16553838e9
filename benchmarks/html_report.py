"""The HTML report of 300 tests of 200 steps: its size, how long it takes to open."""

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

from pytest_lossguard.report.html import write_html
from pytest_lossguard.report.session_facts import SessionFacts
from tests.support.pages import diagnosis as diagnosed
from tests.support.pages import entry, search, verdict_of
from tests.support.traces import make_trace

TESTS, STEPS, VARIABLES, REPEATS = 300, 200, 12, 7
BAR_S = 2.0
#: The first frame after the load has the overview on the screen.
PAINTED = """addEventListener("load", () => requestAnimationFrame(
  () => { window.painted = performance.now(); }))"""


def tests() -> list[Any]:
    """One in five failed and was diagnosed, one in ten is a search."""
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
        made.append(entry(nodeid, verdict, searched=searched))
    return made


def seconds_to_open(browser: Browser, address: str) -> float:
    page = browser.new_context().new_page()
    page.add_init_script(PAINTED)
    page.goto(address)
    page.wait_for_function("() => window.painted")
    seconds = page.evaluate("window.painted") / 1e3
    page.context.close()
    return float(seconds)


def seconds_to_draw(browser: Browser, address: str) -> float:
    page = browser.new_context().new_page()
    page.goto(address)
    began = time.perf_counter()
    page.locator(".test > summary").first.click()
    page.wait_for_function(
        "() => document.querySelectorAll('.test[open] .main-svg').length > 0"
    )
    seconds = time.perf_counter() - began
    page.context.close()
    return seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        made = tests()
        began = time.perf_counter()
        write_html(path, made, SessionFacts(seed=0))
        print(f"writing: {time.perf_counter() - began:.2f} s")
        print(f"size: {path.stat().st_size / 1e6:.1f} MB")
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        address = path.as_uri()
        opened = [seconds_to_open(browser, address) for _ in range(REPEATS)]
        print(f"opening: {median(opened):.2f} s, worst {max(opened):.2f} (bar {BAR_S})")
        drawn = [seconds_to_draw(browser, address) for _ in range(REPEATS)]
        print(f"first figure after a click: {median(drawn):.2f} s")
        browser.close()


if __name__ == "__main__":
    main()
