"""Checks of reproducibility: weights from a seed, saved and exported models, and
resumed training.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ...core.errors import first_line
from ...core.model_check_limits import SAME_WEIGHTS
from ...core.numbers import number
from ..backend.frameworks import is_of_keras, keras, tf
from ..backend.snapshot import seeded_call, stateful_layers
from ..backend.tensors import flatten, map_structure
from .inputs import tolerance_of
from .subject import NotMade, Subject, differ, outputs_of, quietly

#: Training steps before the model is saved, and after.
_STEPS = 3


def same_seed_same_weights(subject: Subject) -> Outcome:
    """Check that a model built twice under one seed has the same weights."""
    subject.need_factory()
    one, other = subject.fresh(subject.seed), subject.fresh(subject.seed)
    if len(one.weights) != len(other.weights):
        return Broken(fact="built twice, it has different numbers of weights")
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        if not np.array_equal(np.asarray(mine), np.asarray(theirs), equal_nan=True):
            return Broken(
                fact=f"{mine.path} differs each time, with the same seed",
                column=mine.path,
                lines=(
                    Line("built first", _first(mine)),
                    Line("built again", _first(theirs)),
                ),
                meaning="Python, NumPy, TensorFlow and Keras were seeded before each"
                " build: no training of this model can be repeated.",
            )
    return KEPT


def _first(variable: Any) -> str:
    values = np.ravel(np.asarray(variable))[:3]
    return ", ".join(number(float(it)) for it in values)


def _folder() -> TemporaryDirectory[str]:
    """Return a temporary folder, with cleanup errors ignored: on Windows, a file that
    TensorFlow still has open cannot be deleted.
    """
    return TemporaryDirectory(ignore_cleanup_errors=True)


def saves_and_loads(subject: Subject) -> Outcome:
    """Check that a model predicts the same after it is saved and loaded, as a
    ``.keras`` file and as a file of weights. For a custom class, weights are enough.
    """
    subject.need_same_outputs()
    model, x = _moved(subject), subject.rows()[0]
    before = outputs_of(model, x)
    with _folder() as folder, quietly():
        whole = _from_file(model, Path(folder) / "model.keras", x, before)
        refused = isinstance(whole, Skipped)
        if isinstance(whole, Broken) or (refused and subject.is_object):
            return _refused(whole) if isinstance(whole, Skipped) else whole
        weights = _from_weights(subject, model, Path(folder) / "w.weights.h5", before)
    if weights is not None or not isinstance(whole, Skipped):
        return weights or KEPT
    if is_of_keras(type(model)):
        return _refused(whole)
    reason = f"its weights can be saved and loaded, the model cannot: {whole.reason}"
    return Skipped(reason, applies=True)


def _from_file(model: Any, path: Path, x: Any, before: Any) -> Outcome:
    """Check a ``.keras`` file; skipped if the file cannot be written or read."""
    try:
        model.save(path)
        after = outputs_of(_loaded(path), x)
    except Exception as error:
        return Skipped(f"{type(error).__name__}: {first_line(error)}")
    return _compared("a model that was saved and loaded", model, before, after) or KEPT


def _from_weights(
    subject: Subject, model: Any, path: Path, before: Any
) -> Broken | None:
    """Return what is wrong with a file of weights, if anything."""
    if subject.is_object:
        return None
    try:
        model.save_weights(path)
        fresh = subject.fresh(subject.seed + 1)
        fresh.load_weights(path)
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        return Broken(
            fact="its weights cannot be saved and loaded", meaning=reason[:300]
        )
    after = outputs_of(fresh, subject.rows()[0])
    return _compared("a model with loaded weights", model, before, after)


def _refused(whole: Skipped) -> Broken:
    return Broken(fact="it cannot be saved and loaded", meaning=whole.reason[:300])


def _loaded(path: Path) -> Any:
    """Load the model of a file, without its loss if that cannot be loaded, because
    predictions do not need the loss.
    """
    try:
        return keras.models.load_model(path)
    except Exception:
        return keras.models.load_model(path, compile=False)


def exports(subject: Subject) -> Outcome:
    """Check that the result of ``model.export`` serves the same predictions."""
    subject.need_same_outputs()
    model = _moved(subject)
    x = subject.rows()[0]
    before = outputs_of(model, x)
    with _folder() as folder, quietly():
        try:
            model.export(folder, verbose=False)
            loaded = tf.saved_model.load(folder)  # must stay alive while it serves
            served = loaded.serve(_as_declared(model, x))
        except Exception as error:
            reason = f"{type(error).__name__}: {first_line(error)}"
            return Broken(fact="it cannot be exported and served", meaning=reason[:300])
        after = [np.asarray(tf.cast(it, tf.float64)) for it in flatten(served)]
    if len(after) != len(before):
        return Broken(
            fact=f"the exported model has {len(after)} outputs, not {len(before)}"
        )
    return _compared("what was exported", model, before, after) or KEPT


def _as_declared(model: Any, x: Any) -> Any:
    """Cast inputs to the dtypes of the model's inputs, which an export does not do."""
    declared = getattr(model, "inputs", None) or []
    leaves = flatten(x)
    if len(declared) != len(leaves):
        return x
    cast = (tf.cast(it, own.dtype) for it, own in zip(leaves, declared, strict=True))
    return map_structure(lambda _: next(cast), x)


