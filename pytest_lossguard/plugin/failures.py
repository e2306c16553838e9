"""Show errors of this package in short: the user's line and one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from ..core.errors import (
    ContractBroken,
    LossguardError,
    ModelCheckFailed,
    NotConverged,
    first_line,
)
from ..core.systems import relative

#: Attribute of a test report with the full message of an error of this package.
_SAID = "lossguard_said"
_PACKAGE = f"{__name__.partition('.')[0]}."
_OURS = (ContractBroken, LossguardError, ModelCheckFailed, NotConverged)
#: Most characters kept of an error message.
_MOST_SAID = 2000


def leave_out_own_frames(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remove the frames of this package from the traceback of an error.

    An error that arises in these frames and is not an error type of this package is
    shown in full.
    """
    if call.excinfo is None or item.config.getoption("fulltrace", default=False):
        return
    error = call.excinfo.value
    frames = list(_frames(error))
    if not frames or (_is_own(frames[-1]) and not isinstance(error, LossguardError)):
        return
    at: TracebackType | None = None
    for it in reversed(frames):
        if not _is_own(it):
            at = TracebackType(at, it.tb_frame, it.tb_lasti, it.tb_lineno)
    if at is not None:
        call.excinfo = pytest.ExceptionInfo.from_exception(error.with_traceback(at))


def _frames(error: BaseException) -> Iterator[TracebackType]:
    at = error.__traceback__
    while at is not None:
        yield at
        at = at.tb_next


def _is_own(at: TracebackType) -> bool:
    return str(at.tb_frame.f_globals.get("__name__")).startswith(_PACKAGE)


def show_in_short(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """Show an error of this package at the user's line, or at the definition of the
    test if no user line raised it. Summaries show only its first line.
    """
    error = None if call.excinfo is None else call.excinfo.value
    if not report.failed or not isinstance(error, _OURS):
        return
    late = isinstance(error, NotConverged) and error.after_body
    if late or not any(_is_user_code(item, it) for it in _frames(error)):
        report.longrepr = _at_the_test(item, error)
    vars(report)[_SAID] = f"{type(error).__name__}: {error}"[:_MOST_SAID]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = f"{type(error).__name__}: {first_line(error)}"


def _is_user_code(item: pytest.Item, at: TracebackType) -> bool:
    file = at.tb_frame.f_code.co_filename
    if _is_own(at) or "site-packages" in Path(file).parts:
        return False
    inside = Path(file).is_relative_to(item.config.rootpath)  # any case on Windows
    return inside or file == str(item.path)


def _at_the_test(item: pytest.Item, error: Exception) -> Any:
    """Show an error as if the first line of the test had raised it."""
    path, line, _ = item.reportinfo()
    code = compile("\n" * (line or 0) + "raise error", str(path), "exec")
    try:
        exec(code, {"error": error.with_traceback(None)})
    except type(error):
        *_, at = _frames(error)
    info = pytest.ExceptionInfo.from_exception(error.with_traceback(at))
    shown: Any = info.getrepr(style="value", chain=False)
    where = f"{relative(path, item.config.rootpath)}:{(line or 0) + 1}"
    kind = type(error).__name__
    shown.reprtraceback.reprentries[0].lines[:] = [
        *f"{kind}: {error}".splitlines(),
        "",
        f"{where}: {kind}",
    ]
    return shown


def said_by(report: pytest.TestReport) -> str:
    """Return the message of a failure, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(report, _SAID, None) or getattr(crash, "message", None)
    return str(text or report.longreprtext)[:_MOST_SAID]
