"""``python -m evaluation.reported``: judge reported bugs, write ``REPORTED.md``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from ..diverse.measure import quiet
from . import reports
from .measure import Row, rows_of_job
from .table import table

_REPORTS_PER_PROCESS = 8


def main() -> None:
    """Parse the command line and do as told."""
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
    quiet()  # inherited by the processes, which import TensorFlow
    found = _rows(asked) if asked.read is None else _read(asked.read)
    rows = sorted(found, key=lambda it: (it.name, it.seed, it.fixed))
    text = table(reports(), rows, _command(asked))
    out = asked.out or Path(__file__).parent.parent / "REPORTED.md"
    out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    """What was asked for, without where it was written."""
    words = ["python -m evaluation.reported", f"--seeds {asked.seeds}"]
    for name in ("half", "only", "first_seed"):
        if getattr(asked, name):
            words.append(f"--{name.replace('_', '-')} {getattr(asked, name)}")
    return " ".join(words)


def _read(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield Row(**json.loads(line))


def _rows(asked: argparse.Namespace) -> Iterator[Row]:
    chosen = [
        it.name
        for it in reports()
        if asked.only in it.name and asked.half in (None, it.half)
    ]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    jobs = [(name, seeds) for name in chosen]
    with get_context("spawn").Pool(
        asked.jobs, maxtasksperchild=_REPORTS_PER_PROCESS
    ) as p:
        for done, found in enumerate(p.imap_unordered(rows_of_job, jobs), start=1):
            print(
                f"{done} of {len(jobs)}",
                *map(_brief, found),
                sep="\n  ",
                file=sys.stderr,
                flush=True,
            )
            if asked.rows is not None:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in found)
            yield from found


def _brief(row: Row) -> str:
    """One row in one line, as it comes in."""
    which = "fixed" if row.fixed else "broken"
    return (
        f"{row.name} {which} {row.seed}: {'failed' if row.failed else 'passed'}"
        f" {row.score:.2f} {row.seconds:.1f} s; {row.first_cause};"
        f" {row.errors} {row.warnings}"
    )


if __name__ == "__main__":
    main()
