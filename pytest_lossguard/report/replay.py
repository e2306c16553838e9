"""The replay file: one failing case of a search, to run exactly that case again."""

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

_LONGEST_NAME = 100
#: Ids that stay distinct when characters that are not allowed in file names become
#: hyphens: a function and a class of a module cannot have the same name. On file
#: systems that ignore case, parameters such as ``[Adam]`` and ``[adam]`` would collide;
#: names hardly ever do.
_STAYS_APART = re.compile(r"([\w.]+/)*[\w.]+\.py(::\w+)+(\[[a-z\d_.]+\])?", re.ASCII)
_LONGEST_NODEID = 4096
#: Version of the file format, and most characters of the reason why a file is invalid.
_SCHEMA, _LONGEST_REASON = 1, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A case to run again.

    Attributes:
        nodeid: Node id of the test.
        corruption: The corruption to run it on; None for a case of a contract.
        seed: The base seed of the trainings.
        draw: The drawn integers of a case of a contract; None for a search.
    """

    nodeid: str
    corruption: Corruption | None
    seed: int
    draw: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the case as builtins."""
        drawn: dict[str, Any] = {"draw": list(self.draw or ())}
        if self.corruption is not None:
            drawn = {"corruption": self.corruption.to_json()}
        return {"nodeid": self.nodeid, "seed": self.seed, **drawn}

    @classmethod
    def from_json(cls, given: Any) -> Replay:
        """Make a case from builtins.

        Raises:
            KeyError, TypeError, ValueError, UsageError: The builtins are not a valid
                case.
        """
        nodeid, seed = _nodeid(given["nodeid"]), _seed(given["seed"])
        if "draw" in given:
            draw = tuple(_drawn(it) for it in given["draw"])
            return cls(nodeid=nodeid, corruption=None, seed=seed, draw=draw)
        corruption = Corruption.from_json(given["corruption"])
        return cls(nodeid=nodeid, corruption=corruption, seed=seed)


def replay_path(root: Path, nodeid: str) -> Path:
    """Return the path of the failing case of a test, unique for each test."""
    return root / REPLAY_FOLDER / f"{file_name(nodeid)}.json"


def file_name(nodeid: str) -> str:
    """Return the file name for a test, without folder and suffix."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-")
    if not _STAYS_APART.fullmatch(nodeid) or len(name) > _LONGEST_NAME:
        checksum = hashlib.sha256(nodeid.encode(errors="surrogatepass")).hexdigest()
        name = f"{name[-_LONGEST_NAME:]}-{checksum[:8]}"
    return name


def write_replay(root: Path, replay: Replay) -> Path:
    """Write a failing case, and return its path."""
    ignore = root / REPLAY_FOLDER / ".gitignore"
    if not ignore.exists():
        write_whole(
            ignore, "# Failing cases found by the last runs. Safe to delete.\n*\n"
        )
    path = replay_path(root, replay.nodeid)
    write_whole(path, json.dumps(content_of(replay), indent=2) + "\n")
    return path


def content_of(replay: Replay) -> dict[str, Any]:
    """Return the content of the file: the case, and an expression for people."""
    found = replay.corruption
    shown = {} if found is None else {"expression": repr(found)}
    return {"schema": _SCHEMA, **replay.to_json(), **shown}


def is_of_this_version(found: Any) -> None:
    """Refuse the content of another version.

    Raises:
        KeyError, TypeError, ValueError: The content is not of this version.
    """
    if found["schema"] != _SCHEMA:
        raise ValueError(f"its schema is {found['schema']!r}, not {_SCHEMA}")


def read_replay(path: Path, what: str | None = None) -> Replay:
    """Read a case. Nothing in the file is executed, and its text is cleaned before it
    is shown.

    Args:
        path: Path of the file.
        what: Name of the file in messages; default: the option that names it.

    Raises:
        UsageError: The file cannot be read, or is not a replay file.
    """
    what = what or f"--lossguard-replay={path}"
    try:
        found = printables(parsed(read_text(path)))
        is_of_this_version(found)
        return Replay.from_json(found)
    except OSError as error:
        raise UsageError(f"{what} cannot be read: {error.strerror}") from None
    except Exception as error:  # the content can be anything
        reason = printable(first_line(error))[:_LONGEST_REASON]
        raise UsageError(
            f"{what} is not a replay file of pytest-lossguard"
            f" ({reason or type(error).__name__}): give one from the {REPLAY_FOLDER}"
            " folder"
        ) from None


def _nodeid(given: Any) -> str:
    if not isinstance(given, str) or len(given) > _LONGEST_NODEID:
        raise ValueError("it names no test")
    return given


def _drawn(given: Any) -> int:
    if type(given) is not int:
        raise ValueError("its draw is not a list of whole numbers")
    return given


def _seed(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 1 << 32:
        raise ValueError("its seed is not a whole number from 0 to 4294967295")
    return given
