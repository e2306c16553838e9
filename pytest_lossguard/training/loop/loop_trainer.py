"""Runs the trainings of `lossguard.fit`, and chooses the traced loop for each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Semaphore
from typing import Any
from weakref import WeakKeyDictionary

from ...core.errors import CannotChange, StopTraining, UsageError
from ...core.systems import processors
from ...core.trace import Trace
from ..backend.batch import Batch
from ..backend.data import first_rows
from ..backend.frameworks import keras, tf
from ..backend.snapshot import Snapshot, every_variable, preserved_seeds, seeded_call
from ..backend.tensors import map_structure
from ..record.replicas import is_distributed
from ..score.row_order import may_be_sorted, spread_rows
from ..watching.watch import watching
from .data_checks import check_data
from .fingerprint import fingerprint_of
from .loop_run import LoopRun
from .models import build, build_key, is_fresh, model_of
from .spec import Hook, PreparedRun, TrainingSpec, make_spec
from .traced_loop import NotInGraph, TracedLoop, is_light

#: Most traced programs that are kept for reuse; the least recently used is dropped.
_MOST_PROGRAMS = 16
#: Most concurrent trainings: at this number, the Python part of each already keeps all
#: processors busy.
_MOST_AT_ONCE = 8


class LoopTrainer:
    """Trains models by loops in a TensorFlow graph, and keeps traced loops for reuse.

    Args:
        shared_by: Number of processes that train on this machine at the same time.
    """

    def __init__(self, shared_by: int = 1) -> None:
        self._at_once = max(1, min(_MOST_AT_ONCE, processors() // shared_by))
        self._programs: OrderedDict[Any, TracedLoop] = OrderedDict()
        self._keys: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._built: dict[Any, Any] = {}

    def fit_seeds(
        self,
        model_or_factory: Any,
        x: Any,
        y: Any = None,
        *,
        seeds: Sequence[int],
        reuse_built: bool = False,
        finish: Hook = None,
        **how: Any,
    ) -> list[Trace]:
        """Run the same training from several seeds, concurrently if possible.

        Args:
            model_or_factory: As for ``lossguard.fit``.
            x: As for ``lossguard.fit``.
            y: As for ``lossguard.fit``.
            seeds: The seeds, one for each training.
            reuse_built: Whether to call a factory only once for each seed, for a
                search whose examples differ only in their data.
            finish: Called with each trained model before its weights are restored.
            how: The other arguments of `make_spec`. ``growth`` ends a training on
                arrays once its loss is that many times both reference losses.

        Returns:
            One trace per seed, in order.

        Raises:
            UsageError: Model or data cannot be trained as given.
        """
        task = make_spec(x, y, **how)
        with preserved_seeds():
            probe, task = _probe(task)
            tasks = (replace(task, seed=seed) for seed in seeds)
            jobs = (self._job(model_or_factory, it, probe, reuse_built) for it in tasks)
            finished = (replace(it, finish=finish) for it in jobs)
            return [it.result() for it in self.train_all(finished)]

    def _job(
        self, model_or_factory: Any, task: TrainingSpec, probe: Batch, reuse_built: bool
    ) -> PreparedRun:
        model = self.model(model_or_factory, probe, task.seed, reuse_built)
        # A model that is kept for its seed must keep its own first weights.
        owned = not (reuse_built or isinstance(model_or_factory, keras.Model))
        return PreparedRun(model=model, task=task, probe=probe, owned=owned)

    def train(self, job: PreparedRun) -> Trace:
        """Run a job, and restore the state of its model.

        Raises:
            CannotChange: The job cannot run in a graph, but has ``only_in_graph`` set.
            UsageError: The data do not fit the model.
        """
        program, fresh, reason = self._chosen(job)
        if program is None:
            return self._by_keras(job, reason)
        with _loaded(program, job, fresh):
            return LoopRun(program, job.task, job.probe).alone(job.finish)

    def train_all(self, jobs: Iterable[PreparedRun]) -> list[Future[Trace]]:
        """Run several jobs, concurrently where that gives the same numbers.

        Jobs are taken from ``jobs`` one by one while earlier ones still run. At most
        one job at a time holds its weights while it waits for a free thread.

        Returns:
            A future for each job, in order, with its trace or its exception.
        """
        free = Semaphore(self._at_once)
        with ThreadPoolExecutor(self._at_once) as pool:
            return [self._begun(job, pool, free) for job in jobs]

    def _begun(
        self, job: PreparedRun, pool: ThreadPoolExecutor, free: Semaphore
    ) -> Future[Trace]:
        done: Future[Trace] = Future()
        try:
            program, fresh, reason = self._chosen(job)
            if program is None:
                done.set_result(self._by_keras(job, reason))
                return done
            run = LoopRun(program, job.task, job.probe)
            with _loaded(program, job, fresh):
                if self._at_once == 1 or job.finish or not run.can_go_beside:
                    done.set_result(run.alone(job.finish))
                    return done
                start = Snapshot(program.variables).values
            free.acquire()
            begun = pool.submit(run.beside, start)
            begun.add_done_callback(lambda _: free.release())
            return begun
        except Exception as error:
            done.set_exception(error)
            return done

    def _chosen(self, job: PreparedRun) -> tuple[TracedLoop | None, bool, str]:
        """Return the program that runs a job, whether the job's model is fresh, and an
        empty string; or None, False, and why the job must run by ``model.fit``.
        """
        model = job.model
        check_data(model, job.probe, job.task)
        try:
            if model.run_eagerly or tf.config.functions_run_eagerly():
                build(model, job.probe)
                raise NotInGraph("it runs eagerly")
            if is_distributed(model):
                raise NotInGraph("it was made under a tf.distribute strategy")
            return *self._program(model, job.task, job.probe, job.owned), ""
        except NotInGraph as reason:
            if job.only_in_graph:
                raise CannotChange(f"it cannot run in the graph: {reason}") from None
            return None, False, str(reason)

    def model(
        self,
        model_or_factory: Any,
        probe: Batch,
        seed: int,
        reuse_built: bool = False,
    ) -> Any:
        """Return the model, built with the rows of ``probe`` under a seed."""

        def make() -> Any:
            model = model_of(model_or_factory)
            if not model.built:  # else its weights are initialized already
                build(model, probe)
            return model

        key = build_key(model_or_factory, seed) if reuse_built else None
        if key is not None and key in self._built:
            return self._built[key]
        model = seeded_call(seed, make)
        if key is not None:
            if len(self._built) >= _MOST_PROGRAMS:
                self._built.clear()
            self._built[key] = model
        return model

    def _program(
        self, model: Any, task: TrainingSpec, probe: Batch, owned: bool
    ) -> tuple[TracedLoop, bool]:
        """Return the program that trains a model, and whether the model may be loaded
        as fresh: neither its optimizer nor its metrics have any state yet.
        """
        fresh = is_fresh(model)
        program = self._known_program(model, task, probe)
        if program is not None and fresh and program.starts_fresh:
            return program, True
        build(model, probe)
        program = program or self._known_program(model, task, probe)
        if program is None:
            program = TracedLoop(model, probe, task, fresh=fresh, owned=owned)
            self._programs[self._key(model, task, probe)] = program
            while len(self._programs) > _MOST_PROGRAMS:
                self._programs.popitem(last=False)
        return program, False

    def _known_program(
        self, model: Any, task: TrainingSpec, probe: Batch
    ) -> TracedLoop | None:
        if not model.built:
            return None
        key = self._key(model, task, probe)
        program = self._programs.get(key)
        if program is None or (program.model is not model and key[0] == id(model)):
            return None
        self._programs.move_to_end(key)
        return program

    def _key(self, model: Any, task: TrainingSpec, probe: Batch) -> tuple[Any, ...]:
        """Return what the traced loop depends on, as the key of ``_programs``; parts of
        it are cached until the model is compiled again.
        """
        data = (
            str([map_structure(_spec, it) for it in probe.parts])
            if task.dataset is None
            else str(task.dataset.element_spec)
        )
        asked = data, task.batch_size
        compiled = (id(model.optimizer), id(model.loss))
        known: Any = self._keys.get(model)
        if known is None or known[0] != compiled:
            known = compiled, fingerprint_of(model) or id(model), {}
            self._keys[model] = known
        _, structure, light = known
        if asked not in light:
            light[asked] = is_light(model, probe, task.batch_size)
        return structure, data, light[asked], task.plain_gradients

    def _by_keras(self, job: PreparedRun, reason: str) -> Trace:
        """Train by ``model.fit`` while watching it, and restore every variable."""
        model, task = job.model, job.task
        start = Snapshot(every_variable(model))
        note = f"trained by model.fit, not as a graph loop: {reason}"
        try:
            with watching(seed=task.seed, only_here=True) as watch:
                try:
                    _keras_fit(model, task)
                except StopTraining:
                    pass
            traces = watch.traces()
            if job.finish is not None:
                job.finish(model)
        finally:
            start.restore()
        if not model.trainable_variables:
            raise UsageError(
                f"model {model.name!r} has no trainable weight: lossguard.fit has"
                " nothing to train; set trainable=True before it"
            )
        if not traces:
            raise UsageError(
                f"model {model.name!r} was fitted, but its optimizer made no update:"
                " does its train_step call optimizer.apply?"
            )
        if len(traces) > 1:
            raise UsageError(
                f"model {model.name!r} trains with {len(traces)} optimizers, but"
                " lossguard.fit judges only one: call model.fit in a marked test, where"
                " each is judged"
            )
        return _as_fit(traces[0], note)


@contextmanager
def _loaded(program: TracedLoop, job: PreparedRun, fresh: bool) -> Iterator[None]:
    """Load the state of the job's model into the program's, and call ``job.prepare``;
    restore the program's model at the end, unless no user code refers to it and nothing
    was prepared.
    """
    same = program.model is job.model
    if same and job.prepare is None:
        yield
        return
    keeps = job.prepare is not None or not program.owned
    before = Snapshot(program.variables) if keeps else None
    try:
        if not same:
            program.load(job.model, fresh)
        if job.prepare is not None:
            job.prepare(program.model)
        yield
    finally:
        if before is not None:
            before.restore()


def _as_fit(trace: Trace, note: str) -> Trace:
    return replace(trace, source="fit", notes=(note, *trace.notes))


def _probe(task: TrainingSpec) -> tuple[Batch, TrainingSpec]:
    """Return rows to build the model with and to score, and the task with the batch
    size of its dataset.
    """
    if task.arrays is not None:
        return task.arrays.probe(), task
    rows, batch_size, _ = first_rows(task.dataset)
    if rows is None:
        raise UsageError("x is an empty dataset: it yields no batch")
    task = replace(task, batch_size=batch_size)
    if not may_be_sorted(rows, batch_size):
        return rows, task
    rows, order = spread_rows(task.dataset)
    return rows, replace(task, class_order=order)


def _spec(leaf: Any) -> Any:
    return None if leaf is None else (leaf.dtype, tuple(leaf.shape[1:]))


def _keras_fit(model: Any, task: TrainingSpec) -> None:
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
        parts["validation_data"] = (held_out.x, held_out.y, held_out.sample_weight)
    model.fit(
        **parts,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=count)],
    )
