"""`lossguard.fit` below the verdict: which program runs which training."""

from __future__ import annotations

import json
import re
import warnings
from collections import OrderedDict
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import StopTraining, UsageError
from ..trace import Trace
from .data import ArrayData, checked_arrays, first_rows, is_dataset
from .engine import NotInGraph, Program, Task, is_light
from .frameworks import keras, tf
from .recording import Batch
from .state import (
    Seeder,
    Snapshot,
    every_variable,
    preserved_seeds,
    seeded_call,
)
from .tensors import flatten, map_structure
from .watch import Watch, watching

__all__ = ["DEFAULT_BATCH_SIZE", "DEFAULT_STEPS", "Trainer"]

DEFAULT_STEPS = 100
DEFAULT_BATCH_SIZE = 32
#: Traced programs kept for reuse; the one unused for longest goes first.
_MOST_PROGRAMS = 16


class Trainer:
    """Trains models and gives traces; keeps traced programs for reuse."""

    def __init__(self) -> None:
        self._programs: OrderedDict[Any, Program] = OrderedDict()
        self._structures: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._built: dict[Any, Any] = {}
        self._seeder = Seeder()

    def fit(
        self,
        model_or_factory: Any,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        validation_data: Any = None,
        steps: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        reuse_built: bool = False,
        growth: float | None = None,
    ) -> Trace:
        """Run one training and put everything back; see `Lossguard.fit`.

        ``reuse_built`` calls the same factory once for each seed and no more: for
        a search, whose examples differ in their data. ``growth`` ends a training
        on arrays once its loss is so many times above both yardsticks.

        Raises:
            UsageError: Model or data cannot be trained as given.
        """
        if steps is None and epochs is None:
            steps = DEFAULT_STEPS
        task = _task(
            x,
            y,
            sample_weight=sample_weight,
            validation_data=validation_data,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size or DEFAULT_BATCH_SIZE,
            shuffle=shuffle,
            seed=seed,
            growth=growth,
        )
        with preserved_seeds():
            probe, task = _probe(task)
            owned = not isinstance(model_or_factory, keras.Model)
            model = self._model(model_or_factory, probe, seed, reuse_built)
            _check_labels(model, probe)
            if model.run_eagerly or tf.config.functions_run_eagerly():
                build(model, probe)
                return self._by_keras(model, task, "it runs eagerly")
            try:
                program, fresh = self._program(model, task, probe, owned)
            except NotInGraph as reason:
                return self._by_keras(model, task, str(reason))
            return _in_graph(program, model, fresh, task, probe)

    def reseed(self, seed: int) -> None:
        """Start every random generator anew, as `set_seed` would, at less cost."""
        self._seeder.start(seed)

    def watching(
        self, *, seed: int | None, stops: bool
    ) -> AbstractContextManager[Watch]:
        """Watch the trainings inside a block; see `watch.watching`."""
        return watching(seed=seed, stops=stops)

    def _model(
        self, model_or_factory: Any, probe: Batch, seed: int, reuse_built: bool
    ) -> Any:
        def make() -> Any:
            model = _model_of(model_or_factory)
            if not model.built:  # else its weights are drawn already
                build(model, probe)
            return model

        key = _recipe(model_or_factory, seed) if reuse_built else None
        if key is not None and key in self._built:
            return self._built[key]
        model = seeded_call(seed, make)
        if key is not None:
            if len(self._built) >= _MOST_PROGRAMS:
                self._built.clear()
            self._built[key] = model
        return model

    def _program(
        self, model: Any, task: Task, probe: Batch, owned: bool
    ) -> tuple[Program, bool]:
        """The program that trains such models, and whether this one is fresh:
        neither its optimizer nor its metrics have any state yet.
        """
        fresh = _is_fresh(model)
        program = self._known_program(model, task, probe)
        if program is not None and fresh and program.starts_fresh:
            return program, True
        build(model, probe)
        program = program or self._known_program(model, task, probe)
        if program is None:
            program = Program(model, probe, task, fresh=fresh, owned=owned)
            self._programs[self._key(model, task, probe)] = program
            while len(self._programs) > _MOST_PROGRAMS:
                self._programs.popitem(last=False)
        return program, False

    def _known_program(self, model: Any, task: Task, probe: Batch) -> Program | None:
        if not model.built:
            return None
        key = self._key(model, task, probe)
        program = self._programs.get(key)
        if program is None or (program.model is not model and key[0] == id(model)):
            return None
        self._programs.move_to_end(key)
        return program

    def _key(self, model: Any, task: Task, probe: Batch) -> tuple[Any, ...]:
        data = (
            str(map_structure(_spec, (probe.x, probe.y, probe.sample_weight)))
            if task.dataset is None
            else str(task.dataset.element_spec)
        )
        structure = self._structure(model)
        light = is_light(model, probe, task.batch_size)
        return (id(model) if structure is None else structure, data, light)

    def _structure(self, model: Any) -> str | None:
        """`structure_of`, remembered as long as the model is compiled so."""
        compiled = (id(model.optimizer), id(model.loss))
        known = self._structures.get(model)
        if known is None or known[0] != compiled:
            known = self._structures[model] = (compiled, structure_of(model))
        return known[1]

    def _by_keras(self, model: Any, task: Task, reason: str) -> Trace:
        """Train by ``model.fit`` under watch, and put everything back."""
        start = Snapshot(every_variable(model))
        note = f"trained by model.fit, not as a graph loop: {reason}"
        try:
            with watching(seed=task.seed) as watch:
                try:
                    _keras_fit(model, task)
                except StopTraining:
                    pass
            traces = watch.traces()
        finally:
            start.restore()
        if not traces:
            raise UsageError(
                f"model {model.name!r} was fitted and its optimizer made no update:"
                " does its train_step call optimizer.apply?"
            )
        return _as_fit(traces[0], note)


