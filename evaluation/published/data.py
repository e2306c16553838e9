"""Data of the published bugs: shipped with scikit-learn, or drawn as published.

The published figures were measured on these arrays, so the arrays are the same for
every seed of a training. They are drawn by `numpy.random.RandomState`, which guarantees
the same numbers in all versions; `default_rng` does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Arrays", "Data"]

Arrays = tuple[Any, Any]
Data = Callable[[], Arrays]


def _as_floats(make: Data) -> Data:
    """Cache the arrays as 32-bit floats, with which the bugs were measured."""

    @functools.cache
    @functools.wraps(make)
    def made() -> Arrays:
        x, y = (np.asarray(it, "float32") for it in make())
        return x, y.reshape(-1, 1) if y.ndim == 1 else y

    return made


def _standardized(values: Any) -> Any:
    """Scale columns to mean 0 and deviation 1; constant columns become 0."""
    deviation = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def _one_hot(classes: Any) -> Any:
    return np.eye(int(classes.max()) + 1)[classes]


# Data shipped with scikit-learn.


def _digits() -> Arrays:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x / 16, y


@_as_floats
def digits() -> Arrays:
    """Return 8x8 digits as 64 columns from 0 to 1, one-hot, instead of MNIST."""
    x, y = _digits()
    return x, _one_hot(y)


@_as_floats
def digits_of_255() -> Arrays:
    """Return the same digits with gray levels from 0 to 255."""
    x, y = _digits()
    return x * 255, _one_hot(y)


@functools.cache
def _rare() -> Any:
    """Return rows of the digits such that each class is half as frequent as the
    previous.
    """
    _, y = _digits()
    first = [np.flatnonzero(y == it)[: max(3, 170 >> it)] for it in range(10)]
    rows = np.concatenate(first)
    return rows[np.random.RandomState(0).permutation(len(rows))]


@_as_floats
def unbalanced_digits() -> Arrays:
    """Return 170 zeros, 85 ones, 42 twos, and so on down to three nines."""
    x, y = _digits()
    return x[_rare()], _one_hot(y)[_rare()]


@_as_floats
def digits_left_out() -> Arrays:
    """Return the digits that are not in `unbalanced_digits`, mostly of its rare
    classes.
    """
    x, y = _digits()
    rest = np.setdiff1d(np.arange(len(x)), _rare())
    return x[rest], _one_hot(y)[rest]


@_as_floats
def irises() -> Arrays:
    """Return 150 irises in centimeters, one-hot."""
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(x))
    return x[order], _one_hot(y)[order]


def _diabetes() -> Arrays:
    """Return 442 patients in the original units, instead of Auto MPG."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    return x, y


diabetes_as_it_comes = _as_floats(_diabetes)


@_as_floats
def diabetes() -> Arrays:
    """Return standardized features and targets."""
    x, y = _diabetes()
    return _standardized(x), _standardized(y)


@_as_floats
def diabetes_of_other_patients() -> Arrays:
    """Return features and targets in different row orders."""
    x, y = diabetes()
    return x[np.random.RandomState(0).permutation(len(x))], y


@_as_floats
def diabetes_times_ten() -> Arrays:
    """Return targets ten times the original, from 250 to 3,460."""
    x, y = _diabetes()
    return _standardized(x), 10 * y


@_as_floats
def diabetes_between_ones() -> Arrays:
    """Return targets scaled to -1..1."""
    x, y = _diabetes()
    return _standardized(x), 2 * (y - y.min()) / np.ptp(y) - 1


@_as_floats
def diabetes_scaled_twice() -> Arrays:
    """Return features scaled to 0..1, then divided by 255 like gray levels."""
    x, y = _diabetes()
    return (x - x.min(axis=0)) / np.ptp(x, axis=0) / 255, _standardized(y)


# Data drawn by scikit-learn.


@_as_floats
def circles() -> Arrays:
    """Return two circles, one inside the other."""
    from sklearn.datasets import make_circles

    x, y = make_circles(1000, noise=0.1, random_state=1)
    return x[:700], y[:700]


