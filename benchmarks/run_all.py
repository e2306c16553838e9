"""Runs all benchmarks, one after the other, each in a separate process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    "startup.py",
    "judging.py",
    "fit_against_bare_loop.py",
    "fit_against_keras.py",
    "several_seeds.py",
    "watch_against_unwatched.py",
    "step_relations.py",
    "search_against_by_hand.py",
    "sharded_search.py",
    "model_checks.py",
    "memory.py",
    "suite_of_300.py",
    "xla.py",
    "growth.py",
    "html_report.py",
)


def main() -> int:
    folder = Path(__file__).parent
    failed = 0
    for script in SCRIPTS:
        command = [sys.executable, str(folder / script)]
        failed += subprocess.run(command, check=False).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
