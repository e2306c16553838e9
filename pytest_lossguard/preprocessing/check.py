"""From a preparation, a sample and a policy to what came of each relation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.checked import Broken, Skipped, finding_of, unchecked
from ..core.checked_message import broken_message
from ..core.errors import ContractBroken, UsageError
from ..core.findings import Finding
from .kinds import KINDS
from .policy import ContractPolicy
from .preparation import Preparation
from .raw import Raw
from .relations import RELATIONS, Relation
from .result import ContractResult
from .subject import subject_of
from .table import NotComparable

__all__ = ["check_relation", "contracts", "preparation_of"]


def preparation_of(
    prepare: Any,
    x: Any,
    y: Any = None,
    *,
    serve: Any = None,
    labels: Any = None,
    served: Callable[[Any], Any] | None = None,
    requests: Any = None,
    seed: int = 0,
    unused: tuple[str, ...] = (),
) -> Preparation:
    """Take what a user gives apart; see `contracts` for the arguments.

    Raises:
        UsageError: It is nothing that could prepare data, or x and y have other rows.
    """
    from ..strategies import smallest

    raw_x = Raw.of(x, "x")
    raw_y = None if y is None else Raw.of(y, "y")
    if raw_y is not None and raw_y.rows != raw_x.rows:
        raise UsageError(
            f"contract() needs a label for each row: x has {raw_x.rows} rows, y"
            f" {raw_y.rows}"
        )
    return Preparation(
        subject=subject_of(prepare, serve=serve, labels=labels),
        x=raw_x,
        y=raw_y,
        served=served,
        requests=requests,
        seed=seed,
        smallest=smallest,
        unused=unused,
    )


def check_relation(
    preparation: Preparation,
    name: str,
    policy: ContractPolicy,
    again: Callable[[tuple[int, ...] | None], tuple[str, ...]] = lambda _: (),
) -> ContractResult:
    """Whether one relation holds.

    Args:
        preparation: What is checked.
        name: The relation.
        policy: What is asked of it, and what is tolerated.
        again: From the smallest case to the lines that run it again.

    Raises:
        Exception: What the preparation raises on the sample as it is.
    """
    relation = next(it for it in RELATIONS if it.name == name)
    preparation.draw = None
    found = _outcome(preparation, relation, policy.relations.get(name, True))
    if isinstance(found, Skipped) and found.applies and policy.strict:
        found = unchecked("contracts", name, found)
    if isinstance(found, Skipped):
        return ContractResult(relation=name, outcome="skipped", message=found.reason)
    if not isinstance(found, Broken):
        return ContractResult(relation=name, outcome="kept")
    made = finding_of(KINDS[name], found)
    return ContractResult(
        relation=name,
        outcome="broken",
        column=found.column,
        rows=found.rows,
        message=broken_message(
            name, found, kind=made.kind, hint=made.hint, again=again(preparation.draw)
        ),
        finding=made,
        is_allowed=policy.allows(name),
        draw=preparation.draw,
    )


def _outcome(preparation: Preparation, relation: Relation, asked: Any) -> Any:
    try:
        preparation.base  # noqa: B018 - what it raises on the sample is the user's
    except NotComparable as error:
        return Skipped(str(error), applies=True)
    if relation.compares:
        text = preparation.repeats
        if text:
            return Skipped(f"not checked: {text}")  # fails as `deterministic`
    try:
        return relation.check(preparation, asked)
    except NotComparable as error:
        return Skipped(str(error), applies=True)


def contracts(
    prepare: Any,
    x: Any,
    y: Any = None,
    *,
    serve: Any = None,
    labels: Any = None,
    served: Callable[[Any], Any] | None = None,
    requests: Any = None,
    seed: int = 0,
    **keys: Any,
) -> tuple[Finding, ...]:
    """Check a preparation of data against its contracts, without training.

    Args:
        prepare: A function ``prepare(x)`` or ``prepare(x, y)`` that returns ``x``,
            ``(x, y)`` or ``(x, y, x_held_out, y_held_out)``; a bound method; an object
            with ``fit`` and ``transform`` (cloned, fitted on part); a Keras layer with
            ``adapt``; a function that makes a `tf.data.Dataset`.
        x: Raw rows: arrays of any rank, nested structures, pandas, lists of texts.
        y: Raw labels.
        serve: What production runs on raw rows; it is called after ``prepare`` has
            run on the sample.
        labels: What makes targets of raw labels, where there is such a path.
        served: From raw training rows to the form in which the service gets them.
        requests: Recorded raw requests.
        seed: Of every run, and of what is disturbed.
        keys: Those of ``@pytest.mark.contracts``: relations, ``unused``, ``allow``,
            ``strict``.

    Returns:
        What is broken and tolerated (``allow=``); empty where all is kept.

    Raises:
        ContractBroken: A relation is broken; ``findings`` and ``results`` tell all.
        PolicyError: A key is unknown.
        UsageError: It cannot be checked as given.
    """
    __tracebackhide__ = True
    policy = ContractPolicy.from_keywords(keys)
    preparation = preparation_of(
        prepare,
        x,
        y,
        serve=serve,
        labels=labels,
        served=served,
        requests=requests,
        seed=seed,
        unused=policy.unused,
    )
    results = tuple(check_relation(preparation, it, policy) for it in policy.names)
    broken = [it for it in results if it.is_bad]
    if broken:
        raise ContractBroken.of(broken, results)
    return tuple(it.finding for it in results if it.finding is not None)
