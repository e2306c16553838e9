"""Shared code of the evaluation commands: jobs in processes, rows in files."""

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
    """Return the command line for a report, without options for files and processes.

    Args:
        program: For example ``"python -m evaluation"``.
        asked: The parsed options, including ``seeds``.
        names: Options that are added if they are set.
    """
    words = [program, f"--seeds {asked.seeds}"]
    for name in names:
        if getattr(asked, name):
            words.append(f"--{name.replace('_', '-')} {getattr(asked, name)}")
    return " ".join(words)


def lines_of(path: Path, *, cut_off: bool = False) -> Iterator[dict[str, Any]]:
    """Read the rows that `rows_of_jobs` has written.

    Args:
        path: A file with one JSON object per line.
        cut_off: Whether to skip lines that were cut off, as by a killed process.
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
    """Run all jobs in worker processes and yield their rows as jobs finish.

    Args:
        run: Returns the rows of one job; called in a worker process.
        jobs: The jobs.
        processes: Number of worker processes.
        jobs_per_process: Jobs after which a worker is replaced: TensorFlow never frees
            all memory of traced graphs.
        brief: Returns the text that is printed to standard error about the rows of a
            job.
        keep: File to which rows are appended as JSON; None for none.
    """
    with get_context("spawn").Pool(processes, maxtasksperchild=jobs_per_process) as it:
        for done, rows in enumerate(it.imap_unordered(run, jobs), start=1):
            text = f"{done} of {len(jobs)}{brief(rows)}"
            print(text, file=sys.stderr, flush=True)
            if keep is not None:
                with keep.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
            yield from rows
