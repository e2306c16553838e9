"""``python -m evaluation``: judge the corpus, print the table, write RESULTS.md."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from .command import command_line, lines_of, rows_of_jobs
from .corpus import programs
from .measure import Row, rows_of_job
from .results import results

_HERE = Path(__file__).parent
#: Programs per job.
_CHUNK = 8


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--source", choices=["published", "mutant", "healthy"])
    parser.add_argument("--part", choices=["tune", "report"])
    parser.add_argument("--only", default="", help="programs with this in their name")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-diagnose", action="store_true")
    parser.add_argument("--rows", type=Path, help="add each row here, as JSON")
    parser.add_argument("--read", type=Path, help="run nothing, report these rows")
    parser.add_argument("--out", type=Path, default=_HERE / "RESULTS.md")
    asked = parser.parse_args()
    known = None if asked.read is None else lines_of(asked.read)
    found = _rows(asked) if known is None else (Row(**it) for it in known)
    rows = sorted(found, key=lambda it: (it.name, it.seed))
    text = results(rows, _command(asked))
    asked.out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    names = ("source", "part", "only", "first_seed")
    text = command_line("python -m evaluation", asked, names)
    return f"{text} --no-diagnose" if asked.no_diagnose else text


def _rows(asked: argparse.Namespace) -> Iterator[Row]:
    names = [
        it.name
        for it in programs()
        if asked.only in it.name
        and asked.source in (None, it.source)
        and asked.part in (None, it.part)
    ]
    chunks = [names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK)]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    jobs = [(chunk, seeds, not asked.no_diagnose) for chunk in chunks]
    yield from rows_of_jobs(
        rows_of_job,
        jobs,
        processes=asked.processes,
        jobs_per_process=1,
        brief=lambda _: " chunks",
        keep=asked.rows,
    )


if __name__ == "__main__":
    main()
