"""The scenarios as marked tests, of which the golden report is made."""

from __future__ import annotations

import pytest

from tests.support.scenarios import SCENARIOS, train_by_hand


@pytest.mark.converges
@pytest.mark.parametrize("name", SCENARIOS)
def test_fit(lossguard, name):
    it = SCENARIOS[name](0)
    how = {"epochs": it.epochs, "batch_size": it.batch_size}
    lossguard.fit(it.build, it.x, it.y, validation_data=it.validation, **how)


@pytest.mark.converges
@pytest.mark.parametrize("name", SCENARIOS)
def test_watch(name):
    it = SCENARIOS[name](0)
    if name.startswith("S4"):
        train_by_hand(it)
        return
    it.build().fit(
        it.x,
        it.y,
        epochs=it.epochs,
        batch_size=it.batch_size,
        validation_data=it.validation,
        verbose=0,
    )
