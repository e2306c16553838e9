"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from tensorboard.backend.event_processing.event_multiplexer import (
    EventMultiplexer,
)

from pytest_lossguard.report.tensorboard import run_name, write_events
from tests.support.entries import entry, found, run


def read(folder):
    """Each run's reader, by the run's name."""
    every = EventMultiplexer().AddRunsFromDirectory(str(folder))
    every.Reload()
    return {name: every.GetAccumulator(name) for name in every.Runs()}


def scalars(events: EventAccumulator, tag):
    return [(it.step, it.value) for it in events.Scalars(tag)]


def test_each_training_is_a_run_with_its_curves(tmp_path):
    penalized = run((2.0, 1.0), data_loss=[1.5, 0.75], grad_norm=[3.0, 4.0])

    write_events(tmp_path, [entry("test_a", run((4.0, 2.0)), penalized), entry("b")])

    runs = read(tmp_path)
    first, second = "tests-test_it.py-test_a/1-net", "tests-test_it.py-test_a/2-net"
    assert set(runs) == {first, second, "tests-test_it.py-b/1-net"}
    assert scalars(runs[first], "loss") == [(1, 4.0), (2, 2.0)]
    assert scalars(runs[first], "data_loss") == [(1, 4.0), (2, 2.0)]
    assert scalars(runs[second], "data_loss") == [(1, 1.5), (2, 0.75)]
    assert scalars(runs[second], "gradient_norm") == [(1, 3.0), (2, 4.0)]


def test_numbers_that_are_not_finite_arrive(tmp_path):
    write_events(tmp_path, [entry("a", run((1.0, "NaN", "Infinity", 1e300)))])

    (events,) = read(tmp_path).values()
    first, second, *others = [value for _, value in scalars(events, "loss")]
    assert first == 1.0
    assert math.isnan(second)
    assert others == [math.inf, math.inf]


def test_the_findings_are_a_text(tmp_path):
    causes = [{"cause": "dead_units", "verified": False, "remedy": "leaky_relu"}]
    bad = run(findings=[found()], diagnosis={"causes": causes})

    write_events(tmp_path, [entry("a", bad)])

    (events,) = read(tmp_path).values()
    (text,) = events.Tensors("findings")
    output = text.tensor_proto.string_val[0].decode()
    assert events.PluginTagToContent("text").keys() == {"findings"}
    assert output.startswith("tests/test_it.py::a: not converged\n")
    assert "- **error** `diverging_loss`: it blew up" in output
    assert "- **suspected cause** `dead_units`: leaky_relu" in output


def test_a_second_session_replaces_the_first(tmp_path):
    write_events(tmp_path, [entry("a", run((9.0, 8.0, 7.0)))])
    write_events(tmp_path, [entry("a", run((2.0, 1.0)))])

    (events,) = read(tmp_path).values()
    assert scalars(events, "loss") == [(1, 2.0), (2, 1.0)]


def test_the_same_training_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_events(tmp_path / name, [entry()], clock=lambda: 1.0)

    one, two = (
        sorted(it.read_bytes() for it in (tmp_path / name).rglob("events*"))
        for name in ("one", "two")
    )
    assert one == two


@pytest.mark.parametrize(
    "name", ["a[../../x]", "a[" + "y" * 500 + "]", "a[é\n]", "..", "a[x]"]
)
def test_a_name_stays_in_its_folder(name, tmp_path):
    made = run_name(f"t.py::{name}", "../m")

    assert (tmp_path / made).resolve().is_relative_to(tmp_path.resolve())
    assert len(made.parts) == 2
    assert all(len(part) < 120 and part.isascii() for part in made.parts)


def test_names_that_look_alike_stay_apart():
    names = {run_name(f"t.py::a[{it}]", "net") for it in ("x/y", "x-y", "x y", "x:y")}

    assert len(names) == 4
    assert run_name("a/t.py::b", "1-net") == Path("a-t.py-b/1-net")


def test_names_that_differ_in_case_only_stay_apart_on_windows_and_macos():
    names = [str(run_name(f"t.py::a[{it}]", "1-Net")) for it in ("Adam", "adam")]

    assert len({it.casefold() for it in names}) == 2


def test_writing_loads_no_tensorflow(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.support.entries import entry\n"
        "from pytest_lossguard.report.tensorboard import write_events\n"
        f"write_events(Path({str(tmp_path)!r}), [entry()])\n"
        "print('tensorflow' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
