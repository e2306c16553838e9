"""What a function does in each run is what was noted in its trace."""

from __future__ import annotations

from pytest_lossguard.training.record.traced_parts import TracedParts


def run(parts, function, *noted):
    parts.begin()
    for it in noted:
        parts.note(it)
    return parts.done_by(function)


def test_a_run_without_a_trace_does_what_its_trace_did():
    parts = TracedParts()
    assert run(parts, len, "loss", "loss") == ["loss", "loss"]
    assert run(parts, len) == ["loss", "loss"]
    assert run(parts, sum) == []


def test_a_new_trace_takes_the_place_of_the_last():
    parts = TracedParts()
    run(parts, len, "first")

    assert run(parts, len, "second") == ["second"]
    assert run(parts, len) == ["second"]


def test_what_is_noted_after_a_run_is_not_of_it():
    parts = TracedParts()
    run(parts, len, "in it")
    parts.note("after it")

    assert run(parts, len) == ["in it"]


def test_a_function_that_is_only_traced_keeps_its_parts():
    parts = TracedParts()
    parts.begin()
    parts.note("loss")
    assert not parts.is_any
    parts.keep(len)

    assert parts.is_any
    assert run(parts, len) == ["loss"]
    parts.clear()
    assert run(parts, len) == []
