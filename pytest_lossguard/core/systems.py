"""What differs between Linux, macOS and Windows.

Functions take the system as an argument, so that each is tested on every one.
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

__all__ = [
    "IS_WINDOWS",
    "can_rewrite",
    "escape_unprintable",
    "processors",
    "put_in_place",
    "quoted",
    "reason_of",
    "relative",
    "with_slashes",
]

IS_WINDOWS = os.name == "nt"
#: Seconds before each new try to replace a file that somebody has open: a virus
#: scanner or an indexer lets go of it soon.
_PAUSES = (0.01, 0.05, 0.2, 0.5)
#: Characters of a path that Windows takes, unless long ones are allowed there.
_LONGEST_PATH = 259
#: What cmd and PowerShell both take as it is; a comma makes a list in PowerShell.
_PLAIN = re.compile(r"[\w.:/\\=+\[\]-]+")


def relative(
    path: str | os.PathLike[str],
    start: str | os.PathLike[str],
    paths: ModuleType = os.path,
) -> str:
    """A path as seen from a folder; whole where the two are on different drives.

    Args:
        path: Of a file.
        start: The folder.
        paths: `posixpath` or `ntpath`; default that of this system.
    """
    try:
        return str(paths.relpath(path, start))
    except ValueError:  # no way leads from one drive to another
        return str(paths.abspath(path))


def with_slashes(path: str, separator: str = os.sep) -> str:
    """A path that leaves this machine, in a report or from worker to controller."""
    return path.replace(separator, "/")


def quoted(argument: str, windows: bool = IS_WINDOWS) -> str:
    """An argument as it is typed in a shell: sh, or on Windows cmd and PowerShell."""
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
    """Put a whole file where one may be; on Windows it is tried a few times, as a file
    that somebody reads cannot be replaced there.

    Raises:
        OSError: It cannot be replaced.
    """
    for pause in _PAUSES if windows else ():
        try:
            os.replace(made, target)
            return
        except PermissionError:
            sleep(pause)
    os.replace(made, target)


def reason_of(error: OSError, path: Path, windows: bool = IS_WINDOWS) -> str:
    """Why a file cannot be written, and what to do."""
    kind, length = type(error).__name__, len(str(path.absolute()))
    if windows and length > _LONGEST_PATH:
        return (
            f"({kind}): its path has {length} characters, Windows takes"
            f" {_LONGEST_PATH};"
            " shorten the name of the test, or enable long paths"
        )
    return f"({kind}): make its folder writable"


def escape_unprintable(*streams: Any) -> None:
    """Have streams show as an escape what their encoding lacks, as that of a redirected
    console of Windows does, and not raise.
    """
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_rewrite(given: Mapping[str, str], windows: bool = IS_WINDOWS) -> bool:
    """Whether a terminal takes escape sequences that go back in a line.

    Args:
        given: The environment.
        windows: Whether it is a console of Windows, of which only new ones do.
    """
    if given.get("TERM") == "dumb" or given.get("CI"):
        return False
    return not windows or bool(given.get("WT_SESSION") or given.get("TERM"))
