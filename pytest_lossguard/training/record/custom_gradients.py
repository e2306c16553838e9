"""Compare gradients written with `tf.custom_gradient` to finite differences.

Gradients that are meant to differ are not reported: of functions that return their
input (a gradient reversed, scaled or clipped), of functions that are flat at the tested
point (rounding, signs, spikes with a surrogate), gradients that are 0 or None, and
those of functions named as a straight-through estimator or the like.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...core.busy_clock import busy_clock
from ...core.step_facts import CustomGradient
from ..backend.frameworks import tf
from ..backend.patches import replaced
from ..backend.private_api import CUSTOM_GRADIENT_CALLS, custom_gradients
from ..backend.tensors import flatten, is_variable

#: Functions checked, values perturbed per argument, and random draws of all arguments.
_MOST_FUNCTIONS, _MOST_NUMBERS, _DRAWS = 8, 4, 3
#: Time limit per function in seconds, of which most take a hundredth; most values of an
#: argument; and size of unknown axes, to which axes of larger arguments are cut too.
_SECONDS, _MOST_SIZE, _ANY_SIZE = 0.5, 1 << 14, 3
#: Relative error allowed: gradients may be approximate, also those by solvers.
_OFF = 0.1
#: A slope below this share of the largest counts as flat.
_FLAT = 1e-6
_STEP = 1e-6
#: Scale of the upstream gradient: small enough that no gradient is clipped.
_SMALL = 0.01
_MEANT = re.compile(
    r"straight_?through|pass_?through|surrogate|revers|(^|[._])ste($|[._])",
    re.IGNORECASE,
)
_NOT_THE_USERS = ("tensorflow.", "keras.", "tf_keras.", "pytest_lossguard.")


class CustomGradients:
    """The functions with a custom gradient that were called."""

    def __init__(self) -> None:
        self._called: dict[Any, tuple[Any, list[Any]]] = {}
        self._found: tuple[CustomGradient, ...] | None = None

    def clear(self) -> None:
        """Forget all functions."""
        self._called.clear()
        self._found = None

    def add(self, function: Any, args: Sequence[Any], kwargs: Any) -> None:
        """Note that a function is called, with symbolic or eager tensors."""
        code = getattr(function, "__code__", None)
        if code is None or code in self._called or kwargs:
            return
        if len(self._called) < _MOST_FUNCTIONS and _should_check(function):
            self._called[code] = function, [_kind_of(it) for it in args]
            self._found = None

    def wrong(self) -> tuple[CustomGradient, ...]:
        """Return functions that disagree with finite differences; computed once."""
        if self._found is None:
            self._found = tuple(self._look())
        return self._found

    def _look(self) -> Iterator[CustomGradient]:
        for code, (function, kinds) in self._called.items():
            try:
                with tf.init_scope():
                    found = disagreement(function, kinds)
            except Exception:  # the function may reject other values, shapes or dtypes
                continue
            if found is not None:
                yield CustomGradient(
                    name=code.co_name,
                    place=_place_of(code),
                    given=found[0],
                    real=found[1],
                )


@contextmanager
def derived_gradients(place: str) -> Iterator[None]:
    """Trace inside the block with a derived gradient in place of a custom one.

    Args:
        place: Place of the custom gradient's function, such as ``"train.py:12"``; empty
            for none.
    """

    def derived(call: Any, function: Any, args: Any, kwargs: Any) -> Any:
        code = getattr(function, "__code__", None)
        if code is None or _place_of(code) != place:
            return call(function, args, kwargs)
        return function(*args, **kwargs)[0]

    with ExitStack() as stack:
        for name in CUSTOM_GRADIENT_CALLS if place else ():
            stack.enter_context(replaced(custom_gradients, name, derived))
        yield


def _place_of(code: Any) -> str:
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def disagreement(
    function: Callable[..., Any], kinds: Sequence[Any]
) -> tuple[float, float] | None:
    """Compare the gradient of a function with finite differences.

    Args:
        function: Function that returns its value and its gradient function.
        kinds: For each argument the shape to draw, or the argument itself.

    Returns:
        The slope as given and as measured where they differ most, if at least half of
        the slopes differ in every draw; else None.
    """
    worst = None
    clock = busy_clock()
    for seed in range(_DRAWS):
        found = _slopes(function, kinds, np.random.default_rng(seed))
        pairs = [it for it in found or () if _are_apart(*it)]
        if not found or 2 * len(pairs) < len(found) or clock() > _SECONDS:
            return None
        worst = worst or max(pairs, key=lambda it: abs(it[0] - it[1]))
    return worst


def _are_apart(given: float, real: float) -> bool:
    return abs(given - real) > _OFF * max(abs(given), abs(real))


def _slopes(
    function: Callable[..., Any], kinds: Sequence[Any], draws: Any
) -> list[tuple[float, float]] | None:
    """Return slopes as given and as measured, where the function is not flat.

    None if the difference may be intended or the function cannot be tested.
    """
    args = [draws.normal(size=it.shape) if _is_shape(it) else it for it in kinds]
    value, gradient_of = _called(function, args)
    again, _ = _called(function, args)
    if "variables" in inspect.signature(gradient_of).parameters:
        return None
    if not all(map(np.array_equal, value, again)):
        return None
    if any(_gives_back(it, value) for it in args):
        return None
    upstream = [_SMALL * draws.normal(size=it.shape) for it in value]
    given = gradient_of(*(tf.constant(it) for it in upstream))
    given = [*given] if isinstance(given, (list, tuple)) else [given]
    pairs: list[tuple[float, float]] = []
    for at, (kind, slopes) in enumerate(zip(kinds, given, strict=True)):
        if _is_shape(kind) and slopes is not None and np.any(slopes):
            pairs += _of_argument(function, args, at, np.asarray(slopes), upstream)
    largest = max((abs(real) for _, real in pairs), default=0.0)
    return [it for it in pairs if abs(it[1]) > max(_FLAT * largest, 1e-9)]


def _of_argument(
    function: Callable[..., Any],
    args: Sequence[Any],
    at: int,
    slopes: Any,
    upstream: Sequence[Any],
) -> Iterator[tuple[float, float]]:
    size = args[at].size
    for place in np.unique(np.linspace(0, size - 1, min(size, _MOST_NUMBERS))).astype(
        int
    ):
        ends = []
        for sign in (1, -1):
            moved = args[at].copy()
            moved.flat[place] += sign * _STEP
            value, _ = _called(function, [*args[:at], moved, *args[at + 1 :]])
            ends.append(
                sum(np.sum(a * b) for a, b in zip(upstream, value, strict=True))
            )
        real = (ends[0] - ends[1]) / (2 * _STEP)
        yield float(slopes.flat[place] / _SMALL), float(real / _SMALL)


def _called(function: Callable[..., Any], args: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return a function's values, checked to be finite float64, and its gradient."""
    given = (tf.constant(it) if isinstance(it, np.ndarray) else it for it in args)
    value, gradient_of = function(*given)
    values = [np.asarray(it) for it in flatten(value)]
    if not all(it.dtype == np.float64 and np.isfinite(it).all() for it in values):
        raise ValueError("it gives no numbers of float64")
    return values, gradient_of


def _gives_back(argument: Any, values: Sequence[Any]) -> bool:
    return isinstance(argument, np.ndarray) and any(
        np.array_equal(argument, it) for it in values
    )


def _should_check(function: Any) -> bool:
    module = getattr(function, "__module__", None) or ""
    name = f"{getattr(function, '__qualname__', '')}"
    return not (module.startswith(_NOT_THE_USERS) or _MEANT.search(name))


class _Shape:
    """The shape of an argument whose values are drawn at random."""

    def __init__(self, sizes: Sequence[int | None]) -> None:
        self.shape = tuple(_ANY_SIZE if it is None else it for it in sizes)
        if int(np.prod(self.shape)) > _MOST_SIZE:
            self.shape = tuple(min(it, _ANY_SIZE) for it in self.shape)


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, _Shape)


def _kind_of(argument: Any) -> Any:
    """Return the shape of a floating-point argument, any other argument unchanged."""
    if not (tf.is_tensor(argument) or is_variable(argument)):
        return argument
    is_drawn = tf.as_dtype(argument.dtype).is_floating
    return _Shape([*argument.shape]) if is_drawn else argument
