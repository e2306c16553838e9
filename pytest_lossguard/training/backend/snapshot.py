"""Save and restore what a training changes: variables and random seeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import numpy as np

from .frameworks import keras, tf
from .patches import owner_of, replaced
from .private_api import (
    ResourceVariable,
    eager_context,
    eager_generator,
    eager_seed,
    flat_layers,
    keras_global_state,
    set_eager_seed,
)
from .spill import loaded, spilled
from .tensors import flatten, is_plain, is_variable, raw, value_of


class Snapshot:
    """The values of some variables at one moment.

    Large values are moved to a temporary file if there are many; see `spill`.

    Args:
        variables: Keras or TensorFlow variables; duplicates are ignored.
    """

    def __init__(self, variables: Iterable[Any]) -> None:
        unique = {id(raw(it)): raw(it) for it in variables}
        with tf.init_scope():
            kept = spilled([_read(it) for it in unique.values()])
        self._pairs = list(zip(unique.values(), kept, strict=True))

    @classmethod
    def of_model(cls, model: Any, extra: Iterable[Any] = ()) -> Snapshot:
        """Save weights, statistics and seeds of a model, its optimizer and metrics.

        Args:
            model: A Keras model.
            extra: Further variables to save.
        """
        return cls([*every_variable(model), *extra])

    def beside(self, others: Iterable[tuple[Any, Any]]) -> Snapshot:
        """Return this snapshot extended by pairs of another variable and its value."""
        known = {id(variable) for variable, _ in self._pairs}
        joined = Snapshot(())
        more = ((raw(it), value) for it, value in others)
        joined._pairs = [*self._pairs, *(it for it in more if id(it[0]) not in known)]
        return joined

    @property
    def variables(self) -> list[Any]:
        """The variables whose values are kept."""
        return [variable for variable, _ in self._pairs]

    @property
    def values(self) -> list[Any]:
        """The kept values, in the order of the variables."""
        return [loaded(value) for _, value in self._pairs]

    @property
    def is_whole(self) -> bool:
        """Whether every variable had a value.

        A variable created while a function is traced has none until the function runs.
        """
        return all(it.shape == value.shape for it, value in self._pairs)

    def restore(self) -> None:
        """Assign the saved values to the variables."""
        eagerly = tf.executing_eagerly()
        for variable, value in self._pairs:
            _write(variable, loaded(value), eagerly)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Restore the saved values inside the block, then the current ones again."""
        now = Snapshot(self.variables)
        try:
            self.restore()
            yield
        finally:
            now.restore()


def _read(variable: Any) -> Any:
    return value_of(variable) if is_plain(variable) else variable.value()


def _write(variable: Any, value: Any, eagerly: bool) -> None:
    """Assign a value; at a fifth of the cost if nothing has to be checked."""
    if eagerly and is_plain(variable):
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)
    else:
        variable.assign(value, read_value=False)


@contextmanager
def writes_undone() -> Iterator[None]:
    """Undo all assignments to variables in a block, even if no model has them."""
    kept: dict[int, tuple[Any, Any]] = {}

    def note(call: Callable[..., Any], variable: Any, *args: Any, **how: Any) -> Any:
        if id(variable) not in kept:
            kept[id(variable)] = variable, _read(variable)
        return call(variable, *args, **how)

    try:
        with ExitStack() as patches:
            for name in ("assign", "assign_add", "assign_sub"):
                owner = owner_of(ResourceVariable, name)
                patches.enter_context(replaced(owner, name, note))
            yield
    finally:
        for variable, value in kept.values():
            _write(variable, value, tf.executing_eagerly())


def stateful_layers(model: Any) -> list[Any]:
    """Return the layers of a model whose states go from one call to the next."""
    return [it for it in flat_layers(model) if getattr(it, "stateful", False)]


def variables_and_states(model: Any) -> list[Any]:
    """Return the variables of a model, and the states of its recurrent layers.

    Each call of a layer with ``stateful=True`` changes its states, which Keras does not
    count among the variables of the model.
    """
    states = (getattr(it, "states", None) for it in flat_layers(model))
    return [*model.variables, *filter(is_variable, flatten([*states]))]


def every_variable(model: Any) -> list[Any]:
    """Return all variables of a model, its optimizer and its metrics."""
    optimizer = getattr(model, "optimizer", None)
    return [
        *variables_and_states(model),
        *(optimizer.variables if optimizer is not None else ()),
        *model.metrics_variables,
    ]


@contextmanager
def live_statistics(model: Any) -> Iterator[None]:
    """Make `Normalization` layers read their variables inside the block.

    Keras also keeps the adapted statistics as constants, with which a traced loop
    would train every later model by the statistics of the first.
    """
    layers = [
        it
        for it in flat_layers(model)
        if isinstance(it, keras.layers.Normalization) and it.built
    ]
    kept = [(it.mean, it.variance) for it in layers]
    try:
        for layer in layers:
            layer.finalize_state()
        yield
    finally:
        for layer, (mean, variance) in zip(layers, kept, strict=True):
            layer.mean, layer.variance = mean, variance


def set_seed(seed: int) -> None:
    """Seed Python, NumPy, TensorFlow and Keras."""
    keras.utils.set_random_seed(seed % 2**32)
    state = keras_global_state()
    if state is not None:  # before Keras 3.7 seeding did not reset this generator
        state.set_global_attribute("global_seed_generator", None)


def seeded_call(seed: int, make: Callable[[], Any]) -> Any:
    """Call ``make`` under a seed, at the lowest cost that is still reproducible.

    If ``make`` draws from TensorFlow's generator, which is rare because Keras uses a
    separate one, ``make`` is called once more after a full seeding.
    """
    if not _seed_without_kernels(seed):
        set_seed(seed)
        return make()
    made = make()
    if not _has_drawn(seed):
        return made
    set_seed(seed)
    return make()


