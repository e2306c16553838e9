"""``python -m pytest_lossguard``: commands for reports and failing cases."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..core.addresses import page
from ..core.errors import UsageError
from ..core.folders import REGRESSION_FOLDER
from ..core.states import LEFT_OUT
from ..core.systems import escape_unprintable
from ..report.comparison import TOLERANCE, compare
from ..report.regressions import keep
from ..report.replay import read_replay
from ..report.without_entry import WHY_LOST, without_result
from .comparison_text import FORMATS
from .reports import (
    merged,
    read_report,
    read_reports,
    write_comparison,
    write_history,
    write_page,
    write_report,
    writing,
)

__all__ = ["main", "make_parser"]

#: Exit codes, as those of pytest: success; something got worse or was lost; wrong use.
_WELL, _WORSE, _WRONG_USE = 0, 1, 2
_MORE = f"More: {page('reference/command-line')}"
_EXIT_OF_MERGE = (
    "The exit code is 1 if a test that was collected has no result in any of them."
)
_EXIT_OF_COMPARE = "The exit code is 1 if anything got worse."
_DATES = "It reads all reports of a folder; their commits have the dates."
_KEPT = f"Commit {REGRESSION_FOLDER}/: every search runs the cases in it first."
_A_REPORT = "a file of pytest --lossguard-json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command-line arguments; default: those of the process.

    Returns:
        The exit code: 0 for success, 1 if a comparison finds something worse or merged
        reports lack a test that was collected, 2 for wrong use.
    """
    escape_unprintable(sys.stdout, sys.stderr)
    parser = make_parser()
    given = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        with _without_collector():
            return run(given)
    except UsageError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return _WRONG_USE
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _WELL


@contextmanager
def _without_collector() -> Iterator[None]:
    """Turn garbage collection off: the data of many tests have no reference cycles, and
    it took 40 % of the time of a page of 10,000 tests.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_lossguard",
        description="Work with the reports of pytest --lossguard-json, and with the"
        " failing cases that searches have found.",
        epilog=_MORE,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for add, name, text, more in (
        (_add_merge, "merge", "make one report of several", _EXIT_OF_MERGE),
        (_add_html, "html", "write a report as an HTML page", ""),
        (_add_compare, "compare", "show what got worse or better", _EXIT_OF_COMPARE),
        (_add_history, "history", "draw the figures of each test by date", _DATES),
        (_add_keep, "keep", "keep failing cases for later searches", _KEPT),
        (_add_schema, "schema", "print the JSON schema of a report", ""),
    ):
        description = f"{text[0].upper()}{text[1:]}. {more}".strip()
        add(commands.add_parser(name, help=text, description=description, epilog=_MORE))
    return parser


def _add_merge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reports",
        nargs="+",
        type=Path,
        metavar="REPORT",
        help=_A_REPORT,
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, help="where to write the report"
    )
    parser.set_defaults(run=_merge)


def _add_html(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", type=Path, metavar="REPORT", help=_A_REPORT)
    parser.add_argument("-o", "--output", type=Path, help="default: REPORT with .html")
    parser.set_defaults(run=_html)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base", type=Path, metavar="BASE", help="the old report, such as that of main"
    )
    parser.add_argument(
        "new", type=Path, metavar="NEW", help="the new report, such as that of a branch"
    )
    parser.add_argument(
        "--format",
        choices=sorted(FORMATS),
        default="text",
        help="how to print it, default: text",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="SHARE",
        help=f"a loss may differ by this share, default: {TOLERANCE:g}",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="PATH",
        help="also write a page with the verdicts, loss curves, findings and causes of"
        " both, those that got worse first",
    )
    parser.set_defaults(run=_compare)


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a folder of JSON reports"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("history.html"),
        help="the HTML page, default: history.html",
    )
    parser.set_defaults(run=_history)


def _add_keep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="REPLAY_FILE",
        help="a file that a search wrote to .lossguard/",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(REGRESSION_FOLDER),
        help=f"the folder that searches read, default: {REGRESSION_FOLDER}",
    )
    parser.set_defaults(run=_keep)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_schema)


def _merge(given: argparse.Namespace) -> int:
    whole, replaced = merged([read_report(it) for it in given.reports])
    write_report(given.output, whole)
    for nodeid in replaced:
        print(f"{nodeid} is in several reports: the last one counts")
    print(f"{len(whole.tests)} tests of {len(given.reports)} reports: {given.output}")
    for why, nodeids in without_result(whole.others, (LEFT_OUT, *WHY_LOST)).items():
        print(f"{len(nodeids)} without a result, {why}:")
        for nodeid in nodeids:
            print(f"  {nodeid}")
    return _WORSE if whole.lost else _WELL


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
        raise UsageError(
            f"--tolerance={given.tolerance}: it must be a share, such as 0.1"
        )
    base, new = read_report(given.base), read_report(given.new)
    found = compare(base, new, given.tolerance)
    print(FORMATS[given.format](found))
    if given.html is not None:
        write_comparison(given.html, found, base, new)
    return _WORSE if found.worse else _WELL
