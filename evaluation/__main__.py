"""``python -m evaluation``: run the corpus, print the table, write RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from .corpus import programs
from .measure import Row, rows_of_job
from .results import results

_HERE = Path(__file__).parent
#: Programs that one process takes at a time.
_CHUNK = 8


def main() -> None:
    """Parse the command line and do as told."""
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
    found = _rows(asked) if asked.read is None else _read(asked.read)
    rows = sorted(found, key=lambda it: (it.name, it.seed))
    text = results(rows, _command(asked))
    asked.out.write_text(text, encoding="utf-8")
    print(text)


def _command(asked: argparse.Namespace) -> str:
    """What was asked for, without where it was written."""
    words = ["python -m evaluation", f"--seeds {asked.seeds}"]
    for name in ("source", "part", "only", "first_seed"):
        if getattr(asked, name):
            words.append(f"--{name.replace('_', '-')} {getattr(asked, name)}")
    return " ".join([*words, *(["--no-diagnose"] if asked.no_diagnose else [])])


def _read(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield Row(**json.loads(line))


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
    # A process is left after each chunk: traced graphs are never given back.
    with get_context("spawn").Pool(asked.processes, maxtasksperchild=1) as pool:
        for done, found in enumerate(pool.imap_unordered(rows_of_job, jobs), start=1):
            print(f"{done} of {len(jobs)} chunks", file=sys.stderr, flush=True)
            if asked.rows is not None:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in found)
            yield from found


if __name__ == "__main__":
    main()
