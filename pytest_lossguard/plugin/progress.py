"""Show the progress of a long search or baseline."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from ..core.systems import can_rewrite

#: Seconds before the first message, and between messages, on a terminal. In a log the
#: first line comes after 30 s, and each further line after twice the time.
PATIENCE, BETWEEN, PATIENCE_OF_A_LOG = 3.0, 1.0, 30.0
#: Terminal codes: save the cursor position, go back to it, clear the rest of the line.
_SAVE, _BACK, _CLEAR = "\x1b7", "\x1b8", "\x1b[K"


class Progress(Protocol):
    """The progress of a search or a baseline."""

    def describe(self, seconds: float) -> str:
        """Describe the progress in a few words."""


Listener = Callable[[Progress], None]


@contextmanager
def progress_of(
    item: pytest.Item, clock: Callable[[], float] = time.monotonic
) -> Iterator[Listener]:
    """Yield a function to be called before each example of a search and each training
    of a baseline.

    On a terminal the rest of the test's line is rewritten, and cleared at the end. In a
    log or in CI a few plain lines are written. Nothing is shown under ``-q`` and in
    pytest-xdist workers.
    """
    config = item.config
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or config.get_verbosity() < 0:
        yield lambda _: None
    elif bool(reporter.isatty) and can_rewrite(os.environ):  # isatty is an attribute
        line = _OnTerminal(config, clock)
        try:
            yield line.tell
        finally:
            line.clear()
    else:
        yield _InLog(item, reporter, clock).tell


class _OnTerminal:
    """Writes the progress after the cursor while a test runs."""

    def __init__(self, config: pytest.Config, clock: Callable[[], float]) -> None:
        self._config, self._clock = config, clock
        self._began = clock()
        self._due = self._began + PATIENCE
        self._shown = False

    def tell(self, progress: Progress) -> None:
        now = self._clock()
        if now < self._due:
            return
        self._due = now + BETWEEN
        writer = self._config.get_terminal_writer()
        free = writer.fullwidth - writer.width_of_current_line - 1
        self._write(f"  {progress.describe(now - self._began)}"[: max(free, 0)])
        self._shown = True

    def clear(self) -> None:
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        with _uncaptured(self._config):
            self._config.get_terminal_writer().flush()
            sys.stdout.write(f"{_SAVE}{_CLEAR}{text}{_BACK}")
            sys.stdout.flush()


class _InLog:
    """Writes plain lines at growing intervals."""

    def __init__(
        self, item: pytest.Item, reporter: Any, clock: Callable[[], float]
    ) -> None:
        self._item, self._reporter, self._clock = item, reporter, clock
        self._began = clock()
        self._patience = PATIENCE_OF_A_LOG

    def tell(self, progress: Progress) -> None:
        seconds = self._clock() - self._began
        if seconds < self._patience:
            return
        self._patience = 2 * seconds
        with _uncaptured(self._item.config):
            sentence = f"lossguard: {self._item.nodeid} {progress.describe(seconds)}"
            self._reporter.write_line(sentence)
            if self._reporter.showfspath:
                self._reporter.write_fspath_result(self._item.nodeid, "")


def _uncaptured(config: pytest.Config) -> contextlib.AbstractContextManager[Any]:
    manager: Any = config.pluginmanager.getplugin("capturemanager")
    if manager is None:
        return contextlib.nullcontext()
    uncaptured: contextlib.AbstractContextManager[Any]
    uncaptured = manager.global_and_fixture_disabled()
    return uncaptured
