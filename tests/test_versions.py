"""The oldest versions are the same wherever they are told."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OLDEST = dict(
    re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "tests/oldest.txt").read_text(), re.M)
)


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("name", OLDEST)
def test_the_oldest_that_is_tested_is_the_oldest_that_installs(project, name):
    asked = [
        *project["dependencies"],
        *project["optional-dependencies"]["tensorflow"],
        *project["optional-dependencies"]["tensorflow-cpu"],
    ]
    (bound,) = {it.partition(">=")[2] for it in asked if it.startswith(f"{name}>=")}

    assert OLDEST[name].startswith(f"{bound}.")
