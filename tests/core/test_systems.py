"""Linux, macOS and Windows, each told of by an argument."""

from __future__ import annotations

import ast
import io
import ntpath
import os
import posixpath
import sys
from pathlib import Path

import pytest

import pytest_lossguard
from pytest_lossguard.core.systems import (
    can_rewrite,
    escape_unprintable,
    processors,
    put_in_place,
    quoted,
    reason_of,
    relative,
    with_slashes,
)


def test_a_path_on_another_drive_is_shown_whole():
    assert relative(r"D:\work\test_a.py", r"C:\home", ntpath) == r"D:\work\test_a.py"
    assert relative(r"C:\home\t\test_a.py", r"C:\home", ntpath) == r"t\test_a.py"
    assert relative("/home/t/test_a.py", "/home/x", posixpath) == "../t/test_a.py"


def test_a_path_that_leaves_the_machine_has_slashes():
    assert with_slashes(r"t\__lossguard__\a.json", "\\") == "t/__lossguard__/a.json"
    assert with_slashes("t/a\\b.json", "/") == "t/a\\b.json"


@pytest.mark.parametrize(
    ("argument", "typed"),
    [
        (r"t\test_a.py::test_b[iris-0.5]", r"t\test_a.py::test_b[iris-0.5]"),
        ("test_a.py::test_b[1,2]", '"test_a.py::test_b[1,2]"'),
        ("my tests/test_a.py::test_b", '"my tests/test_a.py::test_b"'),
        ("test_a.py::test_b[a&b|c]", '"test_a.py::test_b[a&b|c]"'),
        ('test_a.py::test_b["]', r'"test_a.py::test_b[\"]"'),
        ("", '""'),
    ],
)
def test_an_argument_is_typed_as_cmd_and_powershell_take_it(argument, typed):
    assert quoted(argument, windows=True) == typed


def test_an_argument_is_typed_as_sh_takes_it():
    assert quoted("test_a.py::test_b[x]", windows=False) == "'test_a.py::test_b[x]'"
    assert quoted("test_a.py::test_b", windows=False) == "test_a.py::test_b"


@pytest.fixture
def held(monkeypatch):
    """Has somebody hold a file open for some tries."""
    replace = os.replace

    def hold(tries):
        def refuse(made, target):
            nonlocal tries
            tries -= 1
            if tries >= 0:
                raise PermissionError(13, "the file is used by another process")
            replace(made, target)

        monkeypatch.setattr(os, "replace", refuse)

    return hold


def test_windows_tries_again_while_somebody_has_the_file_open(tmp_path, held):
    pauses = []
    made, target = tmp_path / "made", tmp_path / "target"
    made.write_text("new")
    target.write_text("old")
    held(tries=3)

    put_in_place(made, target, pauses.append, windows=True)

    assert target.read_text() == "new"
    assert len(pauses) == 3


def test_windows_gives_up_within_a_second(tmp_path, held):
    pauses = []
    held(tries=100)

    with pytest.raises(PermissionError):
        put_in_place(tmp_path, tmp_path, pauses.append, windows=True)
    assert 0 < sum(pauses) < 1


def test_elsewhere_a_refusal_is_final(tmp_path, held):
    pauses = []
    held(tries=1)

    with pytest.raises(PermissionError):
        put_in_place(tmp_path, tmp_path, pauses.append, windows=False)
    assert pauses == []


def test_a_path_too_long_for_windows_is_reported_by_its_length(tmp_path):
    path, error = tmp_path / ("x" * 300), FileNotFoundError(2, "no such file")
    length = len(str(path))

    text = reason_of(error, path, windows=True)

    assert f": its path has {length} characters, Windows takes 259; " in text
    assert "make its folder writable" in reason_of(error, path, windows=False)
    assert "make its folder writable" in reason_of(error, tmp_path, windows=True)


def test_what_an_encoding_lacks_is_printed_as_an_escape():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")

    escape_unprintable(stream, object())
    stream.write("test_\u2581 é")
    stream.flush()

    assert stream.buffer.getvalue() == b"test_\\u2581 \xe9"


def test_without_affinity_all_processors_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)

    assert processors() == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process is bound")
def test_of_processors_those_count_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})

    assert processors() == 1


@pytest.mark.parametrize(
    ("given", "windows", "can"),
    [
        ({}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"CI": "true", "TERM": "xterm"}, False, False),
        ({}, True, False),  # the old console
        ({"WT_SESSION": "1"}, True, True),
        ({"TERM": "xterm"}, True, True),  # Git Bash
    ],
)
def test_a_line_is_rewritten_where_the_terminal_takes_it(given, windows, can):
    assert can_rewrite(given, windows) is can


def _calls_without_an_encoding(source):
    """Lines that read or write text in the encoding of whatever system they are on."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        modes = [it.value for it in call.args if isinstance(it, ast.Constant)]
        is_text = name in ("read_text", "write_text") or (
            name == "open" and not any("b" in str(it) for it in modes)
        )
        is_of_os = isinstance(call.func, ast.Attribute) and (
            getattr(call.func.value, "id", "") in ("os", "files")
        )
        takes = {it.arg for it in call.keywords}
        if is_text and not is_of_os and "encoding" not in takes and len(call.args) < 2:
            yield f"{call.lineno}: {ast.unparse(call)}"


def test_no_file_is_read_or_written_in_the_encoding_of_the_system():
    package = Path(pytest_lossguard.__file__).parent
    found = [
        f"{path.relative_to(package)}:{line}"
        for path in package.rglob("*.py")
        for line in _calls_without_an_encoding(path.read_text(encoding="utf-8"))
    ]

    assert [it for it in found if "read_text(path)" not in it] == []  # of core.files


@pytest.mark.parametrize("call", ["open('x')", "path.read_text()", "p.write_text(t)"])
def test_a_call_without_an_encoding_is_seen(call):
    assert list(_calls_without_an_encoding(call)) == [f"1: {call}"]