def _moved(subject: Subject) -> Any:
    """Return a model trained for some steps, if possible, so that its weights differ
    from those of a new model.
    """
    try:
        subject.need_loss()
    except NotMade:
        return subject.fresh(subject.seed)
    return subject.after(_STEPS)


def _compared(what: str, model: Any, before: Any, after: Any) -> Broken | None:
    apart = differ(before, after, tolerance_of(model))
    if apart is None:
        return None
    return Broken(
        fact=f"{what} predicts something different",
        lines=(
            Line("before", number(float(np.ravel(before[0])[0]))),
            Line("after", number(float(np.ravel(after[0])[0]))),
        ),
        meaning=f"Outputs differ by {apart:.1%} of their size, limit"
        f" {tolerance_of(model):.2%}: part of the model is not saved.",
    )


def resumes(subject: Subject) -> Outcome:
    """Check that a training that is saved, loaded and resumed reaches the same weights
    as one without interruption, which needs the state of the optimizer.
    """
    subject.need_loss()
    subject.need_factory()
    model = subject.after(_STEPS)
    with _folder() as folder, quietly():
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            loaded, again = (keras.models.load_model(path) for _ in range(2))
        except Exception:
            reason = "it cannot be saved and loaded: see saves_and_loads"
            raise NotMade(reason) from None
    if getattr(loaded, "optimizer", None) is None:
        raise NotMade("it is loaded without its optimizer", applies=True)
    for other in (loaded, again):
        _draw_alike(model, other)
    resumed = _weights_after_more_steps(loaded, subject)
    if _apart(resumed, _weights_after_more_steps(again, subject)) > SAME_WEIGHTS:
        raise NotMade("the same steps from the same state give other weights")
    apart = _apart(_weights_after_more_steps(model, subject), resumed)
    if apart <= SAME_WEIGHTS:
        return KEPT
    return Broken(
        fact="a training that was saved and resumed continues differently",
        meaning=f"{_STEPS} steps after saving and loading, the weights differ by"
        f" {apart:.2%} from those of an uninterrupted training, limit"
        f" {SAME_WEIGHTS:.2%}: part of the state is not saved.",
    )


def _weights_after_more_steps(model: Any, subject: Subject) -> list[Any]:
    """Return the trainable weights after some more steps. The step is traced again
    under the seed, so that its random numbers are the same each time.
    """
    model.make_train_function(force=True)
    seeded_call(subject.seed, lambda: subject.train(model, _STEPS))
    return [np.array(it, np.float64) for it in model.trainable_variables]


def _draw_alike(model: Any, loaded: Any) -> None:
    """Copy the states of seed generators to the loaded model, and reset stateful layers
    in both: how far Keras saves these states is not checked.
    """
    for layer in (*stateful_layers(model), *stateful_layers(loaded)):
        if hasattr(layer, "reset_state"):
            layer.reset_state()
    for mine, theirs in zip(model.variables, loaded.variables, strict=False):
        if "seed_generator" in mine.path and mine.shape == theirs.shape:
            theirs.assign(mine)


def _apart(one: list[Any], other: list[Any]) -> float:
    """Return the largest L2 distance of a variable, as a share of its norm."""
    shares = (
        float(np.linalg.norm(mine - theirs)) / max(float(np.linalg.norm(mine)), 1e-6)
        for mine, theirs in zip(one, other, strict=True)
    )
    return max(shares, default=0.0)
