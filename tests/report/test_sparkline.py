"""The loss curve in one line."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.report.sparkline import sparkline


def test_a_falling_curve_falls():
    line, logarithmic = sparkline(np.linspace(1, 0, 8))

    assert line == "█▇▆▅▄▃▂▁"
    assert not logarithmic


def test_a_peak_inside_a_column_is_not_lost():
    curve = np.ones(400)
    curve[123] = 10.0

    assert "█" in sparkline(curve)[0]


def test_wide_ranges_are_drawn_logarithmically():
    assert sparkline(np.geomspace(1, 1e6, 30))[1]


def test_what_is_not_finite_is_marked():
    assert sparkline(np.array([1.0, 2.0, np.nan]))[0] == "▁█!"


@given(st.lists(st.floats(), max_size=200), st.integers(1, 60))
def test_any_curve_gives_a_line_no_wider_than_asked(curve, width):
    line, _ = sparkline(np.asarray(curve, float), width=width)

    assert len(line) == min(width, len(curve))


def test_the_largest_floats_have_a_line_too():
    assert sparkline(np.array([-1.7e308, 1.7e308]))[0] == "▁█"
