"""The examples of the how-to pages and of the FAQ: Python is run in one session, the
rest parses.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

from pytest_lossguard.session.after_test import DIAGNOSIS_BUDGET
from tests.support.docs import (
    DOCS,
    blocks,
    commands,
    missing_lines,
    shell_environment,
)

PAGES = [
    *sorted(f"how-to/{it.name}" for it in (DOCS / "how-to").glob("*.md")),
    "explanation/faq.md",
]
#: Files of the tutorial that all pages use, as it writes them first.
SHARED = ("data.py", "model.py")
#: Of these pages the failed tests are diagnosed, and what learned little is compared.
DIAGNOSED = ("explanation/faq.md",)
DIAGNOSE = """
import dataclasses

def pytest_lossguard_policy(policy):
    return dataclasses.replace(policy, diagnose=True)
"""
#: Written beside the tests of their page; other files are for other programs.
BESIDE = ("conftest.py",)


def blocks_of(page, language):
    return [it for it in blocks(page) if it.language == language]


def examples_of(page):
    """The code of a page that a reader puts into a test file."""
    return "\n".join(it.text for it in blocks_of(page, "python") if not it.caption)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """All examples in one session, so that TensorFlow starts once."""
    home = tmp_path_factory.mktemp("how_to")
    folder = home / "project"
    folder.mkdir()
    for block in reversed(blocks("tutorial.md")):
        if block.caption in SHARED:
            (folder / block.caption).write_text(block.text, encoding="utf-8")
    for page in PAGES:
        name = page.partition("/")[2].removesuffix(".md").replace("-", "_")
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(examples_of(page), "utf-8")
        if page in DIAGNOSED:
            (folder / name / "conftest.py").write_text(DIAGNOSE, "utf-8")
        for block in blocks_of(page, "python"):
            if block.caption in BESIDE:
                (folder / name / block.caption).write_text(block.text, "utf-8")
    # A first run writes baselines, and fails: they are asked for here.
    options = (
        "-q --import-mode=importlib --lossguard-no-diagnose --lossguard-update=new"
    )
    return subprocess.run(
        ["bash", "-c", f"pytest {options} --durations=12 -rA"],
        cwd=folder,
        env=shell_environment(home) | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_example_ends_as_it_says(session):
    written = sum(
        len(re.findall(r"^def test_", examples_of(page), re.MULTILINE))
        for page in PAGES
    )
    found = re.findall(
        r"^(?:PASSED|XFAIL|(FAILED|ERROR)) (\S+)(?: - (.*))?$",
        session.stdout,
        re.MULTILINE,
    )
    names = {nodeid.partition("[")[0] for _, nodeid, _ in found}
    failed = {
        nodeid.rpartition("::")[2]: why.removeprefix("pytest_lossguard.").split(":")[0]
        for bad, nodeid, why in found
        if bad
    }

    assert failed == meant_to_fail(), session.stdout + session.stderr
    assert len(names) == written > 40


def meant_to_fail():
    """The tests of all pages that say in a comment how they fail."""
    code = "\n".join(map(examples_of, PAGES))
    return dict(re.findall(r"^def (test_\w+)\(.*\):  # fails: (\w+)$", code, re.M))


@pytest.mark.parametrize("page", PAGES)
def test_files_for_other_programs_parse(page):
    for block in blocks(page):
        if block.language == "yaml":
            assert yaml.safe_load(block.text)
        elif block.language == "toml":
            assert tomllib.loads(block.text)
        elif block.language == "ini":
            parser = configparser.ConfigParser()
            parser.read_string(block.text)
            assert parser.sections()
        elif block.language == "python":
            compile(block.text, page, "exec")


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_options_that_exist(page):
    from pytest_lossguard.plugin import options

    known = _Options()
    options.add_options(known)
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(re.findall(r"--lossguard-[a-z-]+", text))
    settings = set(re.findall(r"^(lossguard_\w+) =", text, re.MULTILINE))

    assert named <= known.options
    assert settings <= known.settings


#: A project of two tests, to turn things off in; the marked one trains nothing.
PROJECT = """
import pytest

@pytest.mark.converges
def test_marked():
    pass

def test_unmarked():
    pass
"""


@pytest.fixture
def commands_of_faq():
    found = [it for it in blocks("explanation/faq.md") if it.language == "console"]
    return [it for block in found for it in commands(block)]


def test_what_turns_it_off_prints_what_the_faq_shows(pytester, commands_of_faq):
    pytester.makepyfile(PROJECT)

    for it in commands_of_faq:
        arguments = shlex.split(it.line)[1:]
        result = pytester.runpytest_subprocess(*arguments)
        assert result.ret == 0
        assert missing_lines(it.shown, result.stdout.str()) == []
    assert len(commands_of_faq) == 2


def test_the_faq_has_the_seconds_of_a_diagnosis():
    text = (DOCS / "explanation" / "faq.md").read_text(encoding="utf-8")

    assert f"start for up to {DIAGNOSIS_BUDGET:.0f} seconds more" in text


@pytest.mark.slow
def test_tensorflow_is_silent_with_the_variables_of_the_faq():
    (exports,) = (
        it.text
        for it in blocks("explanation/faq.md")
        if it.language == "sh" and "export" in it.text
    )
    given = dict(it.split("=") for it in re.findall(r"\w+=\S+", exports))
    program = "import tensorflow as tf; tf.constant(1)"
    command = [sys.executable, "-W", "ignore", "-c", program]

    made = subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, check=True
    )

    assert made.stderr == ""


class _Options:
    """What pytest's parser is asked to add."""

    def __init__(self):
        self.options, self.settings = set(), set()

    def getgroup(self, *_):
        return self

    def addoption(self, name, **_):
        self.options.add(name.partition("=")[0])

    def addini(self, name, *_, **__):
        self.settings.add(name)
