"""The documentation in the checkout: its scripts, pages and blocks of code."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1 *$", re.MULTILINE | re.DOTALL)
_OPTION = re.compile(r":(\w+): (.*)\n")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.])")
_CURVE = re.compile("[▁▂▃▄▅▆▇█]{8,}")
_TIME = re.compile(r"\d+(\.\d+)? ?s\b")


def script(name):
    """Import a script of `docs/`, which is not a package, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Block:
    """A fenced code block, with the file that its caption names."""

    language: str
    text: str
    caption: str | None = None


def blocks(page):
    """Return the code blocks of a page, in order."""
    return blocks_in((DOCS / page).read_text("utf-8"))


def blocks_in(text):
    """Return the code blocks of a MyST text, in order."""
    return [_block(it) for it in _FENCE.finditer(text)]


def _block(found):
    language, text, options = found[2].strip(), found[3], {}
    if language.startswith("{"):
        directive, _, language = language.partition(" ")
        if directive != "{code-block}":
            language = directive
        while option := _OPTION.match(text):
            options[option[1]] = option[2]
            text = text[option.end() :]
    return Block(language, text, options.get("caption"))


@dataclass(frozen=True)
class Command:
    """A console command, and the lines that it should print."""

    line: str
    shown: list[str]


def commands(block):
    """Return the commands of a console block; ``...`` stands for omitted lines."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    lines = [part.splitlines() for part in parts]
    return [
        Command(first, [it for it in rest if it != "..."]) for first, *rest in lines
    ]


def missing_lines(shown, real):
    """Return the expected lines that a program did not print in this order.

    Times are ignored, any curve equals any other, and numbers may differ by 5 %, as
    other processors add numbers in another order.
    """
    left = [it for it in real.splitlines() if it.strip()]
    missing = []
    for line in filter(str.strip, shown):
        at = next((i for i, it in enumerate(left) if _is_same(line, it)), None)
        if at is None:
            missing.append(line)
        else:
            left = left[at + 1 :]
    return missing


def _is_same(one, other):
    one, other = (" ".join(_TIME.sub("TIME", it).split()) for it in (one, other))
    one, other = (_CURVE.sub("CURVE", it) for it in (one, other))
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(_is_near(float(a), float(b)) for a, b in pairs)


def _is_near(one, other):
    return abs(one - other) <= 0.05 * max(abs(one), abs(other))


def shell_environment(folder):
    """Return the environment of a shell in which `pytest` and `python` use this
    interpreter.
    """
    programs = folder / "programs"
    programs.mkdir()
    for name, arguments in (("pytest", "-m pytest"), ("python", "")):
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        path.chmod(0o755)
    plain = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST_", "COV_", "GITHUB_"))
    }
    return plain | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider",
        "CUDA_VISIBLE_DEVICES": "-1",
        "COLUMNS": "80",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "A reader" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "reader@home" for who in ("AUTHOR", "COMMITTER")},
    }
