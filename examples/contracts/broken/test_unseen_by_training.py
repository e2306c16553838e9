"""Four mistakes that no training can see: each test fails, and says why."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import StandardScaler

scaler = StandardScaler()


def prepare(x, y):
    return scaler.fit_transform(x), y


def refit(x):
    return scaler.fit_transform(x)


@pytest.mark.contracts
def test_the_service_fits_the_scaler_again(contract):
    """`alone`: a row is scaled by the rows that happen to be in the same request."""
    contract(prepare, *load_wine(return_X_y=True), serve=refit)


def prepare_and_split(x, y):
    made = StandardScaler().fit_transform(x)
    return made[::2], y[::2], made[1::2], y[1::2]


@pytest.mark.contracts
def test_the_scaler_is_fitted_before_the_split(contract):
    """`held_out`: the held-out score is too good."""
    contract(prepare_and_split, *load_wine(return_X_y=True))


@pytest.mark.contracts
def test_a_logarithm_of_what_can_be_zero(contract):
    """`zeros`: the sample happens to hold none."""
    x, y = load_breast_cancer(return_X_y=True)
    whole = (x > 0).all(axis=1)
    contract(lambda x, y: (np.log(x), y), x[whole][:200], y[whole][:200], serve=np.log)


def make_features(series):
    values = pd.Series(series)
    mean = values.rolling(7, center=True, min_periods=1).mean()
    return np.column_stack([values, mean])[:-1], series[1:]


@pytest.mark.contracts(future=True)
def test_a_mean_that_looks_ahead(contract):
    """`future`: the three values that follow are in each row."""
    contract(make_features, np.random.default_rng(1).normal(0, 1, 200).cumsum())