@_as_floats
def blobs() -> Arrays:
    """Return three overlapping blobs, one-hot."""
    from sklearn.datasets import make_blobs

    x, y = make_blobs(1000, centers=3, cluster_std=2, random_state=2)
    return x[:700], _one_hot(y[:700])


def two_classes(features: int, **how: Any) -> Data:
    """Return a maker of 1000 rows of two classes."""

    @_as_floats
    def make() -> Arrays:
        from sklearn.datasets import make_classification

        x, y = make_classification(1000, features, random_state=42, **how)
        return x, y

    return make


def linear(features: int, targets: int, *, scaled: bool) -> Data:
    """Return a maker of 1000 rows with targets in the hundreds, or standardized."""

    @_as_floats
    def make() -> Arrays:
        from sklearn.datasets import make_regression

        x, y = make_regression(1000, features, n_targets=targets, random_state=42)
        return x, _standardized(y) if scaled else y

    return make


@_as_floats
def tags() -> Arrays:
    """Return word counts and three tags that do not exclude each other."""
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(6000, 20, n_classes=3, random_state=0)
    return x, y


# Data drawn by NumPy.


@_as_floats
def coins() -> Arrays:
    """Return negative features and random labels."""
    generator = np.random.RandomState(0)
    x = generator.uniform(-1, 0, (4000, 4))
    return x, generator.randint(0, 2, 4000)


@_as_floats
def other_coins() -> Arrays:
    """Return other rows drawn as in `coins`."""
    generator = np.random.RandomState(1)
    x = generator.uniform(-1, 0, (4000, 4))
    return x, generator.randint(0, 2, 4000)


@_as_floats
def eight_points() -> Arrays:
    """Return eight points near a line, with inputs between -8 and 8."""
    generator = np.random.RandomState(3)
    slope, start = generator.uniform(-8, 8, 2)
    x = generator.uniform(-8, 8, (8, 1))
    return x, slope * x + start + generator.uniform(-1, 1, (8, 1))


def ramp(*, scaled: bool) -> Data:
    """Return a maker of a noisy line over 0 to 99, with a column of ones."""

    @_as_floats
    def make() -> Arrays:
        t = np.arange(100.0)
        y = 2 * t + 4 + np.random.RandomState(0).uniform(0, 10, 100)
        return np.column_stack([_standardized(t) if scaled else t, np.ones(100)]), y

    return make


@_as_floats
def two_squares() -> Arrays:
    """Return 100 points in each of two squares, one-hot."""
    generator = np.random.RandomState(0)
    low = generator.uniform(0.2, 0.4, (100, 2))
    high = generator.uniform(0.5, 0.7, (100, 2))
    order = generator.permutation(200)
    return np.concatenate([low, high])[order], _one_hot(np.repeat([0, 1], 100)[order])


@_as_floats
def permuted_bytes() -> Arrays:
    """Return all bytes as bits, and a permutation of them."""
    numbers = np.arange(256)
    permuted = np.random.RandomState(0).permutation(256)
    places = np.arange(8)[::-1]
    return numbers[:, None] >> places & 1, permuted[:, None] >> places & 1


@_as_floats
def one_feature_of_thirty() -> Arrays:
    """Return thirty features, with one of them as the target."""
    x = np.random.RandomState(123).uniform(-1, 1, (5000, 30))
    return x, x[:, 1]


def numbers_below_20000(*, scaled: bool) -> Data:
    """Return a maker of integers, and whether they are below 20,000."""

    @_as_floats
    def make() -> Arrays:
        x = np.random.RandomState(0).randint(15041, 24988, (1000, 1))
        return _standardized(x) if scaled else x, x < 20000

    return make


@_as_floats
def ones_or_zeros() -> Arrays:
    """Return rows of 128 ones or 128 zeros, and which of the two they are."""
    y = np.repeat([1, 0], 1000)
    return np.repeat(y[:, None], 128, axis=1), y


def plane(scale: float) -> Data:
    """Return a maker of a plane over features from 0 to ``scale``."""

    @_as_floats
    def make() -> Arrays:
        x = np.random.RandomState(0).uniform(0, scale, (5000, 3))
        return x, x @ [2, 1, 0.5] + 2.2

    return make


