"""Measures false alarms and run time of contracts on correct preparations.

``python -m evaluation.contracted`` prints both; arguments select by name prefix.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass

from pytest_lossguard.preprocessing import (
    ContractPolicy,
    ContractResult,
    check_relation,
    preparation_of,
)

from .preparations import PREPARATIONS, Healthy

__all__ = ["Checked", "check", "main"]

#: Limits: share of preparations with a false alarm, and seconds of processor time.
MOST_ALARMS, MOST_SECONDS = 0.02, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Results for one preparation.

    Attributes:
        healthy: The preparation.
        results: One result per relation.
        seconds: Processor time of all checks.
        slowest: Name of the slowest relation.
    """

    healthy: Healthy
    results: tuple[ContractResult, ...]
    seconds: float
    slowest: str

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the broken relations."""
        return tuple(it.relation for it in self.results if it.outcome == "broken")


def check(healthy: Healthy) -> Checked:
    """Check all relations of one preparation, under the keys of its author."""
    policy = ContractPolicy.from_keywords(healthy.keys)
    arguments = healthy.make()
    started, results, seconds = _seconds(), [], {}
    preparation = preparation_of(**arguments, unused=policy.unused)
    for name in policy.names:
        before = _seconds()
        results.append(check_relation(preparation, name, policy))
        seconds[name] = _seconds() - before
    return Checked(
        healthy=healthy,
        results=tuple(results),
        seconds=_seconds() - started,
        slowest=max(seconds, key=lambda it: seconds[it]),
    )


def _seconds() -> float:
    """Return the processor time of this process.

    The child process that the relation ``process`` uses is not included; its calls take
    as long as the same calls in this process.
    """
    return time.process_time()


def main(names: list[str]) -> int:
    """Print each false alarm, then the rates and the run time."""
    chosen = [
        it
        for it in PREPARATIONS
        if not names or any(it.name.startswith(name) for name in names)
    ]
    checked, skipped, failed = [], Counter[str](), 0
    for healthy in chosen:
        try:
            made = check(healthy)
        except Exception as error:
            print(f"{healthy.name}: {type(error).__name__}: {error}", flush=True)
            failed += 1
            continue
        checked.append(made)
        skipped.update(it.relation for it in made.results if it.outcome == "skipped")
        for it in made.results:
            if it.outcome == "broken":
                print(f"{healthy.name}: {it.message.splitlines()[0]}", flush=True)
            if len(chosen) == 1:
                print(f"  {it.relation}: {it.outcome}\n{it.message}")
    for part, several in (
        ("all", checked),
        ("looked at", [it for it in checked if not it.healthy.is_held_out]),
        ("held out", [it for it in checked if it.healthy.is_held_out]),
    ):
        alarms = sum(bool(it.broken) for it in several)
        share = alarms / max(1, len(several))
        print(
            f"{part}: {alarms} false alarms in {len(several)}, {share:.1%}, limit"
            f" {MOST_ALARMS:.0%}"
        )
    if failed:
        print(f"{failed} could not be checked")
    seconds = [it.seconds for it in checked]
    slowest = max(checked, key=lambda it: it.seconds)
    print(
        f"processor time: {statistics.median(seconds):.3f} s in the median, limit"
        f" {MOST_SECONDS:g} s; longest {slowest.seconds:.2f} s ({slowest.healthy.name},"
        f" {slowest.slowest})"
    )
    large = [it for it in checked if it.healthy.name.endswith(("of made", "of cancer"))]
    if large:
        middle = statistics.median(it.seconds for it in large)
        print(f"of 500 x 30: {middle:.3f} s in the median of {len(large)}")
    print("skipped:", ", ".join(f"{name} {count}" for name, count in skipped.items()))
    alarms = failed + sum(bool(it.broken) for it in checked)
    return int(alarms > MOST_ALARMS * len(chosen))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    sys.exit(main(sys.argv[1:]))
