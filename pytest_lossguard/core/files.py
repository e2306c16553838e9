"""Files that are written whole or not at all, and files of strangers that are read."""

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

__all__ = ["add_to", "parsed", "read_text", "sweep", "write_whole"]

#: Names of files that are being written, in the folder that they are for.
_PREFIX, _SUFFIX = ".lossguard-", ".tmp"
#: Seconds that a pipe's reader may let its writer wait.
_PATIENCE = 10.0
#: Bytes of a file that is read: ours hold some kilobytes.
_LARGEST = 16 * 1024 * 1024
#: A folder in which nothing can be made or replaced may hold a file to write into.
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)
#: Of Windows: without it a line ends otherwise there than in what is committed.
_BINARY = getattr(os, "O_BINARY", 0)
#: Seconds after which a half written file is left behind, where none can be locked.
_ABANDONED = 3600.0


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, then put it in its place.

    A link stays one and what it points to is written. What is no regular file, such as
    ``/dev/null`` or a pipe, is written to. An existing file keeps its mode and, where
    that is allowed, its owner; a new one gets what the umask leaves.

    Args:
        path: Where; folders above it are made.
        content: A text is written as UTF-8; what cannot be encoded is escaped.

    Raises:
        OSError: It cannot be written, or nobody reads the pipe.
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
    """Add a text to the end of a file that may be another's.

    Raises:
        OSError: It cannot be written, or nobody reads the pipe.
    """
    _write_into(path, _encoded(text), os.O_APPEND | os.O_CREAT)


def _write_into(path: Path, data: bytes, how: int = os.O_TRUNC) -> None:
    """Write to what is there: a device, a pipe, a file that cannot be replaced."""
    flags = os.O_WRONLY | how | _BINARY | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags | getattr(os, "O_NOCTTY", 0), 0o666)
    try:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(handle, rest) :]
            except BlockingIOError:
                _, ready, _ = select.select([], [handle], [], _PATIENCE)
                if not ready:
                    raise TimeoutError(
                        errno.ETIMEDOUT, f"nobody read on for {_PATIENCE:.0f} s"
                    ) from None
    finally:
        os.close(handle)


def _replace(target: Path, data: bytes, known: os.stat_result | None) -> None:
    with _temporary(target.parent) as (file, temporary):
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        if known is not None:
            with suppress(OSError, AttributeError):  # of another's file, on Windows
                os.fchown(file.fileno(), known.st_uid, known.st_gid)
            os.chmod(temporary, stat.S_IMODE(known.st_mode))
        if fcntl is None:  # Windows moves no open file
            file.close()
        put_in_place(temporary, target)


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[FileIO, Path]]:
    """A new file that is locked while it is written, so that `sweep` leaves it."""
    file, path = _locked(folder)
    try:
        with file:
            yield file, path
    except BaseException:
        with suppress(OSError):
            os.unlink(path)  # once it is closed: Windows removes no open file
        raise


def _locked(folder: Path) -> tuple[FileIO, Path]:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(6)}{_SUFFIX}"
        file = FileIO(os.open(path, flags, 0o666), "w")
        if fcntl is None:
            return file, path
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():  # not swept before it was locked
            return file, path
        file.close()


def sweep(folder: Path) -> None:
    """Remove what killed sessions left half written in a folder."""
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


# Files of strangers


def read_text(path: Path) -> str:
    """The text of a regular file, however it came there.

    Raises:
        OSError: There is none, or it is a pipe, a device or larger than 16 MiB.
        UnicodeDecodeError: It is not UTF-8.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(_LARGEST + 1)
    finally:
        os.close(handle)
    if len(data) > _LARGEST:
        raise OSError(errno.EFBIG, f"it holds more than {_LARGEST >> 20} MiB")
    return data.decode("utf-8")


def parsed(text: str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: It is no JSON, or is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
