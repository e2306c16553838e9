from __future__ import annotations

import pytest

from pytest_lossguard.core.busy_clock import busy_clock


@pytest.mark.parametrize(
    ("wall", "processor", "seconds"),
    [
        pytest.param(
            (100.0, 160.0), (5.0, 5.3), 0.3, id="a machine that was suspended"
        ),
        pytest.param((100.0, 102.0), (5.0, 25.0), 2.0, id="many cores"),
    ],
)
def test_the_smaller_of_wall_and_processor_time_counts(wall, processor, seconds):
    walls, processors = iter(wall), iter(processor)
    clock = busy_clock(lambda: next(walls), lambda: next(processors))

    assert clock() == pytest.approx(seconds)
