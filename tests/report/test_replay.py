"""A failing case is kept in a file that is read and never run."""

from __future__ import annotations

import json

import pytest

from pytest_lossguard import UsageError
from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.report.replay import (
    Replay,
    read_replay,
    replay_path,
    write_replay,
)

CASE = Replay(
    nodeid="tests/test_x.py::TestA::test_b[a/b c]",
    corruption=Corruption(Scale(1000.0, features=(0, 2)), Offset(-1.0, features="mm")),
    seed=3,
)


def test_what_is_written_is_read_again(tmp_path):
    path = write_replay(tmp_path, CASE)

    assert read_replay(path) == CASE
    assert path == replay_path(tmp_path, CASE.nodeid)
    assert path.parent == tmp_path / ".lossguard"


def test_the_folder_keeps_itself_out_of_version_control(tmp_path):
    write_replay(tmp_path, CASE)

    assert "*" in (tmp_path / ".lossguard" / ".gitignore").read_text().splitlines()


def test_an_expression_in_the_file_is_not_what_counts(tmp_path):
    path = write_replay(tmp_path, CASE)
    content = json.loads(path.read_text())
    content["expression"] = "__import__('os').system('false')"
    path.write_text(json.dumps(content))

    assert read_replay(path) == CASE


@pytest.mark.parametrize(
    "change",
    [
        {"corruption": "Corruption()"},
        {"corruption": [{"family": "System", "command": "false"}]},
        {"corruption": [{"family": "Scale", "factor": 1.0, "extra": 2}]},
        {"corruption": [{"family": "Scale"}]},
        {"seed": "many"},
        {"nodeid": ...},
    ],
)
def test_a_foreign_file_is_named(tmp_path, change):
    path = write_replay(tmp_path, CASE)
    content = {**json.loads(path.read_text()), **change}
    content = {key: value for key, value in content.items() if value is not ...}
    path.write_text(json.dumps(content))

    with pytest.raises(UsageError, match=f"{path} is no replay file"):
        read_replay(path)
