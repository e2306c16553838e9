"""The JSON report, schema 1."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core.environment import environment, version_of
from ..core.files import write_whole
from .entry import Entry
from .sound import sound

__all__ = ["SCHEMA", "report_text", "write_json"]

SCHEMA = 1


def write_json(path: Path, tests: Iterable[Entry]) -> None:
    """Write the report whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: One entry per test, sorted here by node id, so that the order in
            which workers reported them does not show.
    """
    write_whole(path, report_text(tests, environment()))


def report_text(tests: Iterable[Entry], made_on: dict[str, Any]) -> str:
    """The report of these tests.

    Args:
        tests: As for `write_json`.
        made_on: See `environment`.
    """
    report = {
        "schema": SCHEMA,
        "version": version_of(["pytest-lossguard"]),
        "environment": made_on,
        "tests": sorted(map(sound, tests), key=lambda test: test["nodeid"]),
    }
    return json.dumps(report, allow_nan=False) + "\n"
