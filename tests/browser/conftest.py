"""A headless Chromium, from the PATH or the environment variable ``CHROMIUM``."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

PHONE, DESKTOP = (390, 844), (1280, 900)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, _NAMES)), None
    )
    if path is None:
        sentence = (
            "no Chromium on the PATH to open the HTML report in: apt-get install"
            " chromium, or set CHROMIUM to its path"
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    # Chromium's sandbox refuses to run as root.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=alone)
        yield launched
        launched.close()
