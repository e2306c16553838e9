"""``python docs/make_picture.py``: make the picture of an HTML report in the README.

Runs four tests of the examples, one of them broken, and takes a screenshot of their
report in the Chromium on the PATH, with the broken test open.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "_static" / "report.png"
TESTS = (
    "broken/test_scenarios.py::test_one_feature_in_another_unit",
    "test_project.py",
)
#: Size of the picture in the README, in pixels.
SIZE = {"width": 1100, "height": 860}


def make_report(folder: Path) -> Path:
    """Run the tests in a copy of the examples and return the path of the report.

    pytest must exit with 1, as one of the tests is broken.
    """
    copy = shutil.copytree(ROOT / "examples", folder / "examples")
    options = ("-q", "-p", "no:cacheprovider", "--lossguard-html=report.html")
    command = [sys.executable, "-m", "pytest", *options, *TESTS]
    done = subprocess.run(command, cwd=copy, check=False)
    if done.returncode != 1:
        sys.exit("the examples did not run as expected: no picture was made")
    return copy / "report.html"


def photograph(report: Path) -> None:
    """Open the first test, which failed, and take a screenshot of what is below the
    header.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    # Chromium's sandbox does not run as root.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=alone)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.as_uri())
        page.locator("details:not([open]) > summary:visible").first.click()
        page.wait_for_selector("canvas")
        page.evaluate("document.querySelector('input').scrollIntoView()")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        photograph(make_report(Path(folder)))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
