"""Files that are written whole, wherever a path leads, and files of strangers."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from pytest_lossguard.core import files
from pytest_lossguard.core.files import add_to, parsed, read_text, sweep, write_whole
from tests.support.systems import posix


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_and_its_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "r.json"

    write_whole(path, "é")
    write_whole(path, b"2")

    assert path.read_bytes() == b"2"
    assert list(path.parent.iterdir()) == [path]


@posix
def test_a_device_is_written_to_and_stays_one(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"")
    except OSError:
        pytest.skip("no device can be made here")

    write_whole(device, "much")

    assert stat.S_ISCHR(device.stat().st_mode)
    write_whole(type(device)("/dev/null"), "much")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@posix
def test_a_pipe_gives_its_reader_all_of_it(tmp_path):
    pipe, content, read = tmp_path / "pipe", "x" * 300_000, []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    while True:  # until the reader has opened it
        try:
            write_whole(pipe, content)
            break
        except OSError:
            pass
    reader.join(10)

    assert read == [content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(OSError, match="No such device"):
        write_whole(pipe, "x")

    monkeypatch.setattr(files, "PATIENCE", 0.01)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(TimeoutError, match="nothing was read"):
        write_whole(pipe, "x" * 1_000_000)
    os.close(reader)


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one_and_what_it_points_to_is_written(tmp_path, there):
    target, link = tmp_path / "elsewhere" / "r.json", tmp_path / "r.json"
    link.symlink_to(target)
    if there:
        target.parent.mkdir()
        target.write_text("old")

    write_whole(link, "new")

    assert link.is_symlink()
    assert target.read_text() == "new"
    assert os.listdir(target.parent) == ["r.json"]


@posix
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "r.json", "x")
    finally:
        os.umask(before)

    assert mode(tmp_path / "r.json") == 0o666 & ~mask


@posix
@pytest.mark.parametrize("given", [0o600, 0o664, 0o444])
def test_a_file_that_was_there_keeps_its_mode(tmp_path, given):
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(given)

    write_whole(path, "new")

    assert (path.read_text(), mode(path)) == ("new", given)


@pytest.mark.parametrize("length", [246, 250, 255])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, length):
    path = tmp_path / ("r" * (length - 5) + ".json")

    write_whole(path, "x")

    assert path.read_text() == "x"


def test_a_name_that_is_too_long_or_a_folder_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()

    for name in ("r" * 256, "folder"):
        with pytest.raises(OSError, match=r"name too long|directory"):
            write_whole(tmp_path / name, "x")

    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_what_stops_a_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path, monkeypatch
):
    path = tmp_path / "r.json"
    path.write_text("old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.json"]


def test_a_file_that_cannot_be_replaced_is_written_where_it_is(tmp_path, monkeypatch):
    path = tmp_path / "mounted.json"
    path.write_text("a longer text that was there")

    def busy(*_):
        raise OSError(files.errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    write_whole(path, "new")

    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["mounted.json"]


KILLED = """
import os, sys
from pathlib import Path
from pytest_lossguard.core.files import write_whole
os.replace = lambda *_: os.kill(os.getpid(), 9)
write_whole(Path(sys.argv[1]), "half")
"""


@posix
def test_what_a_killed_session_left_is_swept_by_the_next_and_what_is_in_work_is_not(
    tmp_path,
):
    path = tmp_path / "r.json"
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    (left,) = os.listdir(tmp_path)

    with files.temporary_in(tmp_path) as (_, in_work):
        sweep(tmp_path)
        assert os.listdir(tmp_path) == [in_work.name]
        assert left != in_work.name
        os.unlink(in_work)
    write_whole(path, "whole")

    assert os.listdir(tmp_path) == ["r.json"]


@pytest.fixture
def windows(monkeypatch):
    """No locks, and nothing is done to a file that is open."""
    replace, unlink = os.replace, os.unlink

    def refuse_open(path):
        links = (f"/proc/self/fd/{it}" for it in os.listdir("/proc/self/fd"))
        if os.fspath(path) in [os.readlink(it) for it in links if os.path.islink(it)]:
            raise PermissionError(13, "the file is used by another process")

    def replace_closed(made, target):
        refuse_open(made)
        replace(made, target)

    def unlink_closed(path):
        refuse_open(path)
        unlink(path)

    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(os, "replace", replace_closed)
    monkeypatch.setattr(os, "unlink", unlink_closed)


linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is open")


@linux
def test_windows_puts_a_file_in_place_once_it_is_closed(tmp_path, windows):
    write_whole(tmp_path / "r.json", "old")
    write_whole(tmp_path / "r.json", "new")

    assert (tmp_path / "r.json").read_text() == "new"
    assert os.listdir(tmp_path) == ["r.json"]


@linux
def test_windows_keeps_no_file_that_could_not_be_written(
    tmp_path, windows, monkeypatch
):
    def full(*_):
        raise OSError(files.errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "put_in_place", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "r.json", "new")

    assert os.listdir(tmp_path) == []


@linux
def test_windows_sweeps_what_was_left_long_ago(tmp_path, windows):
    old, fresh = tmp_path / ".lossguard-1.tmp", tmp_path / ".lossguard-2.tmp"
    for path in (old, fresh):
        path.write_text("half")
    os.utime(old, (0, 0))

    sweep(tmp_path)

    assert os.listdir(tmp_path) == [fresh.name]


@posix
def test_line_ends_are_those_of_the_text_on_windows_too(tmp_path, monkeypatch):
    flags, opened = [], os.open

    def spy(path, how, *mode):
        flags.append(how)
        return opened(path, how & ~(1 << 30), *mode)

    monkeypatch.setattr(files, "BINARY", 1 << 30)
    monkeypatch.setattr(os, "open", spy)
    write_whole(tmp_path / "new", "a\nb\n")
    add_to(tmp_path / "new", "c\n")

    assert flags
    assert all(it & 1 << 30 for it in flags)
    assert (tmp_path / "new").read_bytes() == b"a\nb\nc\n"


def test_a_text_that_no_encoding_can_write_is_escaped(tmp_path):
    write_whole(tmp_path / "a", "\ud800")
    add_to(tmp_path / "a", "\udfff")

    assert (tmp_path / "a").read_text() == r"\ud800\udfff"


# Reading


@posix
def test_only_regular_files_of_a_sane_size_are_read(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, type(tmp_path)("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            read_text(path)

    monkeypatch.setattr(files, "LARGEST", 3)
    (tmp_path / "a").write_text("1234")
    with pytest.raises(OSError, match="holds more than"):
        read_text(tmp_path / "a")


def test_a_text_that_is_nested_too_deep_is_no_value():
    assert parsed('{"a": [1]}') == {"a": [1]}
    for text in ("[" * 100_000, '{"a":' * 100_000, "nope"):
        with pytest.raises(ValueError, match=r"."):
            parsed(text)
    assert json.loads("[1]") == [1]
