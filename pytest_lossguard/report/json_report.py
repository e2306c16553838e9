"""The JSON report, schema 1."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ..core.environment import environment, version_of
from ..core.files import write_whole
from .entry import Entry
from .sound import sound

__all__ = ["environment", "write_json"]


def write_json(path: Path, tests: Iterable[Entry]) -> None:
    """Write the report whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: One entry per test, sorted here by node id, so that the order in
            which workers reported them does not show.
    """
    report = {
        "schema": 1,
        "version": version_of(["pytest-lossguard"]),
        "environment": environment(),
        "tests": sorted(map(sound, tests), key=lambda test: test["nodeid"]),
    }
    write_whole(path, json.dumps(report, allow_nan=False) + "\n")
