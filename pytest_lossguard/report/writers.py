"""The reports that are requested by a path: their names, requirements and writers.

To add a report, add it to `WRITERS`: its option, its ini setting and the checks of
their values follow from it. A writer imports its modules inside its function, so that a
session loads only what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .entry import Entry
    from .session_facts import SessionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A report.

    Attributes:
        name: Name of the report: its option is ``--lossguard-NAME``, its ini setting
            ``lossguard_NAME``, and the extra of this package that it needs ``NAME``.
        help: Help text of the option, without the place that is written to.
        write: Writes the report completely or not at all, given the path, the entries
            of the tests, the facts of the session, and the outcomes of the marked tests
            without an entry.
        is_folder: Whether the path is a folder, not a file.
        needs: Modules that the report needs and that may not be installed.
        takes_details: Whether entries must include the details of the HTML page.
    """

    name: str
    help: str
    write: Callable[[Path, list[Entry], SessionFacts, Mapping[str, str]], None]
    is_folder: bool = False
    needs: tuple[str, ...] = ()
    takes_details: bool = False

    @property
    def option(self) -> str:
        """The command-line option."""
        return f"--lossguard-{self.name}"

    @property
    def setting(self) -> str:
        """The ini setting."""
        return f"lossguard_{self.name}"

    @property
    def metavar(self) -> str:
        """The placeholder for the path in the help text."""
        return "DIR" if self.is_folder else "PATH"


def _json(
    path: Path, tests: list[Entry], session: SessionFacts, others: Mapping[str, str]
) -> None:
    from .json_report import write_json

    write_json(path, tests, others, session)


def _tensorboard(
    folder: Path, tests: list[Entry], session: SessionFacts, others: Mapping[str, str]
) -> None:
    from .tensorboard import write_events

    del session, others
    write_events(folder, tests)


def _html(
    path: Path, tests: list[Entry], session: SessionFacts, others: Mapping[str, str]
) -> None:
    from .html import write_html

    write_html(path, tests, session, others)


#: All reports, in the order in which they are written.
WRITERS: tuple[Writer, ...] = (
    Writer(
        name="html",
        help="write a page with every training, its curves and its diagnosis",
        write=_html,
        needs=("jinja2",),
        takes_details=True,
    ),
    Writer(
        name="json",
        help="write every training, its curve and its findings",
        write=_json,
    ),
    Writer(
        name="tensorboard",
        help="write every training as a run that TensorBoard shows",
        write=_tensorboard,
        is_folder=True,
        needs=("tensorboard",),
    ),
)
