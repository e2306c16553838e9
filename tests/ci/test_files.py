"""What the repository shows GitHub, GitLab, PyPI and those who cite it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from pytest_lossguard.core.addresses import BASE, REPOSITORY

from .test_component import TEMPLATE, filled

ROOT = Path(__file__).parents[2]
GITHUB = f"https://github.com/{REPOSITORY}"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = {
    "citation-file-format": ["CITATION.cff"],
    "dependabot": [".github/dependabot.yml"],
    "github-actions": ["action.yml"],
    "github-issue-config": [".github/ISSUE_TEMPLATE/config.yml"],
    "github-issue-forms": [
        f".github/ISSUE_TEMPLATE/{it}.yml" for it in ("bug", "idea", "wrong-verdict")
    ],
    "github-workflows": [str(it) for it in WORKFLOWS],
    "gitlab-ci": [".gitlab-ci.yml"],
}


def loaded(name):
    """A module of .ci/."""
    path = ROOT / ".ci" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(schema, *paths):
    """What check-jsonschema says."""
    how = ("-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    return subprocess.run(
        [sys.executable, *how], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_workflows_that_pages_show_are_workflows(tmp_path):
    module = loaded("doc_workflows")

    module.main(tmp_path)

    written = [*(tmp_path / ".github" / "workflows").iterdir()]
    pages = {it.stem.rpartition("-")[0] for it in written}
    assert {"ci", "nightly", "tutorial", "github"} == pages
    done = checked("github-workflows", *map(str, written))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_fits_the_schema_of_who_reads_it(schema):
    done = checked(schema, *SCHEMAS[schema])

    assert done.returncode == 0, done.stdout


def test_the_component_fits_that_of_gitlab_once_it_is_filled_in(tmp_path):
    spec = yaml.safe_load(TEMPLATE.partition("\n---\n")[0])
    paths = tmp_path / "spec.json", tmp_path / "job.json"
    for path, content in zip(paths, (spec, filled()), strict=True):
        path.write_text(json.dumps(content))

    done = checked("gitlab-ci", *map(str, paths))

    assert done.returncode == 0, done.stdout


def test_the_action_and_the_component_have_the_same_inputs():
    action = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    component = yaml.safe_load(TEMPLATE.partition("\n---\n")[0])["spec"]["inputs"]
    of_github = {"python-version", "working-directory", "comment", "artifact", "token"}

    assert action.keys() - component.keys() == of_github
    assert component.keys() - action.keys() == {"job-name", "stage", "image"}
    for name in action.keys() & component.keys():
        default = component[name]["default"]
        output = str(default).lower() if isinstance(default, bool) else default
        assert action[name]["default"] == output


# Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda it: it.stem)
def test_a_workflow_may_do_what_it_must_and_no_more(path):
    workflow = yaml.safe_load(path.read_text())
    write = {
        (name, right)
        for name, job in workflow["jobs"].items()
        for right, way in job.get("permissions", {}).items()
        if way == "write"
    }
    of_release = {("publish", "id-token"), ("announce", "contents")}

    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert write == (of_release if path.stem == "release" else set())
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_workflows_run_sessions_that_there_are():
    known = re.findall(
        r"^@nox\.session.*?^def (\w+)", (ROOT / "noxfile.py").read_text(), re.M | re.S
    )
    text = "\n".join(path.read_text() for path in WORKFLOWS)
    asked = {
        name
        for found in re.findall(r"nox -s ((?:[a-z]+ ?)+)", text)
        for name in found.split()
    }
    (listed,) = re.findall(r"session: \[(.*)\]", text)

    assert len(asked) > 4
    assert asked | set(listed.split(", ")) <= set(known)


def test_every_python_that_is_promised_is_tested_on_three_systems():
    (ci,) = (it for it in WORKFLOWS if it.stem == "ci")
    matrix = yaml.safe_load(ci.read_text())["jobs"]["tests"]["strategy"]["matrix"]
    versions = [it.rsplit(" ", 1)[1] for it in PROJECT["classifiers"] if ":: 3." in it]

    assert matrix["python"] == versions
    assert [it.split("-")[0] for it in matrix["system"]] == [
        *("ubuntu", "windows", "macos")
    ]


# Addresses and packaging


def test_every_address_of_the_project_begins_at_one_place():
    files = ["README.md", "SECURITY.md", "CITATION.cff", ".gitlab-ci.yml", "action.yml"]
    texts = [(ROOT / it).read_text() for it in files]
    texts += [it.read_text() for it in (ROOT / ".github").rglob("*.yml")]
    found = re.findall(r"https://[^\s)>\"]*lossguard[^\s)>\"]*", "\n".join(texts))
    found += PROJECT["urls"].values()
    ours = (f"{BASE}/", GITHUB, "https://pypi.org/project/pytest-lossguard/")

    assert len(found) > 8
    assert [it for it in found if not it.startswith(ours)] == []
    assert PROJECT["urls"]["Documentation"] == f"{BASE}/"
    assert PROJECT["urls"]["Source"] == GITHUB


SYSTEMS = {
    ("linux", "x86_64"): "tensorflow-cpu",
    ("linux", "aarch64"): "tensorflow",
    ("darwin", "arm64"): "tensorflow",
    ("win32", "AMD64"): "tensorflow-cpu",
}


@pytest.mark.parametrize(("system", "name"), SYSTEMS.items())
def test_the_extra_asks_for_one_tensorflow_and_one_that_has_wheels(system, name):
    where = dict(zip(("sys_platform", "platform_machine"), system, strict=True))
    extra = PROJECT["optional-dependencies"]["tensorflow-cpu"]
    asked = [Requirement(it) for it in extra]
    names = {it.name for it in asked if not it.marker or it.marker.evaluate(where)}

    assert names == {name, "keras"}


# Release notes


@pytest.fixture
def notes():
    return loaded("release_notes")


CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Later.

## [0.2.0] - 2026-01-02

### Fixed

- This, see [it](x).

## [0.1.0] - 2025-01-02

- First.

## [0.0.1] - 2025-01-01

[0.2.0]: https://example.com
"""


@pytest.mark.parametrize(
    ("tag", "output"),
    [
        ("v0.2.0", "### Fixed\n\n- This, see [it](x).\n"),
        ("0.1.0", "- First.\n"),
    ],
)
def test_the_notes_of_a_release_are_its_section(notes, tmp_path, capsys, tag, output):
    path = tmp_path / "CHANGELOG.md"
    path.write_text(CHANGELOG)

    assert notes.main([tag], path) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize(
    ("tag", "output"),
    [
        ("v9.0.0", "no section [9.0.0], only Unreleased, 0.2.0, 0.1.0, 0.0.1"),
        ("v0.0.1", "says nothing in its section [0.0.1]"),
    ],
)
def test_a_release_without_notes_is_none(notes, tmp_path, capsys, tag, output):
    path = tmp_path / "CHANGELOG.md"
    path.write_text(CHANGELOG)

    assert notes.main([tag], path) == 1
    assert output in capsys.readouterr().err


def test_the_changelog_can_be_read_so(notes):
    assert notes.section((ROOT / "CHANGELOG.md").read_text(), "Unreleased")
