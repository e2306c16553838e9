"""Reading, writing and recognizing the committed file of a baseline."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..core.errors import UsageError, first_line
from ..core.files import parsed, read_text, sweep, write_whole
from ..core.printable import printable, printables
from ..core.systems import reason_of
from .values import Baseline

#: The key that marks a file as a baseline, and its value, the version of the format.
_KEY, _VERSION = "lossguard_baseline", 1
#: The most characters that are shown of the reason why a file is damaged.
_LONGEST = 300
_NUMBERS = re.compile(r"\[\s+([^\[\]{}\"]*?)\s+\]")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline atomically, with one line for each metric.

    Raises:
        UsageError: The file belongs to another tool or another test, and is not
            overwritten, or it cannot be written.
    """
    refuse_foreign(path)
    _refuse_other_case(path, baseline.test)
    text = json.dumps({_KEY: _VERSION, **baseline.to_json()}, indent=2)
    lines = _NUMBERS.sub(lambda it: f"[{' '.join(it.group(1).split())}]", text)
    try:
        write_whole(path, lines + "\n")
    except OSError as error:
        raise UsageError(
            f"the baseline {path} cannot be written {reason_of(error, path)}"
        ) from error


def _refuse_other_case(path: Path, test: str) -> None:
    """Refuse to overwrite the baseline of another test, on a file system that does not
    distinguish `A` and `a`.
    """
    try:
        other = str(parsed(read_text(path))["test"])
    except (OSError, ValueError, LookupError, TypeError):
        return
    demand_same_test(path, other, test)


def demand_same_test(path: Path, there: str, test: str) -> None:
    """Refuse a baseline of another test that has the same file on Windows and macOS.

    Args:
        path: The file of the baseline.
        there: The name of the test in the file.
        test: The name of the current test.

    Raises:
        UsageError: The names differ in case only.
    """
    if there != test and there.casefold() == test.casefold():
        raise UsageError(
            f"the baseline {path} belongs to {there}, not to {test}: names that differ"
            " only in upper and lower case are one file on Windows and macOS; rename"
            " one of the tests and delete the file"
        )


def refuse_foreign(path: Path) -> None:
    """Refuse to overwrite a file of another tool.

    Raises:
        UsageError: The file holds JSON that is no baseline.
    """
    if _is_foreign(path):
        raise UsageError(
            f"{path} is JSON, but not a baseline of pytest-lossguard: move it away, or"
            " rename the test"
        )


def read_baseline(path: Path) -> Baseline | None:
    """Read the baseline in a file; None where there is no file.

    Raises:
        UsageError: The file cannot be read, or is no baseline of this version.
    """
    sweep(path.parent)
    try:
        text = read_text(path)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the baseline {path} cannot be read ({type(error).__name__}): restore it,"
            " or write it again with --lossguard-update"
        ) from error
    try:
        given = printables(parsed(text))
    except ValueError as error:
        conflict = " (it contains merge conflict markers)" * ("<<<<<<<" in text)
        raise UsageError(
            f"the baseline {path} is not JSON{conflict}: restore it, or write it again"
            " with --lossguard-update"
        ) from error
    version = given.get(_KEY) if isinstance(given, dict) else None
    if version is None:
        raise UsageError(
            f"{path} is not a baseline of pytest-lossguard: it has no key {_KEY!r};"
            " move it away, or rename the test"
        )
    if version != _VERSION:
        raise UsageError(
            f"the baseline {path} has version {repr(version)[:20]}, this"
            f" pytest-lossguard reads {_VERSION}: write it again with"
            " --lossguard-update"
        )
    try:
        return Baseline.from_json(given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = printable(f"{type(error).__name__}: {first_line(error)}")[:_LONGEST]
        raise UsageError(
            f"the baseline {path} is damaged ({reason}): restore"
            " it, or write it again with --lossguard-update"
        ) from error


def _is_foreign(path: Path) -> bool:
    """Whether a file is valid JSON that another tool wrote.

    A file that is no valid JSON counts as a baseline that was damaged, for example by
    a merge.
    """
    try:
        given = parsed(read_text(path))
    except (OSError, ValueError):
        return False
    return not isinstance(given, dict) or _KEY not in given