def _in_graph(
    program: Program, model: Any, fresh: bool, task: Task, probe: Batch
) -> Trace:
    if program.model is model:
        return program.run(task, probe)
    before = None if program.owned else Snapshot(program.variables)
    try:
        program.load(model, fresh)
        return program.run(task, probe)
    finally:
        if before is not None:
            before.restore()


def _recipe(factory: Any, seed: int) -> Any:
    """What a plain function makes its model from: itself, the globals that it
    names and the seed; None where more may take part.
    """
    code = getattr(factory, "__code__", None)
    if code is None or factory.__closure__ or factory.__defaults__:
        return None
    named = [factory.__globals__.get(name) for name in code.co_names]
    return factory, seed, tuple(map(id, named))


def _is_fresh(model: Any) -> bool:
    return bool(
        model.built
        and not model.optimizer.built
        and not any(getattr(part, "built", False) for part in _compiled_parts(model))
    )


def _as_fit(trace: Trace, note: str) -> Trace:
    return replace(trace, source="fit", notes=(note, *trace.notes))


def _task(x: Any, y: Any, **rest: Any) -> Task:
    weight = rest.pop("sample_weight")
    validation = _validation(rest.pop("validation_data"), rest["batch_size"])
    if not is_dataset(x):
        arrays = checked_arrays(x, y, weight, rest["batch_size"])
        return Task(arrays=arrays, validation=validation, **rest)
    if y is not None or weight is not None:
        raise UsageError(
            "lossguard.fit got a tf.data.Dataset and y or sample_weight beside it: a"
            " dataset yields them itself, as (x, y) or (x, y, sample_weight)"
        )
    return Task(dataset=x, validation=validation, **rest)


def _validation(given: Any, batch_size: int) -> ArrayData | None:
    if given is None:
        return None
    if is_dataset(given):
        rows, _ = first_rows(given)
        if rows is None:
            raise UsageError("validation_data is an empty dataset: it yields no batch")
        return checked_arrays(rows.x, rows.y, rows.sample_weight, batch_size)
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise UsageError(
            "validation_data must be (x, y), (x, y, sample_weight) or a dataset; got"
            f" {type(given).__name__}"
        )
    weight = given[2] if len(given) == 3 else None
    return checked_arrays(given[0], given[1], weight, batch_size)


def _probe(task: Task) -> tuple[Batch, Task]:
    """Rows to build with and to score, and the task with its rows per step."""
    if task.arrays is not None:
        return task.arrays.probe(), task
    rows, batch_size = first_rows(task.dataset)
    if rows is None:
        raise UsageError("lossguard.fit got an empty dataset: it yields no batch")
    return rows, replace(task, batch_size=batch_size)


def _model_of(model_or_factory: Any) -> Any:
    """The compiled model."""
    model = model_or_factory
    name = "the model"
    if not isinstance(model, keras.Model):
        if not callable(model) or isinstance(model, type):
            raise UsageError(
                "lossguard.fit needs a compiled keras.Model or a function that builds"
                f" one; got {_told(model)}"
            )
        name = f"{getattr(model, '__name__', 'the factory')}()"
        model = model()
        if not isinstance(model, keras.Model):
            raise UsageError(
                f"{name} must return a compiled keras.Model; it returned {_told(model)}"
            )
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise UsageError(
            f"{name} is not compiled: call"
            " model.compile(optimizer=..., loss=...) before lossguard.fit"
            if name == "the model"
            else f"{name} returned a model that is not compiled: call"
            " model.compile(optimizer=..., loss=...) in it"
        )
    return model