def packets(*, scaled: bool) -> Data:
    """Return a maker of 20 network packets: two addresses as integers, port, time and
    others.

    Packets in the first half of the time are harmless, the others are not.
    """

    @_as_floats
    def make() -> Arrays:
        generator = np.random.RandomState(0)

        def any_of(*values: int) -> Any:
            return generator.choice(values, 20)

        network, rows = 3232235776, np.ones(20)  # 192.168.1.0
        time = generator.randint(524000, 525600, 20)
        columns = [
            network + generator.randint(1, 10, 20),
            network + any_of(1, 2, 3),
            6 * rows,
            128 * rows,
            time,
            any_of(502, 55924),
            any_of(0, 12),
            any_of(0, 61, 65280),
            any_of(0, 6),
            0 * rows,
            generator.randint(1, 200, 20),
        ]
        x = np.column_stack(columns)
        return _standardized(x) if scaled else x, time > np.median(time)

    return make


# Data written by hand, or computed by a formula.


@_as_floats
def halves() -> Arrays:
    """Return five points on y = x / 2."""
    x = np.array([[0.5], [1], [0.4], [5], [25]])
    return x, x / 2


_ELEVEN = np.array(
    [
        [0.5, 1, 1],
        [0.9, 1, 2],
        [0.8, 0, 1],
        [0.3, 1, 1],
        [0.6, 1, 2],
        [0.4, 0, 1],
        [0.9, 1, 7],
        [0.5, 1, 4],
        [0.1, 0, 1],
        [0.6, 1, 0],
        [1, 0, 0],
    ]
)
_OF_FOUR = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0])


@_as_floats
def eleven_rows() -> Arrays:
    """Return eleven rows of four classes, with the class as a number."""
    return _ELEVEN, _OF_FOUR


@_as_floats
def eleven_rows_one_hot() -> Arrays:
    """Return the same eleven rows, one-hot."""
    return _ELEVEN, _one_hot(_OF_FOUR)


@_as_floats
def two_points() -> Arrays:
    """Return two rows: input 1 has label 1, input 2 has label 0."""
    return [[1], [2]], [1, 0]


@_as_floats
def xor() -> Arrays:
    """Return the exclusive or of two bits."""
    return [[1, 1], [1, 0], [0, 0], [0, 1]], [0, 1, 0, 1]


@_as_floats
def xor_as_sequences() -> Arrays:
    """Return the exclusive or as sequences of one step, one-hot."""
    x = [[[0, 0]], [[0, 1]], [[1, 0]], [[1, 1]]]
    return x, _one_hot(np.array([0, 1, 1, 0]))


@_as_floats
def two_sequences() -> Arrays:
    """Return two sequences of three steps, with targets from 7 to 12."""
    x = [
        [[8, 0, 18, 10], [9, 0, 20, 7], [7, 0, 17, 12]],
        [[7, 0, 31, 8], [5, 0, 22, 9], [7, 0, 17, 12]],
    ]
    return x, [[[10], [7], [12]], [[8], [9], [12]]]


@_as_floats
def parity() -> Arrays:
    """Return one sequence of bits, and the parity of each bit with the one before."""
    bits = np.array([0, 0, 0, 1, 1, 0, 1, 1])
    flips = np.diff(bits, prepend=0) % 2
    return bits.reshape(1, 8, 1), flips.reshape(1, 8, 1)


@_as_floats
def bent_curve() -> Arrays:
    """Return a polynomial that rises steeply and then hardly at all."""
    x = np.arange(0, 10, 0.05)
    factors = [2.371795e-4, -6.923075e-3, 7.456e-2, -0.36369465, 0.7864035, 0]
    return x[:, None], np.polyval(factors, x)


@_as_floats
def squares() -> Arrays:
    """Return the squares of 0 to 10."""
    x = np.linspace(0, 10, 1000)
    return x[:, None], x**2


def fourth_powers(*, scaled: bool) -> Data:
    """Return a maker of fourth powers of -100 to 100, up to 1e8, or standardized."""

    @_as_floats
    def make() -> Arrays:
        x = np.arange(-100, 100, 0.5)[:, None]
        return (_standardized(x), _standardized(x**4)) if scaled else (x, x**4)

    return make
