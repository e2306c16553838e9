"""Differences between Linux, macOS and Windows.

Functions take the system as an argument, so that each can be tested on every system.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

IS_WINDOWS = os.name == "nt"
#: Seconds to wait before each retry to replace a file that another process has open: a
#: virus scanner or an indexer releases it soon.
_PAUSES = (0.01, 0.05, 0.2, 0.5)
#: Maximum length of a path on Windows, unless long paths are enabled.
_LONGEST_PATH = 259
#: Text that needs no quotes in cmd or PowerShell; a comma makes a list in PowerShell.
_PLAIN = re.compile(r"[\w.:/\\=+\[\]-]+")


def relative(
    path: str | os.PathLike[str],
    start: str | os.PathLike[str],
    paths: ModuleType = os.path,
) -> str:
    """Return a path relative to a folder; absolute if the two are on different drives.

    Args:
        path: Path of a file.
        start: Path of the folder.
        paths: `posixpath` or `ntpath`; default the one of this system.
    """
    try:
        return str(paths.relpath(path, start))
    except ValueError:  # the paths are on different drives
        return str(paths.abspath(path))


def with_slashes(path: str, separator: str = os.sep) -> str:
    """Return a path with slashes, for a report or another process."""
    return path.replace(separator, "/")


def quoted(argument: str, windows: bool = IS_WINDOWS) -> str:
    """Quote an argument for a shell: sh, or on Windows cmd and PowerShell."""
    if not windows:
        return shlex.quote(argument)
    if _PLAIN.fullmatch(argument):
        return argument
    return '"' + argument.replace('"', r"\"") + '"'


def put_in_place(
    made: Path,
    target: Path,
    sleep: Callable[[float], None] = time.sleep,
    windows: bool = IS_WINDOWS,
) -> None:
    """Move a file to its target, which may exist.

    On Windows this is retried a few times, because a file that another process reads
    cannot be replaced there.

    Raises:
        OSError: The file cannot be replaced.
    """
    for pause in _PAUSES if windows else ():
        try:
            os.replace(made, target)
            return
        except PermissionError:
            sleep(pause)
    os.replace(made, target)


def reason_of(error: OSError, path: Path, windows: bool = IS_WINDOWS) -> str:
    """Return why a file cannot be written, and what to do."""
    kind, length = type(error).__name__, len(str(path.absolute()))
    if windows and length > _LONGEST_PATH:
        return (
            f"({kind}): its path has {length} characters, Windows takes"
            f" {_LONGEST_PATH};"
            " shorten the name of the test, or enable long paths"
        )
    return f"({kind}): make its folder writable"


def escape_unprintable(*streams: Any) -> None:
    """Make streams escape characters that their encoding lacks instead of raising, as
    for redirected output on a Windows console.
    """
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_rewrite(given: Mapping[str, str], windows: bool = IS_WINDOWS) -> bool:
    """Whether a terminal supports escape sequences that move back in a line.

    Args:
        given: The environment variables.
        windows: Whether it is a Windows console; only recent ones support the
            sequences.
    """
    if given.get("TERM") == "dumb" or given.get("CI"):
        return False
    return not windows or bool(given.get("WT_SESSION") or given.get("TERM"))
