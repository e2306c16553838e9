"""The file that holds one failing case of a search, to run exactly it again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..corruptions import Corruption
from ..errors import UsageError
from ..files import write_whole

__all__ = ["FOLDER", "Replay", "read_replay", "replay_path", "write_replay"]

FOLDER = ".lossguard"
_LONGEST_NAME = 100


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


def replay_path(root: Path, nodeid: str) -> Path:
    """Where the failing case of a test is kept."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-")[-_LONGEST_NAME:]
    return root / FOLDER / f"{name}.json"


def write_replay(root: Path, replay: Replay) -> Path:
    """Keep a failing case; returns where."""
    ignore = root / FOLDER / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, "# Failing cases of the last runs, made anew.\n*\n")
    path = replay_path(root, replay.nodeid)
    content = {
        "schema": 1,
        "nodeid": replay.nodeid,
        "seed": replay.seed,
        **_case(replay),
    }
    write_whole(path, json.dumps(content, indent=2) + "\n")
    return path


def _case(replay: Replay) -> dict[str, Any]:
    if replay.corruption is None:
        return {"draw": list(replay.draw or ())}
    return {
        "corruption": replay.corruption.to_json(),
        "expression": repr(replay.corruption),
    }


def read_replay(path: Path) -> Replay:
    """Read a case; nothing in the file is ever run.

    Raises:
        UsageError: There is no such file, or it is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if "draw" in found:
            return Replay(
                nodeid=str(found["nodeid"]),
                corruption=None,
                seed=int(found["seed"]),
                draw=tuple(map(int, found["draw"])),
            )
        return Replay(
            nodeid=str(found["nodeid"]),
            corruption=Corruption.from_json(found["corruption"]),
            seed=int(found["seed"]),
        )
    except OSError as error:
        raise UsageError(
            f"--lossguard-replay={path} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise UsageError(
            f"--lossguard-replay={path} is no replay file of pytest-lossguard"
            f" ({error}): give one from the {FOLDER} folder"
        ) from None
