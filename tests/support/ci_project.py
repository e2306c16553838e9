"""A project in a separate folder, whose CI steps a test runs as a shell would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SERVICES = Path(__file__).with_name("ci_services.py")
#: A fast test that needs no TensorFlow; it is broken by a mean over rows.
TESTS = """
import numpy as np
import pytest

def prepare(x):
    return x / x.mean()

@pytest.mark.contracts(process=False)
def test_prepared(contract):
    contract(prepare, np.linspace(1, 9, 24).reshape(12, 2), serve=prepare)

def test_unmarked():
    assert False
"""


class Project:
    """A project folder, the state of a simulated server, and the job variables."""

    def __init__(self, folder):
        self.folder = folder / "project"
        self.temp = folder / "temp"
        bin_ = folder / "bin"
        for it in (self.folder, self.temp, bin_):
            it.mkdir()
        self.state = folder / "state.json"
        self.serve(calls=[], comments=[], runs={}, artifacts={}, refuses={}, pip=0)
        (self.folder / "test_prepare.py").write_text(TESTS)
        call = f'exec "{sys.executable}" "{SERVICES}"'
        scripts = {
            "gh": f'{call} gh "$@"',
            "curl": f'{call} curl "$@"',
            "python": f'if [ "$1 $2" = "-m pip" ]; then {call} python "$@"; fi\n'
            f'exec "{sys.executable}" "$@"',
        }
        for name, text in scripts.items():
            (bin_ / name).write_text(f"#!/bin/bash\n{text}\n")
            (bin_ / name).chmod(0o755)
        ours = ("GITHUB_", "CI_", "LOSSGUARD_", "PYTEST_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.variables = kept | {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "SERVICE": str(self.state),
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        }

    def serve(self, **changed):
        """Change the state of the simulated server."""
        state = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps(state | changed))

    def served(self, name):
        return json.loads(self.state.read_text())[name]

    def shell(self, script, variables):
        """Run a script as GitHub and GitLab do."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
        )


def report(path, *, broken=False):
    """Write a report of one test to ``path``, and return the path."""
    entry = {
        "nodeid": "test_prepare.py::test_prepared[alone]",
        "outcome": "failed" if broken else "passed",
        "runs": [],
        "contract": {
            "relation": "alone",
            "outcome": "broken" if broken else "kept",
            "message": "m",
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": 1, "tests": [entry]}))
    return str(path)
