"""The JSON report, schema 1."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


def write_json(path: Path, tests: list[dict[str, Any]]) -> None:
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
        "tests": sorted(tests, key=lambda test: test["nodeid"]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(report, file, allow_nan=False)
            file.write("\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
