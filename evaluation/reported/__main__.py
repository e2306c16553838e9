"""``python -m evaluation.reported``: judge reported bugs, write ``REPORTED.md``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from ..command import command_line, lines_of, rows_of_jobs
from ..diverse.measure import quiet
from . import reports
from .measure import Row, rows_of_job
from .table import table

_REPORTS_PER_PROCESS = 8


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.reported", description=__doc__
    )
    parser.add_argument("--only", default="", help="reports with this in their name")
    parser.add_argument("--half", choices=["tune", "report"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rows", type=Path, help="add each row here, as JSON")
    parser.add_argument("--read", type=Path, help="run nothing, report these rows")
    parser.add_argument("--out", type=Path, help="default: evaluation/REPORTED.md")
    asked = parser.parse_args()
    quiet()  # inherited by the worker processes, which import TensorFlow
    known = None if asked.read is None else lines_of(asked.read)
    found = _rows(asked) if known is None else (Row(**it) for it in known)
    rows = sorted(found, key=lambda it: (it.name, it.seed, it.fixed))
    text = table(reports(), rows, _command(asked))
    out = asked.out or Path(__file__).parent.parent / "REPORTED.md"
    out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    names = ("half", "only", "first_seed")
    return command_line("python -m evaluation.reported", asked, names)


def _rows(asked: argparse.Namespace) -> Iterator[Row]:
    chosen = [
        it.name
        for it in reports()
        if asked.only in it.name and asked.half in (None, it.half)
    ]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    jobs = [(name, seeds) for name in chosen]
    yield from rows_of_jobs(
        rows_of_job,
        jobs,
        processes=asked.jobs,
        jobs_per_process=_REPORTS_PER_PROCESS,
        brief=_brief,
        keep=asked.rows,
    )


def _brief(rows: list[Row]) -> str:
    """Return the text that is printed about the rows of a job, one line per row."""
    return "".join(map(_line, rows))


def _line(row: Row) -> str:
    which = "fixed" if row.fixed else "broken"
    return (
        f"\n  {row.name} {which} {row.seed}: {'failed' if row.failed else 'passed'}"
        f" {row.score:.2f} {row.seconds:.1f} s; {row.first_cause};"
        f" {row.errors} {row.warnings}"
    )


if __name__ == "__main__":
    main()