def _told(thing: Any) -> str:
    return "None" if thing is None else f"{type(thing).__name__} {thing!r:.60}"


def build(model: Any, sample: Batch) -> None:
    """Create every variable of model, metrics and optimizer."""
    if not (model.built and model.optimizer.built and _metrics_built(model)):
        few = map_structure(
            lambda it: None if it is None else tf.convert_to_tensor(it[:2]),
            (sample.x, sample.y, sample.sample_weight),
        )
        try:
            model._symbolic_build(data_batch=few)
        except Exception:
            # What refuses symbolic inputs is built by its first real call.
            if not model.built:
                model(few[0])
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)


def _metrics_built(model: Any) -> bool:
    return all(part is None or part.built for part in _compiled_parts(model))


def _compiled_parts(model: Any) -> list[Any]:
    return [getattr(model, it, None) for it in ("_compile_metrics", "_compile_loss")]


def _check_labels(model: Any, probe: Batch) -> None:
    """Refuse labels that fit no output before TensorFlow says it in a page."""
    labels = flatten(probe.y)
    outputs = getattr(model, "outputs", None)
    if len(labels) != 1 or not outputs or len(outputs) != 1 or _has_own_loss(model):
        return
    given, made = tuple(labels[0].shape[1:]), tuple(outputs[0].shape[1:])
    if len(given) == len(made) > 0 and given[-1] not in (1, made[-1], None):
        raise UsageError(
            f"labels of shape (rows, {', '.join(map(str, given))}) do not fit the"
            f" output of {model.name!r}, (rows, {', '.join(map(str, made))}): change"
            " the last layer's units or the encoding of the labels"
        )


def _has_own_loss(model: Any) -> bool:
    """Whether the loss is code of the user's own, free to read labels its way."""
    loss = model.loss
    return not isinstance(loss, str) and not _is_of_keras(loss)


def _is_of_keras(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module.partition(".")[0] == "keras"


def _spec(leaf: Any) -> Any:
    return None if leaf is None else (str(leaf.dtype), tuple(leaf.shape[1:]))


def structure_of(model: Any) -> str | None:
    """A text that two models share if the same traced loop can train both.

    Returns:
        None where code of the user's own takes part: that is not written in a
        configuration, so such a model shares its loop with no other.
    """
    if type(model) not in (keras.Sequential, keras.Model) and not _is_functional(model):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what we then do not share
            described = keras.saving.serialize_keras_object(model)
        text = json.dumps(described, sort_keys=True)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
    if _has_own_code(model, text):
        return None
    return _renumbered(text, model) + str([tuple(it.shape) for it in model.variables])


def _is_functional(model: Any) -> bool:
    return _is_of_keras(type(model)) and hasattr(model, "inputs")


def _has_own_code(model: Any, text: str) -> bool:
    layers = model._flatten_layers()
    # What these have learned is in no configuration; a Normalization layer has it
    # in its variables.
    adapted = (it for it in layers if hasattr(it, "adapt"))
    if not all(isinstance(it, keras.layers.Normalization) for it in adapted):
        return True
    if not all(_is_of_keras(type(it)) for it in [*layers, model.optimizer]):
        return True
    return bool(re.search(r'"class_name": "(function|__lambda__|Lambda)"', text))


def _renumbered(text: str, model: Any) -> str:
    """Number automatic names from 0, whatever was built before."""
    named = [model, model.optimizer, *model._flatten_layers()]
    first = [it.name for it in named if it.name == _automatic_name(it)]
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match.group(0)
        return f'"name#{numbers.setdefault(name, len(numbers))}"'

    plain = "".join(f"|{re.escape(name)}" for name in dict.fromkeys(first))
    return re.sub(rf'"(?:[a-z][a-z0-9_]*_\d+{plain})"', number, text)


def _automatic_name(layer: Any) -> str:
    """The name that Keras gives the first layer of a class."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _keras_fit(model: Any, task: Task) -> None:
    left = iter(range(task.steps or 2**31))

    def count(batch: int, logs: Any = None) -> None:
        del batch, logs
        model.stop_training = model.stop_training or next(left) + 1 == task.steps

    per_epoch = task.steps_per_epoch
    epochs = task.epochs or 2**31
    if task.steps is not None and per_epoch is not None:
        epochs = -(-task.steps // per_epoch)
    parts: dict[str, Any] = {"x": task.dataset}
    if task.arrays is not None:
        arrays = task.arrays
        parts = {
            "x": arrays.x,
            "y": arrays.y,
            "sample_weight": arrays.sample_weight,
            "batch_size": task.batch_size,
            "shuffle": task.shuffle,
        }
    if task.validation is not None:
        held_out = task.validation
        parts["validation_data"] = (held_out.x, held_out.y)
    model.fit(
        **parts,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=count)],
    )
