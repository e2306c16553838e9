"""The tutorial, done as a reader does it: write, run, compare what is printed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from tests.support.docs import Block, blocks, commands, missing_lines, shell_environment

PAGE = "tutorial.md"


@pytest.mark.slow
def test_every_command_prints_what_the_tutorial_shows(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = shell_environment(tmp_path)
    exits = []

    for block in blocks(PAGE):
        if block.caption:
            path = folder / block.caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        for command in commands(block) if block.language == "console" else ():
            done = subprocess.run(
                ["bash", "-c", command.line],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert missing_lines(command.shown, done.stdout) == [], done.stdout
            if command.line.startswith("pytest"):
                exits.append(done.returncode)
            else:
                assert done.returncode == 0, done.stderr

    assert exits == [0, 0, 1, 0]


def test_what_is_installed_is_what_the_project_needs():
    (asked,) = (it.text for it in blocks(PAGE) if it.caption == "requirements.txt")
    (sh,) = (it.text for it in blocks(PAGE) if it.language == "sh")

    assert asked == "pytest-lossguard[tensorflow-cpu]\nscikit-learn\n"
    assert sh.splitlines()[-1] == "pip install -r requirements.txt"


def test_the_workflow_fits_the_schema_of_its_vendor(tmp_path):
    (workflow,) = (it for it in blocks(PAGE) if it.language == "yaml")
    path = tmp_path / "tests.yml"
    path.write_text(workflow.text)
    schema = ("--builtin-schema", "vendor.github-workflows")

    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert (
        "python -m pytest"
        in yaml.safe_load(workflow.text)["jobs"]["tests"]["steps"][-1].values()
    )


# How pages are read


def test_a_console_is_commands_and_what_they_print():
    block = Block("console", "$ pytest -q\n1 passed\n...\nthe end\n$ git add .\n")

    first, second = commands(block)

    assert (first.line, first.shown) == ("pytest -q", ["1 passed", "the end"])
    assert (second.line, second.shown) == ("git add .", [])


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["loss 0.104, 3 steps (2.5 s)"], []),
        (["loss 0.1, 3 steps (9 s)"], []),
        (["E  curve ▁▂▃▄▅▆▇█▁▂", "the end"], []),
        (["loss 0.2, 3 steps (2.5 s)"], ["loss 0.2, 3 steps (2.5 s)"]),
        (["loss 0.104, 3 epochs (2.5 s)"], ["loss 0.104, 3 epochs (2.5 s)"]),
        (["the end", "E  curve ▁▂▃▄▅▆▇█▁▂"], ["E  curve ▁▂▃▄▅▆▇█▁▂"]),
    ],
)
def test_lines_are_looked_for_in_their_order(shown, missing):
    real = "loss   0.1042, 3 steps (1.1 s)\nmore\nE  curve █▇▆▅▄▃▂▁▂▁\nthe end\n"

    assert missing_lines(shown, real) == missing
