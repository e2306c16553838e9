"""What people read is plain American English: no riddles, no British spelling."""

from __future__ import annotations

import argparse
import ast
import re

import pytest

from pytest_lossguard.command_line import make_parser
from pytest_lossguard.explanations import text_of, topics
from tests.support.docs import DOCS, ROOT, script
from tests.support.words import BRITISH

RIDDLES = re.compile(
    r"\b(is told|are told|tells? of|held? against|holds? (?:it|them|a \w+) against"
    r"|one's own|whoever|whatever they|nobody|no purpose|it is so|ends it|as it came"
    r"|come to stay|otherwise than|thereof|hence|thus|whilst|amongst|upon|hitherto"
    r"|such as are|so that is all|nothing of the kind|by intent|what is meant)\b",
    re.IGNORECASE,
)


def helps(parser):
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for it in action.choices.values():
                yield from helps(it)


TEXTS = {
    **{it.name: it.read_text(encoding="utf-8") for it in ROOT.glob("README.md")},
    **{
        it.relative_to(DOCS).as_posix(): it.read_text(encoding="utf-8")
        for it in DOCS.rglob("*.md")
        if not {"_build", "f", "reference"} & set(it.relative_to(DOCS).parts)
    },
    **script("_ext/reference").pages(),
    **{it.name: "\n".join(text_of(it.name)) for it in topics()},
    "--help": "\n".join(helps(make_parser())),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_plain(name):
    text = " ".join(TEXTS[name].split())

    assert [it[0] for it in RIDDLES.finditer(text)] == []
    assert [it[0] for it in BRITISH.finditer(text)] == []


@pytest.mark.parametrize("word", ["is told", "whoever it is", "ends it", "it is so"])
def test_a_riddle_is_seen(word):
    assert RIDDLES.search(f"and {word}.")


def pieces(source):
    """Strings that stand alone and document nothing: ends of a cut sentence."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        described = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        for it in body[described:] if isinstance(body, list) else ():
            text = it.value if isinstance(it, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def test_no_piece_of_a_sentence_is_left_behind():
    package = ROOT / "pytest_lossguard"
    cut = {
        it.relative_to(ROOT).as_posix(): found
        for it in package.rglob("*.py")
        if (found := [*pieces(it.read_text(encoding="utf-8"))])
    }

    assert cut == {}


def test_a_piece_of_a_sentence_is_seen():
    assert [*pieces('def f():\n    return "one"\n    " two"\n')] == [" two"]
