"""Measures which mutants are worse than their base.

Each base and each mutant is trained on ten seeds. A mutant is broken if its quality on
clean held-out data is lower, by a one-sided Mann-Whitney test at 0.05 and by at least
half a standard deviation (Cohen's d); it is healthy if it is not lower by that much;
otherwise it is neither. Writes ``evaluation/labels.json``.

``python -m evaluation.mutant_labels friedman rate-x10`` measures the mutants whose
names contain one of the words and keeps the other labels. All mutants take about 20
minutes.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .bases import BASES, Base
from .mutants import CANDIDATES, LABELS, Candidate
from .program import Program, Setup

__all__ = ["SEEDS", "label", "qualities"]

SEEDS = tuple(range(10))
#: Significance level and least effect size, from the literature on mutation testing.
_P, _D = 0.05, 0.5
_MOST_D = 99.0


def qualities(program: Program, seeds: Iterable[int] = SEEDS) -> list[float]:
    """Return the quality of a program on held-out data, one number per seed."""
    import keras

    from pytest_lossguard.training import Trainer

    keras.backend.clear_session()
    gc.collect()
    trainer = Trainer()
    return [_quality(trainer, program.setup(seed), seed) for seed in seeds]


def _quality(trainer: Any, setup: Setup, seed: int) -> float:
    assert setup.test is not None
    assert setup.quality is not None
    inputs, labels = setup.test
    predictions: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # layers without gradients are intended
        trainer.fit_seeds(
            *(setup.build, setup.x, setup.y),
            seeds=(seed,),
            finish=lambda model: predictions.append(model(inputs, training=False)),
            **setup.how(),
        )[0]
    return setup.quality(labels, predictions[0])


def constant_quality(base: Base) -> float:
    """Return the mean quality of the best constant prediction."""
    return float(np.mean([_constant(base, base.data(seed).test_y) for seed in SEEDS]))


def _constant(base: Base, y: Any) -> float:
    if "outputs" in base.traits:
        return 0.5 * _most_common(y["kind"])
    if "one-hot" in base.traits:
        return _most_common(y.argmax(-1))
    if {"binary", "classes", "several"} & base.traits:
        return _most_common(y.ravel())
    return 0.0


def _most_common(labels: Any) -> float:
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def label(mutant: list[float], base: list[float], constant: float) -> dict[str, Any]:
    """Return whether a mutant is worse than its base, with the numbers behind it."""
    from scipy import stats

    p = float(stats.mannwhitneyu(mutant, base, alternative="less").pvalue)
    p = 1.0 if np.isnan(p) else p
    d = effect(mutant, base)
    gained = float(np.mean(base)) - constant
    return {
        "quality": round(float(np.mean(mutant)), 4),
        "base": round(float(np.mean(base)), 4),
        "p": float(f"{p:.3g}"),
        "d": round(d, 2),
        "lost": round((float(np.mean(base)) - float(np.mean(mutant))) / gained, 3),
        "seeds_that_fail": float(np.mean(np.asarray(mutant) < min(base))),
        "broken": bool(p < _P and d >= _D),
        "healthy": bool(d < _D),
    }


def effect(mutant: list[float], base: list[float]) -> float:
    """Return Cohen's d; positive if the mutant is worse."""
    difference = float(np.mean(base) - np.mean(mutant))
    pooled = float(np.sqrt((np.var(base, ddof=1) + np.var(mutant, ddof=1)) / 2))
    if pooled < 1e-12:
        return float(np.sign(difference)) * (_MOST_D if abs(difference) > 1e-9 else 0)
    return float(np.clip(difference / pooled, -_MOST_D, _MOST_D))


def _measured(
    base: Base, candidates: Iterable[Candidate]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the labels of one base and of its mutants."""
    healthy, constant = qualities(base.program()), constant_quality(base)
    about = {
        "quality": round(float(np.mean(healthy)), 4),
        "deviation": round(float(np.std(healthy, ddof=1)), 4),
        "lowest": round(min(healthy), 4),
        "constant": round(constant, 4),
    }
    mutants = {
        it.name: label(qualities(it.program()), healthy, constant) for it in candidates
    }
    return about, mutants


def _known() -> dict[str, Any]:
    """Return the stored labels, without those of mutants that no longer exist."""
    if not LABELS.exists():
        return {"seeds": len(SEEDS), "bases": {}, "mutants": {}}
    labels: dict[str, Any] = json.loads(LABELS.read_text(encoding="utf-8"))
    names = {it.name for it in CANDIDATES}
    kept = {name: it for name, it in labels["mutants"].items() if name in names}
    return {**labels, "mutants": kept}


def main(words: list[str]) -> None:
    """Measure all mutants, or those whose names contain one of the words."""
    labels = _known()
    for base in BASES:
        chosen = [
            it
            for it in CANDIDATES
            if it.base is base and (not words or any(word in it.name for word in words))
        ]
        if not chosen:
            continue
        began = time.perf_counter()
        labels["bases"][base.name], mutants = _measured(base, chosen)
        labels["mutants"] |= mutants
        LABELS.write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
        broken = sum(it["broken"] for it in mutants.values())
        seconds = time.perf_counter() - began
        print(
            f"{base.name}: {len(mutants)} mutants, {broken} broken, {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
