"""The reports that are asked for by a path: what each is called, needs and does.

To add one, add it to `WRITERS`: its option, its ini setting and the checks of what is
given there follow from it. What a writer imports stands in its function: a session that
does not ask for it does not load it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .entry import Entry
    from .session_facts import SessionFacts

__all__ = ["WRITERS", "Writer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A report.

    Attributes:
        name: Its option is ``--lossguard-NAME``, its ini setting ``lossguard_NAME``;
            also the extra of this package that installs what it needs.
        help: Of the option, without where it is written to.
        write: Writes it, whole or not at all: where, the entries of the tests, the
            facts of the session, and what came of the marked tests without an entry.
        is_folder: Whether the path is a folder, not a file.
        needs: Modules that may not be installed.
        takes_details: Whether entries are to have what only the page shows.
    """

    name: str
    help: str
    write: Callable[[Path, list[Entry], SessionFacts, Mapping[str, str]], None]
    is_folder: bool = False
    needs: tuple[str, ...] = ()
    takes_details: bool = False

    @property
    def option(self) -> str:
        """As on the command line."""
        return f"--lossguard-{self.name}"

    @property
    def setting(self) -> str:
        """As in the ini file."""
        return f"lossguard_{self.name}"

    @property
    def metavar(self) -> str:
        """What stands for the path in the help."""
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


#: In the order in which they are written.
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
