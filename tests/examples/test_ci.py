"""`examples/ci`: valid for their vendors, and run line by line as a shell would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
SCHEMAS = {
    "github-actions.yml": "vendor.github-workflows",
    "gitlab-ci.yml": "vendor.gitlab-ci",
}


def checked(path, schema):
    command = ("-m", "check_jsonschema", "--builtin-schema", schema, str(path))
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_file_fits_the_schema_of_its_vendor(name, schema):
    done = checked(CI / name, schema)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("github-actions.yml", "runs-on:", "run-on:"),
        ("gitlab-ci.yml", "when: always", "when: sometimes"),
    ],
)
def test_a_mistake_does_not_fit_it(name, right, wrong, tmp_path):
    path = tmp_path / name
    path.write_text((CI / name).read_text().replace(right, wrong))

    assert checked(path, SCHEMAS[name]).returncode != 0


# Run as a shell would


@dataclass(frozen=True, kw_only=True)
class Job:
    """The commands of a job, and the variables it sets."""

    commands: list[str]
    variables: dict[str, str]


def job(name, folder):
    parsed = yaml.safe_load((CI / name).read_text())
    if "jobs" in parsed:
        (found,) = parsed["jobs"].values()
        commands = [step["run"] for step in found["steps"] if "run" in step]
        variables = found["env"]
    else:
        (found,) = parsed.values()
        commands, variables = found["script"], found["variables"]
    assert not any("${{" in it for it in commands)
    return Job(
        commands=commands,
        variables={
            key: value.replace("$CI_PROJECT_DIR", str(folder))
            for key, value in variables.items()
        },
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """This package as an index would give it."""
    if not (ROOT / "pytest_lossguard").is_dir():  # the suite runs beside its wheel
        (found,) = (ROOT / "dist").glob("pytest_lossguard-*.whl")
        return found
    folder = tmp_path_factory.mktemp("dist")
    command = ("-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh virtual environment."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    kept = {key: it for key, it in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTEST_XDIST_AUTO_NUM_WORKERS": "2",
    }


@pytest.fixture
def project(tmp_path, wheel):
    """A repository with the example project and its tests; this package comes from the
    built wheel, all others from where pip finds them.
    """
    for name in ("conftest.py", "test_project.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    shutil.copytree(ROOT / "examples" / "project", tmp_path / "project")
    asked = (CI / "requirements-test.txt").read_text()
    ours = re.sub(
        r"^(pytest-lossguard\S*)$", rf"\1 @ {wheel.as_uri()}", asked, flags=re.M
    )
    assert ours != asked
    (tmp_path / "requirements-test.txt").write_text(ours)
    (tmp_path / "test_plain.py").write_text("def test_plain():\n    assert False\n")
    return tmp_path


def shell(command, project, variables):
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_job_passes_then_fails_on_a_broken_training(name, project, environment):
    parsed = job(name, project)
    summary = project / "summary.md"
    variables = environment | parsed.variables
    if name.startswith("github"):
        variables |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}

    for command in parsed.commands:
        done = shell(command, project, variables)
        assert done.returncode == 0, done.stdout + done.stderr
    cases = ElementTree.parse(project / "reports" / "junit.xml").iter("testcase")
    verdicts = {
        case.get("name"): it.get("value")
        for case in cases
        for it in case.iter("property")
        if it.get("name") == "lossguard_verdict"
    }
    page = (project / "reports" / "lossguard.html").read_text(encoding="utf-8")
    model = project / "project" / "model.py"
    model.write_text(model.read_text().replace('"sigmoid"', '"softmax"'))
    broken = shell(parsed.commands[-1], project, variables)

    assert len(verdicts) == 4
    assert set(verdicts.values()) == {"converged"}
    assert "test_diabetes_with_a_hand_written_loop" in page
    assert broken.returncode == 1
    assert "1 failed, 3 passed" in broken.stdout
    assert ("::error file=test_project.py" in broken.stdout) == summary.exists()
