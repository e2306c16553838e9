"""The file that holds one failing case of a search, to run exactly it again."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import UsageError, first_line
from ..core.files import parsed, read_text, write_whole
from ..core.folders import REPLAY_FOLDER
from ..core.printable import printable, printables
from ..corruptions import Corruption

__all__ = [
    "Replay",
    "content_of",
    "file_name",
    "is_of_this_version",
    "read_replay",
    "replay_path",
    "write_replay",
]

_LONGEST_NAME = 100
#: Ids that stay apart when what no file can be called becomes a hyphen: a function and
#: a class of a module cannot have the same name. Where files cannot differ in case
#: only, parameters such as ``[Adam]`` and ``[adam]`` would meet; names hardly do.
_STAYS_APART = re.compile(r"([\w.]+/)*[\w.]+\.py(::\w+)+(\[[a-z\d_.]+\])?", re.ASCII)
_LONGEST_NODEID = 4096
#: The version of the file, and characters of why it is none.
_SCHEMA, _LONGEST_REASON = 1, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One case.

    Attributes:
        nodeid: Of the test.
        corruption: What it is to be run on, None for a case of a contract.
        seed: The base seed of its trainings.
        draw: The integers of a case of a contract.
    """

    nodeid: str
    corruption: Corruption | None
    seed: int
    draw: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """As builtins."""
        drawn: dict[str, Any] = {"draw": list(self.draw or ())}
        if self.corruption is not None:
            drawn = {"corruption": self.corruption.to_json()}
        return {"nodeid": self.nodeid, "seed": self.seed, **drawn}

    @classmethod
    def from_json(cls, given: Any) -> Replay:
        """From builtins.

        Raises:
            KeyError, TypeError, ValueError, UsageError: They are none of ours.
        """
        nodeid, seed = _nodeid(given["nodeid"]), _seed(given["seed"])
        if "draw" in given:
            draw = tuple(_drawn(it) for it in given["draw"])
            return cls(nodeid=nodeid, corruption=None, seed=seed, draw=draw)
        corruption = Corruption.from_json(given["corruption"])
        return cls(nodeid=nodeid, corruption=corruption, seed=seed)


def replay_path(root: Path, nodeid: str) -> Path:
    """Where the failing case of a test is kept: a name of its own for each test."""
    return root / REPLAY_FOLDER / f"{file_name(nodeid)}.json"


def file_name(nodeid: str) -> str:
    """The same name without folder and suffix."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-")
    if not _STAYS_APART.fullmatch(nodeid) or len(name) > _LONGEST_NAME:
        checksum = hashlib.sha256(nodeid.encode(errors="surrogatepass")).hexdigest()
        name = f"{name[-_LONGEST_NAME:]}-{checksum[:8]}"
    return name


def write_replay(root: Path, replay: Replay) -> Path:
    """Keep a failing case; returns where."""
    ignore = root / REPLAY_FOLDER / ".gitignore"
    if not ignore.exists():
        write_whole(
            ignore, "# Failing cases found by the last runs. Safe to delete.\n*\n"
        )
    path = replay_path(root, replay.nodeid)
    write_whole(path, json.dumps(content_of(replay), indent=2) + "\n")
    return path


def content_of(replay: Replay) -> dict[str, Any]:
    """What a file holds: the case, and an expression for who reads it."""
    found = replay.corruption
    shown = {} if found is None else {"expression": repr(found)}
    return {"schema": _SCHEMA, **replay.to_json(), **shown}


def is_of_this_version(found: Any) -> None:
    """Refuse what another version has written.

    Raises:
        KeyError, TypeError, ValueError: It is none of ours.
    """
    if found["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {found['schema']!r}, not {_SCHEMA}")


def read_replay(path: Path, what: str | None = None) -> Replay:
    """Read a case; nothing in the file is ever run, or shown as it is.

    Args:
        path: The file.
        what: What it is called in messages, default the option that names it.

    Raises:
        UsageError: There is no such file, or it is something else.
    """
    what = what or f"--lossguard-replay={path}"
    try:
        found = printables(parsed(read_text(path)))
        is_of_this_version(found)
        return Replay.from_json(found)
    except OSError as error:
        raise UsageError(f"{what} cannot be read: {error.strerror}") from None
    except Exception as error:  # whatever a stranger wrote into it
        reason = printable(first_line(error))[:_LONGEST_REASON]
        raise UsageError(
            f"{what} is no replay file of pytest-lossguard"
            f" ({reason or type(error).__name__}): give one from the {REPLAY_FOLDER}"
            " folder"
        ) from None


def _nodeid(given: Any) -> str:
    if not isinstance(given, str) or len(given) > _LONGEST_NODEID:
        raise ValueError("it names no test")
    return given


def _drawn(given: Any) -> int:
    if type(given) is not int:
        raise ValueError("its draw is no list of whole numbers")
    return given


def _seed(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 1 << 32:
        raise ValueError("its seed is no whole number from 0 to 4294967295")
    return given
