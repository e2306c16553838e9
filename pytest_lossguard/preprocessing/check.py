"""Checking the relations of a preparation, from a sample and a policy to results."""

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
    only: tuple[int, ...] | None = None,
) -> Preparation:
    """Make a preparation from the objects of the user; see `contracts`. With ``only``
    no other draw is tried.

    Raises:
        UsageError: ``prepare`` is nothing that can prepare data, or ``x`` and ``y``
            have different numbers of rows.
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
        only=only,
    )


def check_relation(
    preparation: Preparation,
    name: str,
    policy: ContractPolicy,
    again: Callable[[tuple[int, ...] | None], tuple[str, ...]] = lambda _: (),
) -> ContractResult:
    """Check one relation.

    Args:
        preparation: The preparation and its sample.
        name: The name of the relation.
        policy: Holds the parameter of the relation, ``strict`` and what is tolerated.
        again: Returns the lines of the message that run the smallest case again, from
            the draw of that case.

    Raises:
        Exception: The preparation raises it on the unchanged sample.
    """
    relation = next(it for it in RELATIONS if it.name == name)
    preparation.broken_by(None)
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
        preparation.base  # noqa: B018 - an error on the sample is for the user
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
            with ``fit`` and ``transform`` (cloned, and fitted on part of the rows); a
            Keras layer with ``adapt``; a function that returns a `tf.data.Dataset`.
        x: Raw rows: arrays of any rank, nested structures, pandas objects, lists of
            texts.
        y: Raw labels, or None.
        serve: The serving path, a function or an object with ``transform`` that
            production applies to raw rows. It is called after ``prepare`` has run on
            the sample. None to use the fitted transformer or layer, if there is one.
        labels: A function or an object with ``transform`` that turns raw labels into
            targets, or None.
        served: Converts raw training rows to the form in which the service gets them.
        requests: Recorded raw requests.
        seed: The seed of every run, and of the changes that are tried.
        keys: The keys of ``@pytest.mark.contracts``: relations, ``unused``,
            ``allow``, ``strict``.

    Returns:
        The findings of broken relations that are tolerated (``allow=``); empty where
        all relations hold.

    Raises:
        ContractBroken: A relation is broken; ``findings`` holds what is broken,
            ``results`` the results of all relations.
        PolicyError: A key is unknown or its value is invalid.
        UsageError: The preparation or the data are not of a supported form.
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
