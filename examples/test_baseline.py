"""What the model reaches today is committed; what makes it worse tomorrow fails."""

import pytest
from project.model import build_diabetes_model, build_tumour_model
from project.preprocess import prepare_diabetes, prepare_tumours
from sklearn.datasets import load_breast_cancer, load_diabetes

from pytest_lossguard import Lossguard


@pytest.mark.converges(baseline=True)
def test_tumours_are_learned_as_well_as_before(lossguard: Lossguard) -> None:
    x, y = prepare_tumours(*load_breast_cancer(return_X_y=True))
    lossguard.fit(build_tumour_model, x, y, steps=100)


def test_the_learning_rate_has_room(lossguard: Lossguard) -> None:
    x, y = prepare_diabetes(*load_diabetes(return_X_y=True))
    margins = lossguard.margins(build_diabetes_model, x, y, steps=100)
    # The ten features are scaled one by one: none may stand on the edge.
    rate, narrowest = margins.learning_rate, margins.narrowest
    assert rate is not None
    assert rate.factor > 10
    assert narrowest is not None
    assert narrowest.factor > 5
