"""Atomic writing of files, and safe reading of files that users provide."""

from __future__ import annotations

import errno
import json
import os
import secrets
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from .systems import put_in_place

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

#: Prefix and suffix of temporary files, which are written in the target folder.
_PREFIX, _SUFFIX = ".lossguard-", ".tmp"
#: Seconds to wait for the reader of a pipe.
PATIENCE = 10.0
#: Largest file to read, in bytes: files of this package have a few kilobytes.
LARGEST = 16 * 1024 * 1024
#: Errors of a folder that does not allow new or replaced files, but may allow writing
#: to an existing one.
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)
#: Flag on Windows, where line endings would otherwise differ from the committed ones.
BINARY = getattr(os, "O_BINARY", 0)
#: Age in seconds after which a temporary file counts as abandoned, if files cannot be
#: locked.
_ABANDONED = 3600.0


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, then move it into place.

    For a symbolic link, its target is written. Anything other than a regular file, such
    as ``/dev/null`` or a pipe, is written to directly. An existing file keeps its mode
    and, if possible, its owner; a new file gets the permissions of the umask.

    Args:
        path: Path of the file; missing parent folders are created.
        content: Content. Text is written as UTF-8; characters that cannot be encoded
            are escaped.

    Raises:
        OSError: The file cannot be written, or the pipe has no reader.
    """
    data = content if isinstance(content, bytes) else _encoded(content)
    known = _status(path)
    if known is not None and not stat.S_ISREG(known.st_mode):
        _write_into(path, data)
        return
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    try:
        _replace(target, data, known)
    except OSError as error:
        if known is None or error.errno not in _IN_PLACE:
            raise
        _write_into(target, data)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def add_to(path: Path, text: str) -> None:
    """Append text to a file, which may belong to another user.

    Raises:
        OSError: The file cannot be written, or the pipe has no reader.
    """
    _write_into(path, _encoded(text), os.O_APPEND | os.O_CREAT)


def _write_into(path: Path, data: bytes, how: int = os.O_TRUNC) -> None:
    """Write to an existing device or pipe, or to a file that cannot be replaced."""
    flags = os.O_WRONLY | how | BINARY | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags | getattr(os, "O_NOCTTY", 0), 0o666)
    try:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(handle, rest) :]
            except BlockingIOError:
                _, ready, _ = select.select([], [handle], [], PATIENCE)
                if not ready:
                    raise TimeoutError(
                        errno.ETIMEDOUT, f"nothing was read for {PATIENCE:.0f} s"
                    ) from None
    finally:
        os.close(handle)


def _replace(target: Path, data: bytes, known: os.stat_result | None) -> None:
    with temporary_in(target.parent) as (file, temporary):
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        if known is not None:
            with suppress(OSError, AttributeError):  # another user's file, or Windows
                os.fchown(file.fileno(), known.st_uid, known.st_gid)
            os.chmod(temporary, stat.S_IMODE(known.st_mode))
        if fcntl is None:  # Windows cannot move an open file
            file.close()
        put_in_place(temporary, target)


@contextmanager
def temporary_in(folder: Path) -> Iterator[tuple[FileIO, Path]]:
    """Open a new file and lock it while it is written, so that `sweep` skips it."""
    file, path = _locked(folder)
    try:
        with file:
            yield file, path
    except BaseException:
        with suppress(OSError):
            os.unlink(path)  # after closing: Windows cannot remove an open file
        raise


def _locked(folder: Path) -> tuple[FileIO, Path]:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(6)}{_SUFFIX}"
        file = FileIO(os.open(path, flags, 0o666), "w")
        if fcntl is None:
            return file, path
        with suppress(OSError):  # the file system may not support locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():  # `sweep` did not remove it before it was locked
            return file, path
        file.close()


def sweep(folder: Path) -> None:
    """Remove temporary files that killed sessions left in a folder."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            if fcntl is None:
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    os.unlink(path)
                continue
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
            finally:
                os.close(handle)


# Reading files that users provide


def read_text(path: Path) -> str:
    """Read a regular file as UTF-8 text.

    Raises:
        OSError: The file does not exist, or is a pipe, a device or larger than 16 MiB.
        UnicodeDecodeError: The file is not UTF-8.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(handle)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it holds more than {LARGEST >> 20} MiB")
    return data.decode("utf-8")


def parsed(text: str) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: The text is not JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
