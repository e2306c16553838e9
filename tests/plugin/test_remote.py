"""Workers on other machines, reached by a socket: each has the project in a folder of
its own, and what it makes comes home.
"""

from __future__ import annotations

import json
from itertools import permutations
from shutil import copytree

import pytest

from tests.plugin.test_shards import searched
from tests.support.machines import machines
from tests.support.projects import PROJECT

#: A failing contract, a passing one, and a test during which a machine is lost.
CHECKED = """
import os
import socket
import numpy as np
import pytest

OFF = "columns deterministic held_out kept mixed own_label process requests trained"
OFF = dict.fromkeys([*OFF.split(), "types", "unseen", "zeros"], False)
X = np.arange(40.0).reshape(20, 2)


def wait_until_lost(port):
    try:
        socket.create_connection(("127.0.0.1", port)).recv(1)
    except ConnectionError:
        pass


@pytest.mark.parametrize("n", range(12))
@pytest.mark.contracts(**OFF)
def test_checked(contract, n):
    if os.path.exists("other"):  # the machine that has the first test is lost in it
        os._exit(1) if n == 0 else wait_until_lost(int(open("other").read()))
    prepare = lambda x: x * 2 if n else x - x.mean(0)
    contract(prepare, X, serve=prepare)
"""
PLAIN = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio")


def checked(n):
    return f"tests/test_it.py::test_checked[{n}-alone]"


@pytest.fixture
def places(pytester, project):
    """The same project here, called in a folder of it, and on two other machines."""
    folders = [pytester.mkdir(it) for it in ("here", "one", "two")]
    for folder in folders:
        (folder / "pytest.ini").write_text("[pytest]")
        (folder / "tests").mkdir()
        (folder / "tests" / "test_it.py").write_text(CHECKED)
    return folders


@pytest.fixture
def run(places, pytester, monkeypatch):
    here, *others = places

    def run_it(*options, one_is_lost=False):
        monkeypatch.chdir(here / "tests")
        path = here / "r.json"
        with machines(*others) as where:
            for one, other in permutations(others if one_is_lost else (), 2):
                (one / "other").write_text((other / "port").read_text())
            result = pytester.runpytest_inprocess(
                *PLAIN, *where, f"--lossguard-json={path}", *options
            )
        return result, json.loads(path.read_text())

    return run_it


def test_what_machines_make_comes_home_and_is_typed_and_replayed_here(run, places):
    here, *others = places
    result, report = run()

    result.assert_outcomes(failed=1, passed=11)
    assert {it["nodeid"] for it in report["tests"]} == {*map(checked, range(12))}
    assert "without_entry" not in report
    (found,) = here.rglob(".lossguard/*.json")
    assert found.parent.parent == here
    assert not any((it / ".lossguard").exists() for it in others)
    error = report["tests"][0]["error"]
    assert f"case: pytest --lossguard-replay=../.lossguard/{found.name}" in error
    assert "again: pytest 'test_it.py::test_checked[0-alone]'" in error

    result, _ = run(f"--lossguard-replay=../.lossguard/{found.name}")

    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(("restarts", "exit_code"), [("0", 1), ("4", 3)])
def test_one_machine_is_lost_and_what_it_was_to_run_is_named(run, restarts, exit_code):
    """pytest-xdist 3.8 ends with an internal error where it cannot reach a machine any
    more; what it has not run is named all the same.
    """
    result, report = run(f"--max-worker-restart={restarts}", one_is_lost=True)

    assert result.ret == exit_code
    others = report["without_entry"]
    assert others.pop(checked(0)) == "failed"
    lost = [it for it, why in others.items() if why == "not_run"]
    ended = {it["nodeid"] for it in report["tests"]}
    assert {*ended, *lost, checked(0)} == {*map(checked, range(12))}
    assert lost
    assert {f"  {it}" for it in lost} <= set(result.outlines)


TRAINED = """
from project import *

@pytest.mark.converges(baseline=True)
def test_trains(lossguard):
    lossguard.fit(build, *load(), steps=40)
"""


@pytest.mark.slow
def test_machines_find_what_one_process_finds(run, places, pytester, monkeypatch):
    body = TRAINED + searched(broken=" + 1e3 * (x.max() > 9)")
    for folder in places:
        (folder / "tests" / "test_it.py").write_text(body)
        (folder / "tests" / "project.py").write_text(PROJECT)
    here = places[0]
    single = pytester.path / "single"
    copytree(here, single)

    _, shared = run("--lossguard-keep-failures")
    monkeypatch.chdir(single / "tests")
    pytester.runpytest_inprocess(*PLAIN, "--lossguard-json=../r.json", "-k", "searched")

    alone = json.loads((single / "r.json").read_text())["tests"]
    assert {it["search"]["failing"] for it in alone} - {None}
    assert [it for it in shared["tests"] if it["search"]] == alone
    made = [it.relative_to(here).as_posix() for it in here.rglob("*.json")]
    assert "tests/__lossguard__/test_it.test_trains.json" in made
    assert any(it.startswith(".lossguard/") for it in made)
    assert any(it.startswith("lossguard_regressions/") for it in made)
