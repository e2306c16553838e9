"""The oldest versions are the same wherever they are named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
    known = map(Requirement, asked)
    (bound,) = {str(it.specifier).removeprefix(">=") for it in known if it.name == name}

    assert OLDEST[name].startswith(f"{bound}.")
