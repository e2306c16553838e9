"""Known hard cases: small committed files, read and never run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_lossguard import UsageError
from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.report.regressions import KnownCase, Stale, keep, read_folder
from pytest_lossguard.report.replay import Replay

FOLDER = "lossguard_regressions"
CASE = Replay(
    nodeid="tests/test_x.py::test_b", corruption=Corruption(Scale(10.0)), seed=3
)


def test_what_is_kept_is_read_again(tmp_path):
    path, is_new = keep(tmp_path / FOLDER, CASE)

    assert is_new
    file = f"{FOLDER}/{path.name}"
    assert read_folder(tmp_path) == ([KnownCase(file=file, case=CASE)], [])
    assert json.loads(path.read_text())["expression"] == "Corruption(Scale(10.0))"


def test_a_test_may_have_several_and_each_is_kept_once(tmp_path):
    keep(tmp_path / FOLDER, CASE)
    _, again = keep(tmp_path / FOLDER, CASE)
    _, other = keep(
        tmp_path / FOLDER, replace(CASE, corruption=Corruption(Offset(1.0)))
    )

    assert (again, other) == (False, True)
    assert len(read_folder(tmp_path)[0]) == 2


def test_a_case_of_a_shard_is_one_of_the_whole_search(tmp_path):
    shard = f"{CASE.nodeid}[shard-2-of-3]"
    keep(tmp_path / FOLDER, replace(CASE, nodeid=shard))

    ((known,), _) = read_folder(tmp_path)
    assert known.case == CASE


def test_a_case_of_a_contract_is_refused(tmp_path):
    drawn = Replay(nodeid="t.py::test_c", corruption=None, seed=0, draw=(1,))

    with pytest.raises(UsageError, match="only cases of a search are kept"):
        keep(tmp_path / FOLDER, drawn)


def test_without_the_folder_nothing_is_known(tmp_path):
    assert read_folder(tmp_path) == ([], [])


def changed(tmp_path, **change):
    path, _ = keep(tmp_path / FOLDER, CASE)
    content = {**json.loads(path.read_text()), **change}
    path.write_text(json.dumps(content))
    return f"{FOLDER}/{path.name}"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 99},
        {"seed": "many"},
        {"nodeid": 3},
        {"corruption": "Corruption()"},
        {"corruption": None},
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, change):
    file = changed(tmp_path, **change)

    with pytest.raises(UsageError, match=f"^{file} is not a case of pytest-lossguard"):
        read_folder(tmp_path)


def test_a_family_that_is_gone_makes_a_case_stale(tmp_path):
    file = changed(tmp_path, corruption=[{"family": "Gone", "factor": 2.0}])

    ((), (stale,)) = map(tuple, read_folder(tmp_path))
    assert isinstance(stale, Stale)
    assert stale.file == file
    assert "Gone" in stale.reason
