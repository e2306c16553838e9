"""Text of others that is shown: nothing in it steers who shows it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.core.printable import printable, printables


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("loss of 雪, é and 😀", "loss of 雪, é and 😀"),
        ("tests/a.py::TestA::test_b[x::y]", "tests/a.py::TestA::test_b[x::y]"),
        ("\x1b[2J\x07\r\n", r"\x1b[2J\x07\r\n"),
        ("\x9b31m\u202e\ud800\u2028", r"\x9b31m\u202e\ud800\u2028"),
        ("::error file=a::b", r"\::error file=a::b"),
        ("say ::set-output name=a::b", r"say \::set-output name=a::b"),
        ("##[error]x", r"#\#[error]x"),
    ],
)
def test_what_would_steer_a_terminal_or_github_is_escaped(text, shown):
    assert printable(text) == shown


def test_lines_may_be_kept():
    assert printable("a\n\tb\r\n::error::c", keep="\n\t") == "a\n\tb\\r\n\\::error::c"


@given(st.text(st.characters(categories=None)) | st.text(":#[ \n", max_size=8))
def test_every_text_becomes_one_line_that_can_be_encoded(text):
    shown = printable(text)

    assert shown.isprintable() or shown.encode()
    assert len(shown.splitlines()) <= 1
    assert not shown.lstrip().startswith("::")
    assert printable(shown) == shown


def test_anything_becomes_what_json_holds():
    class Silent:
        def __str__(self):
            raise RuntimeError

    deep: list = []
    deep.append(deep)
    given_ = {"a\x1b": (1, True, None), 2: Silent(), "c": deep, "d": 10**999}

    found = printables(given_)

    json.dumps(found)
    assert found["a\\x1b"] == [1, True, None]
    assert found["2"] == "<Silent>"
    assert found["d"] == "a huge number"
