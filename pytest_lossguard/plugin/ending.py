"""Report what was judged even if the session ends early."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from typing import Any

import pytest

from .files import Files, hand_files_on
from .html import hand_on_details
from .report_data import PAYLOAD, Reporter, hand_on
from .state import TEST


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM; pytest then ends as after Ctrl-C."""


Terminated.__module__ = "pytest_lossguard"  # pytest prints it at the end


class Ending:
    """Ends a session cleanly on SIGTERM once something has trained."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._process = os.getpid()
        self._is_armed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Handle SIGTERM from the first training on, including trainings of workers."""
        if hasattr(report, PAYLOAD):
            self._arm()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Report what a test had trained if the session is ended during it."""
        if item.stash[TEST].policy is not None:
            self._arm()
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception) as error:
            self._take(item, error)
            raise

    def _arm(self) -> None:
        """Let SIGTERM end the session as Ctrl-C does, unless another handler is
        installed.
        """
        if self._is_armed or threading.current_thread() is not threading.main_thread():
            return
        self._is_armed = True
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._end)
            self._config.add_cleanup(self._disarm)

    def _disarm(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _end(self, *_: Any) -> None:
        self._disarm()  # a second SIGTERM ends the process at once
        if os.getpid() != self._process:  # a child process that the user has forked
            os.kill(os.getpid(), signal.SIGTERM)
        raise Terminated("SIGTERM")

    def _take(self, item: pytest.Item, error: BaseException) -> None:
        test = item.stash[TEST]
        if test.guard is None or not test.guard.runs:
            return
        name = "KeyboardInterrupt" if isinstance(error, KeyboardInterrupt) else "exit"
        report = pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=f"{name}: the session ended while this test was running ({error})",
            when="teardown",
        )
        hand_on(item, report, test)
        hand_on_details(item, report, test)
        hand_files_on(report, test)
        for plugin in self._config.pluginmanager.get_plugins():
            if isinstance(plugin, Reporter | Files):
                plugin.pytest_runtest_logreport(report)
