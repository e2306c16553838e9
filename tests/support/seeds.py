"""Seeds of a test, by what runs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

SEEDS = range(20)


def seeds(*, fast: int, slow: int) -> Iterator[Any]:
    """Yield all seeds: the first ones for each run, the next ones marked ``slow``, the
    others marked ``nightly``.
    """
    for seed in SEEDS:
        if seed < fast:
            yield seed
        else:
            mark = pytest.mark.slow if seed < fast + slow else pytest.mark.nightly
            yield pytest.param(seed, marks=mark)
