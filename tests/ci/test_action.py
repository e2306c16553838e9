"""`action.yml`: its steps run one by one, as a runner does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.support.ci_project import Project, report

ACTION = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text())
MARKER = "<!-- lossguard: lossguard -->"
PUSH, PULL_REQUEST = "push", "pull_request"


@dataclass
class Job:
    """The steps of the action in a project, and what the runner gives them."""

    project: Project
    inputs: dict[str, str] = field(default_factory=dict)
    event: str = PULL_REQUEST

    def __post_init__(self):
        self.outputs = {}
        self.outcomes = {}
        self.log = ""
        temp = self.project.temp
        self.summary, self.output = temp / "summary.md", temp / "output"
        self.summary.write_text("")
        known = {name: it["default"] for name, it in ACTION["inputs"].items()}
        pulled = self.event == PULL_REQUEST
        self.context = {
            **{f"inputs.{name}": it for name, it in (known | self.inputs).items()},
            "inputs.token": "token",
            "github.base_ref": "main" if pulled else "",
            "github.event.pull_request.number": "7" if pulled else "",
        }

    def run(self, *ids):
        """All steps of the shell, or some; the last one that failed."""
        failed = None
        for step in ACTION["runs"]["steps"]:
            if "run" not in step or (ids and step["name"] not in ids):
                continue
            if not self.asked_for(step.get("if", "success()"), failed):
                self.outcomes[step.get("id")] = "skipped"
                continue
            done = self.step(step)
            self.log += done.stdout
            self.outcomes[step.get("id")] = "failure" if done.returncode else "success"
            failed = done if done.returncode else failed
        return failed

    def step(self, step):
        assert "${{" not in step["run"]  # what was given is a value, never a script
        self.output.write_text("")
        given = {key: self.filled(value) for key, value in step["env"].items()}
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_REPOSITORY": "team/project",
            "GITHUB_RUN_ID": "99",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKFLOW_REF": "team/project/.github/workflows/tests.yml@refs/x/y",
            "GITHUB_WORKSPACE": str(self.project.folder),
            "RUNNER_TEMP": str(self.project.temp),
        }
        done = self.project.shell(step["run"], runner | given)
        for line in self.output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[f"steps.{step['id']}.outputs.{name}"] = value
        return done

    def filled(self, text):
        known = self.context | self.outputs
        return re.sub(
            r"\$\{\{ (\S+) \}\}",
            lambda it: known[it[1]] if "steps." not in it[1] else known.get(it[1], ""),
            text,
        )

    def asked_for(self, condition, failed):
        """Whether a step runs: always, if the outcome of another is the asked one."""
        if condition == "success()":
            return failed is None
        step, outcome = re.fullmatch(
            r"always\(\) && steps\.(\w+)\.outcome == '(\w+)'", condition
        ).groups()
        return self.outcomes.get(step, "success") == outcome


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def with_base(project, *, broken=False):
    """Runs of the branch main: one of a fork, one without a report, one with one."""
    path = report(project.temp / "served" / "lossguard.json", broken=broken)
    runs = [{"id": 1, "event": "pull_request"}, {"id": 2, "event": "push"}]
    project.serve(
        runs={"main": [*runs, {"id": 3, "event": "schedule"}]},
        artifacts={"1/lossguard": "never", "3/lossguard": path},
    )


def compared(project, *, broken=False, **inputs):
    """The last steps alone, after a report was written."""
    job = Job(project, {key.replace("_", "-"): it for key, it in inputs.items()})
    folder = project.temp / "reports"
    job.outputs["steps.tests.outputs.reports"] = str(folder)
    report(folder / "lossguard.json", broken=broken)
    failed = job.run(
        "Compare with the target branch",
        "Comment on the pull request",
        "Nothing got worse",
    )
    return job, failed


def test_from_nothing_to_a_comment_that_a_second_run_updates(project):
    with_base(project)
    other = {"id": 5, "body": "<!-- lossguard: other --> of another job"}
    project.serve(comments=[other])
    job = Job(
        project,
        {"requirements": "a b.txt", "paths": ".", "options": "-k 'alone or none'"},
    )

    failed = job.run()
    table, comparison = job.summary.read_text().split("### lossguard: ")
    first = project.served("comments")[1]["body"]
    compared(project)

    (pip,) = (it for it in project.served("calls") if it[0] == "python")
    assert pip[4:] == ["-r", "a b.txt", "pytest-lossguard[html,tensorflow-cpu]"]
    assert failed.returncode == 1
    assert "::notice::" not in job.log
    assert "1 failed, 12 deselected" in failed.stdout
    assert "::error file=test_prepare.py" in failed.stdout
    reports = {it.name for it in (project.temp / "lossguard" / "lossguard").iterdir()}
    written = {"lossguard.json", "lossguard.html", "junit.xml", "comparison.html"}
    assert reports == written
    assert "broken" in table
    assert comparison.startswith("1 worse")
    assert job.outputs["steps.compare.outputs.worse"] == "true"
    assert first.startswith(f"{MARKER}\n### lossguard: 1 worse\n")
    assert "outcome passed -&#62; failed" in first
    assert "(https://github.com/team/project/actions/runs/99)" in first
    kept, ours = project.served("comments")
    assert kept == other
    assert ours["body"].startswith(f"{MARKER}\n### lossguard: 1 the same\n")


def test_where_the_target_branch_has_no_report_the_comment_says_so(project):
    job, failed = compared(project)

    said = "`main` has no report yet to compare with: its next run keeps one."
    assert failed is None
    assert said in job.summary.read_text()
    assert said in project.served("comments")[0]["body"]
    assert job.outputs["steps.compare.outputs.worse"] == "false"


def test_a_pull_request_of_a_fork_gets_the_summary_alone(project):
    with_base(project)
    project.serve(refuses={"POST": ["comments"]})

    job, failed = compared(project, broken=True)

    assert ["gh", "api", "--method", "POST"] in [
        it[:4] for it in project.served("calls")
    ]
    assert failed is None
    assert "1 worse" in job.summary.read_text()
    assert "::notice::lossguard: no comment, the token has no permission" in job.log
    assert project.served("comments") == []


@pytest.mark.parametrize("where", ["runs", "comments"])
def test_a_token_that_may_not_read_fails_nothing(project, where):
    project.serve(refuses={"GET": [where]})

    job, failed = compared(project)

    assert failed is None
    assert ("`actions: read`" in job.summary.read_text()) == (where == "runs")
    assert len(project.served("comments")) == (where == "runs")


def test_what_got_worse_fails_only_where_it_is_asked_for(project):
    with_base(project)

    failed = compared(project, broken=True, fail_on_worse="true")[1]

    assert failed.returncode == 1
    assert "::error::lossguard: a test got worse" in failed.stdout
    assert compared(project, broken=True)[1] is None
    assert compared(project, fail_on_worse="true")[1] is None


def test_reports_that_cannot_be_compared_are_no_failure(project):
    with_base(project)
    served = project.temp / "served" / "lossguard.json"
    served.write_text('{"schema": 99, "tests": []}')
    job, failed = compared(project)

    assert failed is None
    assert "No comparison:" in job.summary.read_text()
    assert "has schema 99" in job.summary.read_text()


def test_a_comment_holds_what_github_takes(project):
    with_base(project)
    job = Job(project)
    comparison = project.temp / "c.md"
    comparison.write_text("| é |\n" * 20_000)
    job.outputs["steps.compare.outputs.comparison"] = str(comparison)

    assert job.run("Comment on the pull request") is None

    body = project.served("comments")[0]["body"]
    assert 55_000 < len(body.encode()) < 65_536
    assert set(body.splitlines()[1:-2]) == {"| é |"}
    assert body.splitlines()[-1].startswith("[The whole report](")


@pytest.mark.parametrize("inputs", [{"compare": "false"}, {}])
def test_nothing_is_compared_unless_it_is_asked_for_and_can_be(project, inputs):
    job = Job(project, inputs, PULL_REQUEST if inputs else PUSH)
    names = "Compare with the target branch", "Comment on the pull request"

    assert job.run(*names, "Nothing got worse") is None
    assert project.served("calls") == []


def test_no_comment_where_none_is_wanted(project):
    with_base(project)

    job, failed = compared(project, comment="false")

    assert failed is None
    assert "lossguard: 1 the same" in job.summary.read_text()
    assert project.served("comments") == []


def test_where_nothing_is_installed_nothing_else_runs(project):
    project.serve(pip=1)
    job = Job(project)

    assert job.run().returncode == 1
    assert job.outcomes["install"] == "failure"
    assert {job.outcomes[it] for it in ("tests", "compare", None)} == {"skipped"}


def test_no_marked_test_fails_the_job_and_the_comment_says_why(project):
    job = Job(project, {"markers": "converges", "options": "--collect-only -x --bad"})

    assert job.run().returncode == 4
    assert "pytest ended before it wrote a report" in job.summary.read_text()


def test_every_action_is_pinned_to_a_major_version():
    used = [it["uses"] for it in ACTION["runs"]["steps"] if "uses" in it]

    assert len(used) == 2
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", it) for it in used)
