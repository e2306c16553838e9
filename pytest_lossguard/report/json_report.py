"""The JSON report, schema 1."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..files import write_whole
from .entries import Entry
from .sound import sound

__all__ = ["environment", "write_json"]

_PACKAGES = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly"),
    "keras": ("keras",),
    "numpy": ("numpy",),
    "pytest": ("pytest",),
}


def environment() -> dict[str, Any]:
    """Versions and machine, without importing any of the packages."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "machine": platform.machine(),
        **{name: _version(names) for name, names in _PACKAGES.items()},
    }


def _version(distributions: Iterable[str]) -> str | None:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def write_json(path: Path, tests: Iterable[Entry]) -> None:
    """Write the report whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: One entry per test, sorted here by node id, so that the order in
            which workers reported them does not show.
    """
    report = {
        "schema": 1,
        "version": _version(["pytest-lossguard"]),
        "environment": environment(),
        "tests": sorted(map(sound, tests), key=lambda test: test["nodeid"]),
    }
    write_whole(path, json.dumps(report, allow_nan=False) + "\n")
