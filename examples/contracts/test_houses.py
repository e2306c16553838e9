"""The contracts of a project's preprocessing: no model, no training."""

import numpy as np
import pytest
from houses import Preprocessing, load_sample
from sklearn.datasets import load_wine
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_lossguard import Contract


@pytest.mark.contracts(unused=("customer_id",))
def test_houses(contract: Contract) -> None:
    houses = Preprocessing()
    contract(houses.prepare, *load_sample(), serve=houses.serve)


@pytest.mark.contracts(missing=True)
def test_pipeline(contract: Contract) -> None:
    pipeline = make_pipeline(SimpleImputer(), StandardScaler())
    contract(pipeline, *load_wine(return_X_y=True))


def make_windows(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last 8 values, and the one that follows."""
    windows = np.lib.stride_tricks.sliding_window_view(series, 9)
    return windows[:, :8], windows[:, 8]


@pytest.mark.contracts(future=True)
def test_windows(contract: Contract) -> None:
    contract(make_windows, np.random.default_rng(1).normal(0, 1, 200).cumsum())
