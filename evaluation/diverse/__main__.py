"""``python -m evaluation.diverse``: judge healthy programs, write their table.

The table is ``evaluation/DIVERSE.md``.

With ``--rows FILE`` each row is appended to a file as soon as it is known, and rows
already in the file are not measured again. With ``--scores FILE`` the scores in plain
Keras are taken from the rows of an earlier measurement with another judge; if a program
has changed since, the table says that watched runs end at another score.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ..command import command_line, lines_of, rows_of_jobs
from . import cases
from .measure import WAYS, Job, Row, quiet, rows_of_job
from .table import table

#: Cases per worker process: TensorFlow never frees all memory of traced graphs, but
#: each new process has to import TensorFlow.
_CASES_PER_PROCESS = 12


def main() -> None:
    """Parse the command line and run."""
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
    quiet()  # inherited by the worker processes, which import TensorFlow
    rows = sorted(_rows(asked), key=lambda it: (it.name, it.seed))
    text = table(rows, _command(asked))
    out = asked.out or Path(__file__).parent.parent / "DIVERSE.md"
    out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    names = ("half", "only", "way", "first_seed")
    return command_line("python -m evaluation.diverse", asked, names)


def _known(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    return [Row.from_json(it) for it in lines_of(path, cut_off=True)]


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
    yield from rows_of_jobs(
        rows_of_job,
        jobs,
        processes=asked.jobs,
        jobs_per_process=_CASES_PER_PROCESS,
        brief=_brief,
        keep=asked.rows,
    )


def _brief(rows: list[Row]) -> str:
    """Return the text that is printed about the rows of a job, on one line."""
    healthy = [row for row in rows if row.healthy]
    judged = [it for row in healthy for it in row.judged]
    failed = sum(it.failed for it in judged)
    warned = sum(bool(it.warnings) and not it.failed for it in judged)
    return (
        f": {rows[0].name}, {len(healthy)} of {len(rows)} healthy,"
        f" {failed} failed, {warned} warned"
    )


if __name__ == "__main__":
    main()
