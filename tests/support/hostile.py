"""Hypothesis strategies for malformed entries, replay files and baseline files."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.support.entries import PROBE, baseline, entry, found, run

#: Unpaired surrogates, control characters, markup, CI commands, long texts.
texts = st.one_of(
    st.text(st.characters(categories=None), max_size=8),
    st.sampled_from(
        [
            *(
                "\ud800",
                "\x1b[2J\x07",
                "::error::x",
                "\n::stop-commands::y",
                "a" * 5000,
            ),
            *(
                "</script><script>",
                "]]>",
                "{{ x }}",
                "|`*_",
                "\x00",
                "\u2028",
                "%0A",
                "",
            ),
        ]
    ),
)
numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from(["NaN", "Infinity", "-Infinity", 10**400, 1e308, -1e308, -0.0]),
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(value, at=()):
    """Yield the path to every value inside a nested value."""
    yield at
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _places(value[key], (*at, key))


def _changed(value, way, new):
    if not way:
        return new
    copy = value.copy()
    copy[way[0]] = _changed(value[way[0]], way[1:], new)
    return copy


def _without(value, way):
    if len(way) == 1:
        copy = value.copy()
        del copy[way[0]]
        return copy
    copy = value.copy()
    copy[way[0]] = _without(value[way[0]], way[1:])
    return copy


def tampered(whole):
    """Strategy for a value in which some parts are missing or replaced."""
    return _tampered(whole, list(_places(whole)))


@st.composite
def _tampered(draw, whole, places):
    for left in reversed(range(draw(st.integers(1, 4)))):
        way = draw(st.sampled_from(places))
        if way and draw(st.booleans()):
            whole = _without(whole, way)
        else:
            whole = _changed(whole, way, draw(anything))
        if left:
            places = list(_places(whole))
    return whole


CAUSE = {"cause": "unscaled_inputs", "verified": True, "remedy": "scale"}
CAUSE |= {"where": None, "change": "scaled", "loss_before": 1.0, "loss_after": 0.1}
WHOLE = entry(
    "test_a[x]",
    run((), grad_norm=[]),
    run((1.0, "NaN"), findings=[found(), found("plateau", "warning")], probe=PROBE),
    run(diagnosis={"causes": [CAUSE], "tried": 3}, data_loss=[1.0, 0.2], notes=["n"]),
    baseline=baseline(),
    findings=[found("trained_unseen")],
)
WHOLE["search"] = {
    "examples": 3,
    "unique": 2,
    "exhausted_budget": False,
    "failing": None,
    "space": "scales",
    "closest": {"nearness": 0.5, "corruption": "Corruption()"},
    "headroom": ["far"],
}
entries = tampered(WHOLE)


@st.composite
def file_of(draw, whole):
    """Strategy for the bytes of a file that was tampered with, or is malformed."""
    kind = draw(st.sampled_from(["tampered", "deep", "bytes", "cut"]))
    text = json.dumps(draw(tampered(whole)))
    if kind == "deep":
        depth = draw(st.integers(100, 100_000))
        return (draw(st.sampled_from(["[", '{"a":'])) * depth).encode()
    if kind == "bytes":
        return draw(st.binary(max_size=50))
    return (
        text.encode()[: draw(st.integers(0, len(text)))]
        if kind == "cut"
        else (text.encode())
    )
