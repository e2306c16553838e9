"""``python -m pytest_lossguard``: what can be done with reports and failing cases."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..core.errors import UsageError
from ..core.folders import REGRESSION_FOLDER
from ..core.states import LEFT_OUT
from ..core.systems import escape_unprintable
from ..report.regressions import keep
from ..report.replay import read_replay
from .comparison import TOLERANCE, compare
from .comparison_text import FORMATS
from .reports import (
    merged,
    read_report,
    read_reports,
    write_history,
    write_page,
    write_report,
    writing,
)

__all__ = ["main"]

#: What ends a command, as of pytest: all well, something got worse or was lost, wrong
#: use.
_WELL, _WORSE, _WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Default those of the process.

    Returns:
        0, or 1 where a comparison finds something worse or merged reports lack a test
        that was collected, or 2 for what cannot be meant.
    """
    escape_unprintable(sys.stdout, sys.stderr)
    parser = _parser()
    given = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return _WRONG_USE
    except BrokenPipeError:  # its reader has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _WELL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pytest_lossguard",
        description="What can be done with the reports of --lossguard-json and with"
        " the failing cases of searches.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    merge = commands.add_parser(
        "merge",
        help="make one report of several; exit code 1 if a test that was collected has"
        " no result in any of them",
    )
    merge.add_argument("reports", nargs="+", type=Path, metavar="REPORT")
    merge.add_argument(
        "-o", "--output", required=True, type=Path, help="where to write it"
    )
    merge.set_defaults(run=_merge)

    keeping = commands.add_parser(
        "keep",
        help=f"keep failing cases in {REGRESSION_FOLDER}/, for every search to run"
        " first",
    )
    keeping.add_argument("files", nargs="+", type=Path, metavar="REPLAY_FILE")
    keeping.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(REGRESSION_FOLDER),
        help=f"the folder, default: {REGRESSION_FOLDER} in the current one",
    )
    keeping.set_defaults(run=_keep)

    page = commands.add_parser("html", help="write a report as a page")
    page.add_argument("report", type=Path, metavar="REPORT")
    page.add_argument("-o", "--output", type=Path, help="default: REPORT with .html")
    page.set_defaults(run=_html)

    history = commands.add_parser(
        "history",
        help="write a page of the figures of each test over the reports of a folder, by"
        " the date of their commits",
    )
    history.add_argument("folder", type=Path, metavar="DIR")
    history.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("history.html"),
        help="default: history.html",
    )
    history.set_defaults(run=_history)

    comparison = commands.add_parser(
        "compare", help="show what got worse or better; exit code 1 if anything did"
    )
    comparison.add_argument("base", type=Path, metavar="BASE")
    comparison.add_argument("new", type=Path, metavar="NEW")
    comparison.add_argument(
        "--format", choices=sorted(FORMATS), default="text", help="default: text"
    )
    comparison.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="SHARE",
        help=f"share by which a loss may differ, default {TOLERANCE:g}",
    )
    comparison.set_defaults(run=_compare)

    schema = commands.add_parser("schema", help="print the JSON schema of a report")
    schema.set_defaults(run=_schema)
    return parser


def _merge(given: argparse.Namespace) -> int:
    whole, replaced = merged([read_report(it) for it in given.reports])
    write_report(given.output, whole)
    for nodeid in replaced:
        print(f"{nodeid} stands in several reports: the last one counts")
    print(f"{len(whole.tests)} tests of {len(given.reports)} reports: {given.output}")
    left_out = [it for it, why in whole.others.items() if why == LEFT_OUT]
    _name(left_out, "left out by --lossguard-time")
    for why in sorted(set(whole.lost.values())):
        _name([it for it in whole.lost if whole.lost[it] == why], why)
    return _WORSE if whole.lost else _WELL


def _name(nodeids: Sequence[str], why: str) -> None:
    """Name tests without a result."""
    if nodeids:
        print(f"{len(nodeids)} without a result, {why}:")
    for nodeid in sorted(nodeids):
        print(f"  {nodeid}")


def _keep(given: argparse.Namespace) -> int:
    cases = [read_replay(it, what=str(it)) for it in given.files]
    for case in cases:
        with writing(given.output):
            path, is_new = keep(given.output, case)
        print(f"{path}{'' if is_new else ' is there already'}")
    return _WELL


def _html(given: argparse.Namespace) -> int:
    output = given.output or given.report.with_suffix(".html")
    write_page(output, read_report(given.report))
    print(output)
    return _WELL


def _history(given: argparse.Namespace) -> int:
    write_history(given.output, read_reports(given.folder))
    print(given.output)
    return _WELL


def _schema(given: argparse.Namespace) -> int:
    from ..report.schema import schema_text

    del given
    print(schema_text(), end="")
    return _WELL


def _compare(given: argparse.Namespace) -> int:
    if not given.tolerance >= 0:
        raise UsageError(f"--tolerance={given.tolerance}: it must be a share, as 0.1")
    base, new = read_report(given.base), read_report(given.new)
    found = compare(base.tests, new.tests, given.tolerance, new.others)
    print(FORMATS[given.format](found))
    return _WORSE if found.worse else _WELL
