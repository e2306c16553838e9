"""``python -m evaluation.diverse``: judge healthy programs, write their table.

The table is ``evaluation/DIVERSE.md``.

With ``--rows FILE`` each row is added to a file as soon as it is known, and rows that
the file has already are not measured again. With ``--scores FILE`` the trainings in
plain Keras are taken from the rows of an earlier measurement, with another judge; where
a program has changed since, the table says that watched runs end at another score.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from . import cases
from .measure import WAYS, Job, Row, quiet, rows_of_job
from .table import table

#: Cases that one process takes: traced graphs are never wholly given back, and each
#: process has to import TensorFlow.
_CASES_PER_PROCESS = 12


def main() -> None:
    """Parse the command line and do as told."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.diverse", description=__doc__
    )
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--half", choices=["tune", "report"])
    parser.add_argument("--way", choices=WAYS, help="judge by this way alone")
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rows", type=Path, help="add rows here, keep those it has")
    parser.add_argument("--scores", type=Path, help="rows with scores in plain Keras")
    parser.add_argument("--out", type=Path, help="default: evaluation/DIVERSE.md")
    asked = parser.parse_args()
    quiet()  # inherited by the processes, which import TensorFlow
    rows = sorted(_rows(asked), key=lambda it: (it.name, it.seed))
    text = table(rows, _command(asked))
    out = asked.out or Path(__file__).parent.parent / "DIVERSE.md"
    out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    """What was asked for, without where it was written."""
    words = ["python -m evaluation.diverse", f"--seeds {asked.seeds}"]
    for name in ("half", "only", "way", "first_seed"):
        if getattr(asked, name):
            words.append(f"--{name.replace('_', '-')} {getattr(asked, name)}")
    return " ".join(words)


def _known(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Row.from_json(json.loads(it)) for it in lines if it.endswith("}")]


def _rows(asked: argparse.Namespace) -> Iterator[Row]:
    chosen = [
        it.name
        for it in cases()
        if asked.only in it.name and asked.half in (None, it.half)
    ]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    wanted = {(name, seed) for name in chosen for seed in seeds}
    known = {(it.name, it.seed): it for it in _known(asked.rows)}
    yield from (row for key, row in known.items() if key in wanted)
    ways = WAYS if asked.way is None else (asked.way,)
    scores: dict[str, dict[int, float]] = defaultdict(dict)
    for it in _known(asked.scores):
        if it.score is not None:
            scores[it.name][it.seed] = it.score
    jobs = [
        Job(name=name, seeds=left, ways=ways, scores=scores[name])
        for name in chosen
        if (left := [it for it in seeds if (name, it) not in known])
    ]
    with get_context("spawn").Pool(
        asked.jobs, maxtasksperchild=_CASES_PER_PROCESS
    ) as p:
        for done, found in enumerate(p.imap_unordered(rows_of_job, jobs), start=1):
            print(
                f"{done} of {len(jobs)}: {_brief(found)}", file=sys.stderr, flush=True
            )
            if asked.rows is not None:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in found)
            yield from found


def _brief(rows: list[Row]) -> str:
    """One case in one line, as it comes in."""
    healthy = [row for row in rows if row.healthy]
    judged = [it for row in healthy for it in row.judged]
    failed = sum(it.failed for it in judged)
    warned = sum(bool(it.warnings) and not it.failed for it in judged)
    return (
        f"{rows[0].name}, {len(healthy)} of {len(rows)} healthy,"
        f" {failed} failed, {warned} warned"
    )


if __name__ == "__main__":
    main()
