"""What the commands of the evaluations share: jobs in processes, rows in files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

__all__ = ["command_line", "lines_of", "rows_of_jobs"]


def command_line(program: str, asked: argparse.Namespace, names: Sequence[str]) -> str:
    """What was asked for, without where it was written.

    Args:
        program: As ``"python -m evaluation"``.
        asked: The options, ``seeds`` among them.
        names: Options that are named where they were given.
    """
    words = [program, f"--seeds {asked.seeds}"]
    for name in names:
        if getattr(asked, name):
            words.append(f"--{name.replace('_', '-')} {getattr(asked, name)}")
    return " ".join(words)


def lines_of(path: Path, *, cut_off: bool = False) -> Iterator[dict[str, Any]]:
    """The rows that `rows_of_jobs` has written.

    Args:
        path: The file.
        cut_off: Whether the last one may be cut off, and is then left out.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.endswith("}") or not cut_off:
            yield json.loads(line)


def rows_of_jobs(
    run: Callable[[Any], list[Any]],
    jobs: Sequence[Any],
    *,
    processes: int,
    jobs_per_process: int,
    brief: Callable[[list[Any]], str],
    keep: Path | None,
) -> Iterator[Any]:
    """The rows of all jobs, as they come.

    Args:
        run: From a job to its rows, in a process of its own.
        jobs: They.
        processes: How many at a time.
        jobs_per_process: After so many a process is left: traced graphs are never
            wholly given back.
        brief: What is written of a job's rows on standard error.
        keep: File to which each row is added as it comes, as JSON.
    """
    with get_context("spawn").Pool(processes, maxtasksperchild=jobs_per_process) as it:
        for done, rows in enumerate(it.imap_unordered(run, jobs), start=1):
            text = f"{done} of {len(jobs)}{brief(rows)}"
            print(text, file=sys.stderr, flush=True)
            if keep is not None:
                with keep.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
            yield from rows
