"""A failing case is kept in a file that is read and never run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


SIMPLE = st.from_regex(r"[ab]{1,2}", fullmatch=True)
ODD = st.text("ab/-_.:[] |", min_size=1, max_size=4)
NODEIDS = st.builds(
    lambda folders, names, ids: (
        "/".join([*folders, "test.py"]) + "::" + "::".join(names) + ids
    ),
    st.lists(SIMPLE | ODD, max_size=2),
    st.lists(SIMPLE, min_size=1, max_size=2),
    (SIMPLE | ODD).map("[{}]".format) | st.just(""),
)


def is_one_test(first: str, second: str) -> bool:
    """A function and a class of one module cannot have the same name."""
    return first.replace("[", "::").rstrip("]") == second.replace("[", "::").rstrip("]")


@given(st.lists(NODEIDS, min_size=2, max_size=2))
@example(["a/b.py::test_x", "a-b.py::test_x"])
@example(["t.py::test_x[Adam]", "t.py::test_x[adam]"])
@example(["t.py::test_x[m/s]", "t.py::test_x[m s]"])
@example(["t.py::test_x[a-b]", "t.py::test_x[a/b]"])
@example([f"t.py::test_x[{'a' * 200}b]", f"t.py::test_x[c{'a' * 200}b]"])
def test_each_test_has_a_file_of_its_own_where_case_does_not_count_too(nodeids):
    first, second = nodeids
    if not is_one_test(first, second):
        one, other = (replay_path(Path(), it).name.casefold() for it in nodeids)
        assert one != other


def test_plain_names_are_kept_in_full():
    path = replay_path(Path(), "tests/test_x.py::TestA::test_b[96]")

    assert path.name == "tests-test_x.py-TestA-test_b-96.json"


@pytest.mark.parametrize(
    "nodeid",
    ["t.py::test_x[a:b]", "t.py::test_x[a\\b*?|<>]", "t.py::test_x[" + "é" * 300 + "]"],
)
def test_a_file_can_be_called_so_on_windows(nodeid):
    name = replay_path(Path(), nodeid).name

    assert re.fullmatch(r"[\w.-]+\.json", name, re.ASCII)
    assert len(name) < 130


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

    with pytest.raises(UsageError, match=f"{path} is not a replay file"):
        read_replay(path)
