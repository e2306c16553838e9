"""Known hard cases: a committed folder with one small file per failing case.

The cases come from earlier searches; all later searches of their tests run them first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.errors import UsageError, first_line
from ..core.files import parsed, read_text, write_whole
from ..core.folders import REGRESSION_FOLDER
from ..core.printable import printable, printables
from .replay import Replay, content_of, file_name, is_of_this_version
from .shards import without_shard

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCase:
    """A known case.

    Attributes:
        file: Path of its file relative to the root folder, with slashes.
        case: The test, the corruption, and the seed that it failed with.
    """

    file: str
    case: Replay

    def to_json(self) -> dict[str, Any]:
        """Return the case as builtins."""
        return {"file": self.file, "case": self.case.to_json()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> KnownCase:
        """Make a case from the result of `to_json`."""
        return cls(file=given["file"], case=Replay.from_json(given["case"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A file whose case can no longer be run, and the reason, as ``"its test is
    gone"``.
    """

    file: str
    reason: str


def read_folder(root: Path) -> tuple[list[KnownCase], list[Stale]]:
    """Read all known cases, sorted by file name; empty without the folder.

    Raises:
        UsageError: A file was not written by this package, or is damaged.
    """
    known: list[KnownCase] = []
    stale: list[Stale] = []
    for path in sorted((root / REGRESSION_FOLDER).glob("*.json")):
        file = path.relative_to(root).as_posix()
        try:
            known.append(KnownCase(file=file, case=_read(path)))
        except UsageError as error:  # it has corruptions of another version
            reason = printable(first_line(error))[:_LONGEST_REASON]
            stale.append(Stale(file=file, reason=reason))
        except Exception as error:  # the content can be anything
            said = printable(first_line(error))[:_LONGEST_REASON]
            raise UsageError(
                f"{file} is not a case of pytest-lossguard"
                f" ({said or type(error).__name__}): write it again with python -m"
                " pytest_lossguard keep, or delete it"
            ) from None
    return known, stale


def _read(path: Path) -> Replay:
    found = printables(parsed(read_text(path)))
    is_of_this_version(found)
    if not isinstance(found.get("corruption"), list):
        raise ValueError("it has no corruption")
    return Replay.from_json(found)


def keep(folder: Path, case: Replay) -> tuple[Path, bool]:
    """Write a case into a folder.

    Returns:
        The path, and whether the file is new.

    Raises:
        UsageError: The case belongs to a contract, which draws the same values each
            time.
        OSError: The file cannot be written.
    """
    if case.corruption is None:
        raise UsageError(
            f"the case of {case.nodeid} is one of a contract, which draws the same"
            " values each time: only cases of a search are kept"
        )
    case = replace(case, nodeid=without_shard(case.nodeid))
    checksum = hashlib.sha256(repr(case.corruption).encode()).hexdigest()
    path = folder / f"{file_name(case.nodeid)}-{checksum[:8]}.json"
    if path.exists():
        return path, False
    write_whole(path, json.dumps(content_of(case), indent=2) + "\n")
    return path, True
