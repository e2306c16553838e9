"""Measures what committed baselines add: ``python -m evaluation.baselined``.

Each broken program is treated as a pull request against the program that it was made
from. A baseline of the original program is written, and the broken program is compared
with it, as by ``converges(baseline=True)``. Prints, and writes to
``evaluation/BASELINED.md``, how many broken programs fail without a baseline, how many
more fail the comparison, and which pass. All programs take about half an hour.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, get_args

from .measure import forget_graphs, programs_named
from .program import Program, Setup

__all__ = ["Outcome", "held", "table"]

#: Outcome of a pull request: its training fails by itself, is worse than the baseline,
#: or passes both. ``"no baseline"`` if the repaired program cannot have one.
End = Literal["fails by itself", "worse than its baseline", "passes", "no baseline"]
_ENDS: tuple[End, ...] = get_args(End)
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of one broken program.

    Attributes:
        name, source, part: Those of the `Program`.
        end: How the pull request ends.
    """

    name: str
    source: str
    part: str
    end: End


def held(programs: Iterable[Program], trainer: Any, folder: Path) -> Iterator[Outcome]:
    """Train each program and compare it with a baseline of its repaired program.

    Args:
        programs: Broken programs, each with its repaired program.
        trainer: The `Trainer` for all programs.
        folder: Folder of the baselines, one per original program.
    """
    for program in programs:
        end = _end(program, trainer, folder / f"{_origin(program)}.json")
        yield Outcome(
            name=program.name, source=program.source, part=program.part, end=end
        )


def _origin(program: Program) -> str:
    """Return the name that all programs made from the same program share."""
    words = program.name.split("/")
    return f"{words[0]}-{words[1]}"


def _end(program: Program, trainer: Any, path: Path) -> End:
    from pytest_lossguard.core.errors import BaselineError, LossguardError, NotConverged
    from pytest_lossguard.session.baseline import BaselineRequest

    assert program.fixed is not None
    guard = _guard(trainer)
    try:
        _train(guard, program.setup(_SEED))
        guard.compare()
    except NotConverged:
        return "fails by itself"
    if not path.exists():
        origin = _guard(trainer)
        try:
            _train(origin, program.fixed(_SEED))
            origin.check_baseline(
                BaselineRequest(path=path, test="quality", update="all")
            )
        except LossguardError:
            return "no baseline"
    try:
        guard.check_baseline(BaselineRequest(path=path, test="quality"))
    except (NotConverged, BaselineError):  # worse, or a different number of steps
        return "worse than its baseline"
    return "passes"


def _guard(trainer: Any) -> Any:
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.session.guard import Guard

    policy = Policy(baseline=True)
    return Guard(policy=policy, seed=_SEED, trainer=lambda: trainer)


def _train(guard: Any, setup: Setup) -> None:
    guard.fit(setup.build, setup.x, setup.y, **setup.how())


def table(outcomes: Sequence[Outcome], command: str) -> str:
    """Return the outcomes as Markdown, with the command that measured them."""
    groups = {
        (it.part, it.source): [
            that
            for that in outcomes
            if (that.part, that.source) == (it.part, it.source)
        ]
        for it in sorted(outcomes, key=lambda it: (it.part, it.source))
    }
    missed = [it.name for it in outcomes if it.end in ("passes", "no baseline")]
    lines = [
        "# What a baseline adds",
        "",
        f"Written by `{command}`. Each broken program of the corpus is a pull request"
        " against the program that it was made from, which has a baseline from 20"
        " seeds; another number of updates than the baseline's is reported as such, and"
        " fails too.",
        "",
        f"| part, source | broken | {' | '.join(_ENDS)} | caught |",
        f"|---|---{'|---' * len(_ENDS)}|---|",
        *(_line(", ".join(name), group) for name, group in groups.items()),
        "",
        f"What passes: {', '.join(missed) or 'nothing'}.",
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, outcomes: Sequence[Outcome]) -> str:
    counts = Counter(it.end for it in outcomes)
    caught = counts["fails by itself"] + counts["worse than its baseline"]
    cells = " | ".join(str(counts[end]) for end in _ENDS)
    share = f"{caught / len(outcomes):.1%}"
    return f"| {name} | {len(outcomes)} | {cells} | {share} |"


def _of_one_origin(names: Sequence[str]) -> list[Outcome]:
    """Return the outcomes of some programs, in a separate process."""
    chosen = programs_named(names)
    from pytest_lossguard.training import Trainer

    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for program in chosen:
            forget_graphs()
            found += held([program], Trainer(), Path(folder))
    return found


def main() -> None:
    """Compare all broken programs, or those selected by name, with baselines."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.baselined", description=__doc__
    )
    parser.add_argument("--only", default="", help="programs with this in their name")
    parser.add_argument("--part", choices=["tune", "report"])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    out = Path(__file__).parent / "BASELINED.md"
    parser.add_argument("--out", type=Path, default=out)
    asked = parser.parse_args()
    from .corpus import programs

    jobs: dict[str, list[str]] = {}
    for it in programs():
        chosen = asked.only in it.name and asked.part in (None, it.part)
        if it.broken and it.fixed is not None and chosen:
            jobs.setdefault(_origin(it), []).append(it.name)
    found: list[Outcome] = []
    with get_context("spawn").Pool(asked.processes, maxtasksperchild=1) as pool:
        for outcomes in pool.imap_unordered(_of_one_origin, jobs.values()):
            found += outcomes
            for outcome in outcomes:
                print(outcome.name, outcome.end, flush=True)
    words = [f"--only {asked.only}"] if asked.only else []
    words += [f"--part {asked.part}"] if asked.part else []
    command = " ".join(["python -m evaluation.baselined", *words])
    text = table(sorted(found, key=lambda it: it.name), command)
    asked.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
