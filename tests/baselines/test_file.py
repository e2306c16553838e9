"""The committed file: whole or not there, and never taken for what it is not."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.baselines import Baseline, Measured, read_baseline, write_baseline
from pytest_lossguard.baselines.check import check_baseline
from pytest_lossguard.core.errors import UsageError
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.printable import printables

values = st.floats(-1e6, 1e6).map(lambda it: float(f"{it:.4g}"))
trainings = st.builds(
    Measured,
    model=st.text(max_size=10),
    steps=st.none() | st.integers(1, 1000),
    seeds=st.just((0, 1, 2)),
    data=st.just("abc"),
    half=st.none() | values,
    metrics=st.dictionaries(
        st.sampled_from(["skill", "worst_jump"]), st.tuples(values, values, values)
    ),
    notes=st.lists(st.text(max_size=10), max_size=2).map(tuple),
)
baselines = st.builds(
    Baseline,
    test=st.text(max_size=20),
    seed=st.integers(0, 9),
    environment=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    trainings=st.lists(trainings, max_size=2).map(tuple),
)

ONE = Baseline(
    test="test_it.py::test_trains",
    environment={"keras": "3.15"},
    trainings=(
        Measured(
            model="net",
            steps=100,
            seeds=(0, 1),
            data="abc",
            half=0.4,
            metrics={"skill": (0.9, 0.8), "worst_jump": (0.1, 0.2)},
        ),
    ),
)


@given(baselines)
def test_what_was_written_is_read_back(tmp_path_factory, baseline):
    path = tmp_path_factory.mktemp("store") / "a.json"

    write_baseline(path, baseline)

    expected = Baseline.from_json(printables(baseline.to_json()))
    assert read_baseline(path) == expected


def test_a_file_shows_a_metric_a_line(tmp_path):
    path = tmp_path / "a.json"

    write_baseline(path, ONE)

    lines = [line.strip() for line in path.read_text().splitlines()]
    assert '"skill": [0.9, 0.8],' in lines
    assert '"worst_jump": [0.1, 0.2]' in lines


def test_no_file_is_no_baseline(tmp_path):
    assert read_baseline(tmp_path / "a.json") is None


def test_names_that_differ_in_case_are_one_file_elsewhere_and_are_distinguished(
    tmp_path,
):
    path = tmp_path / "test_it.test_trains.json"
    write_baseline(path, replace(ONE, test="test_it.py::test_Trains"))

    with pytest.raises(UsageError, match="differ only in upper and lower case"):
        write_baseline(path, ONE)
    with pytest.raises(
        UsageError, match=r"belongs to test_it\.py::test_Trains, not to"
    ):
        check_baseline(
            [],
            Policy(),
            path=path,
            test=ONE.test,
            seed=0,
            device="CPU",
            update="",
        )

    assert read_baseline(path).test == "test_it.py::test_Trains"


def test_the_baseline_of_a_renamed_test_is_written_anew(tmp_path):
    path = tmp_path / "a.json"
    write_baseline(path, replace(ONE, test="test_it.py::test_before"))

    write_baseline(path, ONE)

    assert read_baseline(path).test == ONE.test


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("", "is not JSON: restore it, or write it again with --lossguard-update"),
        ('{"lossguard_baseline": 1', "is not JSON"),
        ("<<<<<<< HEAD\n{}\n=======\n", "contains merge conflict markers"),
        ('{"name": "a package"}', "is not a baseline of pytest-lossguard"),
        ("[1, 2]", "is not a baseline of pytest-lossguard"),
        ('{"lossguard_baseline": 2}', "has version 2, this pytest-lossguard reads 1"),
        ('{"lossguard_baseline": 1}', "is damaged (KeyError: 'test')"),
        (
            '{"lossguard_baseline": 1, "test": "t", "seed": 0, "environment": [],'
            ' "trainings": []}',
            "is damaged",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, output):
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        read_baseline(path)

    assert output in str(caught.value)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="cannot be read"):
        read_baseline(path)


def test_a_number_that_is_none_is_damage(tmp_path):
    path = tmp_path / "a.json"
    write_baseline(path, ONE)
    path.write_text(path.read_text().replace("0.9", "NaN"))

    with pytest.raises(UsageError, match="damaged"):
        read_baseline(path)


def test_the_file_of_another_tool_is_not_overwritten(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"name": "a package"}')

    with pytest.raises(UsageError, match="move it away"):
        write_baseline(path, ONE)

    assert path.read_text() == '{"name": "a package"}'


@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD", '{"lossguard_baseline": 7}'])
def test_a_torn_merged_or_older_baseline_is_written_anew(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)

    write_baseline(path, ONE)

    assert read_baseline(path) == ONE


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "__lossguard__").write_text("a file where the folder would be")

    with pytest.raises(UsageError, match="cannot be written"):
        write_baseline(tmp_path / "__lossguard__" / "a.json", ONE)


def write_some(folder: str, first: int) -> None:
    for index in range(first, first + 25):
        write_baseline(Path(folder, f"{index}.json"), ONE)
        write_baseline(Path(folder, "same.json"), ONE)


def test_eight_processes_write_two_hundred_files_and_all_are_whole(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(8) as pool:
        pool.starmap(write_some, [(str(tmp_path), 25 * it) for it in range(8)])

    written = sorted(tmp_path.iterdir())

    assert len(written) == 201
    assert all(read_baseline(path) == ONE for path in written)


WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tests.baselines.test_file import ONE, write_baseline

for index in range(10**9):
    write_baseline(Path(sys.argv[1], f"{index % 50}.json"), ONE)
    print(index, flush=True)
"""


def test_a_process_killed_while_it_writes_leaves_no_unreadable_file(tmp_path):
    command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 70:
            pass
        process.kill()

    files = sorted(tmp_path.glob("*.json"))

    assert len(files) == 50
    assert all(json.loads(it.read_text())["test"] == ONE.test for it in files)