class Seeder:
    """Reseeds the random generators repeatedly at low cost.

    Seeding TensorFlow in full discards its cached kernels, which costs a traced loop
    some 100 ms at its next run. It is done only after something has drawn from
    TensorFlow's generator.
    """

    def __init__(self) -> None:
        self._seed: int | None = None

    def start(self, seed: int) -> None:
        """Seed all generators with ``seed``."""
        drawn = self._seed is None or _has_drawn(self._seed)
        if drawn or not _seed_without_kernels(seed):
            set_seed(seed)
        self._seed = seed


def _seed_without_kernels(seed: int) -> bool:
    """Seed all but TensorFlow's kernels; False if TensorFlow's internals differ."""
    seed %= 2**32
    if not set_eager_seed(eager_context(), seed, random.Random(seed)):
        return False
    state = keras_global_state()
    for name, value in zip(_KERAS_SEEDS, (seed, None), strict=True):
        state.set_global_attribute(name, value)
    random.seed(seed)
    np.random.seed(seed)
    return True


def _has_drawn(seed: int) -> bool:
    """Whether TensorFlow's generator has moved since it was seeded."""
    rng = eager_generator(eager_context())
    if rng is None:
        return True
    return bool(rng.getstate() != random.Random(seed % 2**32).getstate())


_KERAS_SEEDS = ("global_random_seed", "global_seed_generator")


class SavedSeeds:
    """The state of every global random generator at one moment.

    TensorFlow and Keras have no public API to read their generators; if their
    internals have changed, these two are not saved.
    """

    _FIELDS: ClassVar = {
        "python": ("_python",),
        "numpy": ("_numpy",),
        "keras": ("_keras", "_moved"),
        "tensorflow": ("_tensorflow", "_generator", "_drawn"),
    }

    def __init__(self) -> None:
        state, context = keras_global_state(), eager_context()
        self._python, self._numpy = random.getstate(), np.random.get_state()
        self._keras = {
            name: state.get_global_attribute(name)
            for name in _KERAS_SEEDS
            if state is not None
        }
        generator = self._keras.get("global_seed_generator")
        self._moved = Snapshot(() if generator is None else (generator.state,))
        self._tensorflow = eager_seed(context)
        self._generator = eager_generator(context)
        if self._generator is not None:
            self._drawn = self._generator.getstate()

    def restore(self) -> None:
        """Restore the saved state of the generators."""
        state, context = keras_global_state(), eager_context()
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        for name, value in self._keras.items():
            state.set_global_attribute(name, value)
        self._moved.restore()
        kept = set_eager_seed(context, self._tensorflow, self._generator)
        if kept and self._generator is not None:
            self._generator.setstate(self._drawn)

    def seeded_since(self, start: SavedSeeds) -> set[str]:
        """Return the generators seeded, not only drawn from, since ``start``.

        Args:
            start: State of the generators at an earlier moment.

        Returns:
            Names among ``"python"``, ``"numpy"``, ``"keras"``, ``"tensorflow"``.
        """
        found = {
            "python": _was_drawn(_words(start._python), _words(self._python)),
            "numpy": _was_drawn(_words(start._numpy), _words(self._numpy)),
            "keras": start._keras.get(_KERAS_SEEDS[0])
            == self._keras.get(_KERAS_SEEDS[0]),
            "tensorflow": start._generator is self._generator,  # seeding makes another
        }
        return {name for name, drawn in found.items() if not drawn}

    def take(self, other: SavedSeeds, names: set[str]) -> None:
        """Copy the state of the named generators from ``other``."""
        for name in names:
            for field in self._FIELDS[name]:
                if hasattr(other, field):
                    setattr(self, field, getattr(other, field))


#: Words in the state of a Mersenne twister; how many blocks of that size are searched
#: for a later state (17 million words, which takes 0.1 s); and blocks drawn at once.
_WORDS, _MOST_BLOCKS, _BLOCKS_AT_ONCE = 624, 27_000, 250


def _words(state: Any) -> Any:
    """Return the words of a Mersenne twister from Python's or NumPy's state.

    The state of any other generator is returned as a string.
    """
    if isinstance(state, dict):
        return repr(state)
    return np.array(state[1][:_WORDS], dtype=np.uint32)


def _was_drawn(start: Any, now: Any) -> bool:
    """Whether drawing leads from one state of a Mersenne twister to the other."""
    if not (isinstance(start, np.ndarray) and isinstance(now, np.ndarray)):
        return bool(start == now)
    if np.array_equal(start, now):
        return True
    wanted, twister = (
        _mersenne_twister(now).random_raw(_WORDS),
        _mersenne_twister(start),
    )
    for _ in range(0, _MOST_BLOCKS, _BLOCKS_AT_ONCE):
        drawn = twister.random_raw(_WORDS * _BLOCKS_AT_ONCE).reshape(-1, _WORDS)
        if wanted[0] in drawn[:, 0] and (drawn == wanted).all(axis=1).any():
            return True
    return False


def _mersenne_twister(words: Any) -> Any:
    """Return a Mersenne twister positioned at the start of a block."""
    made: Any = np.random.MT19937()
    made.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": 0}}
    return made


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Restore the variables of a model and every random generator after the block."""
    now = Snapshot([*variables_and_states(model), *model.metrics_variables])
    try:
        with preserved_seeds():
            yield
    finally:
        now.restore()


@contextmanager
def preserved_seeds() -> Iterator[SavedSeeds]:
    """Restore the state of every random generator after the block."""
    saved = SavedSeeds()
    try:
        yield saved
    finally:
        saved.restore()
