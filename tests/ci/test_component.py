"""`templates/lossguard.yml`: its script run as a GitLab runner does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.ci_project import Project, report

TEMPLATE = (Path(__file__).parents[2] / "templates" / "lossguard.yml").read_text()
MARKER = "<!-- lossguard: lossguard -->"
#: What asks for the report of the target branch.
BASE = "jobs/artifacts/main%2F1/raw/lossguard-reports/lossguard.json job=lossguard"
JOB, PRIVATE = "JOB-TOKEN: job", "PRIVATE-TOKEN: secret"


def filled(**inputs):
    """The job with these inputs, as GitLab reads it."""
    spec, _, text = TEMPLATE.partition("\n---\n")
    known = yaml.safe_load(spec)["spec"]["inputs"]
    given = {name: it["default"] for name, it in known.items()}
    given |= {name.replace("_", "-"): it for name, it in inputs.items()}

    def value(found):
        it = given[found[1]]
        return str(it).lower() if isinstance(it, bool) else it

    return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", value, text))


def run(project, *, request=True, token="", from_step=0, **inputs):
    (job,) = filled(**inputs).values()
    server = {
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_JOB_NAME": "lossguard",
        "CI_JOB_TOKEN": "job",
        "CI_JOB_URL": "https://gitlab.example/jobs/1",
        "CI_PROJECT_DIR": str(project.folder),
    }
    if request:
        server |= {
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main/1",
        }
    if token:
        server["LOSSGUARD_TOKEN"] = token
    script = "\n".join(job["script"][from_step:])
    assert "$[[" not in script
    return project.shell(script, job["variables"] | server)


def compared(project, *, broken=False, code=0, **given):
    """The steps after the tests, which have written a report."""
    report(project.folder / "lossguard-reports" / "lossguard.json", broken=broken)
    begun = f"code={code} reports=lossguard-reports"
    project.variables["BASH_ENV"] = str(project.temp / "begun")
    (project.temp / "begun").write_text(begun)
    return run(project, from_step=2, **given)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def with_base(project, *, allowed=JOB, broken=False):
    path = report(project.temp / "served.json", broken=broken)
    project.serve(artifacts={f"{BASE} {allowed}": path})


def test_from_nothing_to_a_note_and_the_code_of_pytest(project):
    with_base(project, allowed=PRIVATE)

    done = run(project, token="secret", requirements="a b.txt", options="-k 'alone'")

    (pip,) = (it for it in project.served("calls") if it[0] == "python")
    assert pip[4:] == ["-r", "a b.txt", "pytest-lossguard[html,tensorflow-cpu]"]
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 12 deselected" in done.stdout
    kept = {it.name for it in (project.folder / "lossguard-reports").iterdir()}
    written = {"lossguard.json", "lossguard.html", "junit.xml"}
    assert kept == written | {"comparison.md", "comparison.html"}
    (note,) = project.served("comments")
    assert note["body"].startswith(f"{MARKER}\n### lossguard: 1 worse\n")
    assert note["body"].endswith("[The whole report](https://gitlab.example/jobs/1)\n")


def test_a_later_run_updates_the_note_wherever_it_stands(project):
    with_base(project, allowed=PRIVATE)
    others = [{"id": it, "body": "x"} for it in range(150)]
    project.serve(comments=[*others, {"id": 500, "body": f"{MARKER}\nold"}])

    done = compared(project, token="secret")

    found = project.served("comments")
    assert done.returncode == 0, done.stderr
    assert len(found) == 151
    assert "1 the same" in found[-1]["body"]


def test_without_a_token_the_log_has_the_comparison(project):
    with_base(project)

    done = compared(project, broken=True)

    assert done.returncode == 0
    assert "### lossguard: 1 worse" in done.stdout
    assert "no note on the merge request without the variable LOSSGUARD_TOKEN" in (
        done.stdout
    )
    assert project.served("comments") == []


def test_a_token_that_may_not_write_fails_nothing(project):
    project.serve(refuses={"POST": ["notes"], "GET": ["notes"]})

    done = compared(project, token="secret")

    assert done.returncode == 0
    assert "LOSSGUARD_TOKEN needs the scope api" in done.stdout


def test_where_the_target_branch_has_no_report_the_note_says_so(project):
    done = compared(project, token="secret")

    said = "No report of a job on `main/1` that passed can be read yet"
    assert done.returncode == 0
    assert said in done.stdout
    assert said in project.served("comments")[0]["body"]


def test_what_got_worse_fails_only_where_it_is_asked_for(project):
    with_base(project)

    failed = compared(project, broken=True, fail_on_worse=True)

    assert failed.returncode == 1
    assert "a test got worse than on main/1" in failed.stdout
    assert compared(project, fail_on_worse=True).returncode == 0


@pytest.mark.parametrize("code", [0, 5])
def test_the_code_of_pytest_is_that_of_the_job(project, code):
    assert compared(project, code=code).returncode == code
    assert compared(project, code=code, request=False).returncode == code
    assert compared(project, code=code, compare=False).returncode == code
    assert sum(it[0] == "curl" for it in project.served("calls")) == 1


def test_reports_that_cannot_be_compared_are_no_failure(project):
    with_base(project)
    (project.temp / "served.json").write_text('{"schema": 99, "tests": []}')

    done = compared(project)

    assert done.returncode == 0
    assert "has schema 99" in done.stdout


def test_the_job_has_the_name_and_the_image_that_it_is_given():
    ((name, job),) = filled(job_name="gate", image="mine", stage="check").items()

    assert (name, job["image"], job["stage"]) == ("gate", "mine", "check")
