"""The examples of the how-to pages: Python is run in one session, the rest parses."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib

import pytest
import yaml

from tests.support.docs import DOCS, blocks, shell_environment

PAGES = sorted(it.name for it in (DOCS / "how-to").glob("*.md"))
#: Files of the tutorial that all pages use, as it writes them first.
SHARED = ("data.py", "model.py")
#: Written beside the tests of their page; other files are for other programs.
BESIDE = ("conftest.py",)


def blocks_of(page, language):
    return [it for it in blocks(f"how-to/{page}") if it.language == language]


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
        name = page.removesuffix(".md").replace("-", "_")
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(examples_of(page), "utf-8")
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
def test_every_example_runs_and_passes(session):
    written = sum(
        len(re.findall(r"^def test_", examples_of(page), re.MULTILINE))
        for page in PAGES
    )
    told = re.findall(r"^(?:PASSED|XFAIL) (\S+)", session.stdout, re.MULTILINE)

    assert session.returncode == 0, session.stdout + session.stderr
    assert len({it.partition("[")[0] for it in told}) == written > 30


@pytest.mark.parametrize("page", PAGES)
def test_files_for_other_programs_parse(page):
    for block in blocks(f"how-to/{page}"):
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
    text = (DOCS / "how-to" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"--lossguard-[a-z-]+", text))
    settings = set(re.findall(r"^(lossguard_\w+) =", text, re.MULTILINE))

    assert named <= known.options
    assert settings <= known.settings


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
