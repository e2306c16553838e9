"""Every finding, cause, relation and model check is explained, from the rules' own
constants.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import pytest_lossguard
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.errors import UsageError
from pytest_lossguard.core.explanation import Limit
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.explanations import topics, topics_of
from pytest_lossguard.judge import judge
from tests.support.traces import make_trace

PACKAGE = Path(pytest_lossguard.__file__).parent
TOPICS = topics()


def _id(topic):
    return f"{topic.role}-{topic.name}".replace(" ", "_")


each = pytest.mark.parametrize("topic", TOPICS, ids=_id)


def test_every_name_of_the_closed_lists_is_explained():
    assert {it.name for it in TOPICS} == {*FINDING_KINDS, *CAUSES}


@each
def test_an_explanation_has_every_part_at_a_length_to_read(topic):
    it = topic.explanation

    assert 10 <= len(it.brief) <= 46
    assert not it.brief.endswith(".")
    for text in (it.seen, it.why):
        assert 40 <= len(text) <= 340
    for text in (it.seen, it.why, *topic.todo):
        assert text[0].isupper()
        assert text.endswith((".", "?"))
    assert topic.todo
    assert 12 <= len(" ".join(topic.todo)) <= 500


@each
def test_it_names_its_limits_and_what_set_them_or_why_there_is_none(topic):
    it = topic.explanation

    assert bool(it.limits) != bool(it.no_limit)
    for limit in it.limits:
        assert "{limit" in limit.means
        assert "{" not in limit.sentence
        assert limit.set_by.endswith(".")


@each
def test_what_is_no_cause_says_how_it_is_tolerated(topic):
    if topic.role == "cause":
        assert not topic.allow
    else:
        assert f'allow="{topic.name}"' in topic.allow
    assert bool(topic.switch) == (topic.role in ("contract", "model check"))


@each
def test_what_it_points_to_exists(topic):
    known = FINDING_KINDS if topic.role == "cause" else CAUSES

    assert set(topic.related) <= set(known)


def _constants():
    """Every `Limit` that stands in a module, by that module and its name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(\w+) = Limit\(", text, re.MULTILINE):
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            yield f"{module}.{name}", getattr(import_module(module), name)


CONSTANTS = dict(_constants())


LIMITS = [limit for topic in TOPICS for limit in topic.explanation.limits]


def _code():
    """The package without imports and without what only tells of limits."""
    text = "\n".join(it.read_text(encoding="utf-8") for it in PACKAGE.rglob("*.py"))
    for output in (
        r"limits=\((?:[^()]|\([^()]*\))*\)",
        r"__all__ = \[[^\]]*\]",
        r"^from .* import (?:\([^)]*\)|.*$)",
    ):
        text = re.sub(output, "", text, flags=re.MULTILINE)
    return re.findall(r"\w+", text)


CODE = Counter(_code())


def test_a_limit_that_is_explained_is_a_constant_of_a_rule():
    constants = set(map(id, CONSTANTS.values()))
    others = [it for it in LIMITS if id(it) not in constants]

    assert others == [Policy().max_loss_growth]


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_with_its_evidence_decides_and_is_explained(name):
    assert CODE[name.rpartition(".")[2]] >= 2  # where it stands, and a rule
    assert any(it is CONSTANTS[name] for it in LIMITS)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("nonfinite_loss", None),
        ("diverging_loss", None),
        ("loss_not_decreasing", 1.0),
        ("worse_than_constant", 40.0),
        ("slow_convergence", 2.0),
        ("oscillating_loss", 1.0),
        ("noisy_loss", 1.0),
        ("plateau", 1.0),
    ],
)
def test_a_curve_that_is_drawn_is_judged_so(name, start):
    drawn = {
        it.name: np.array(it.values) for it in topics_of(name)[0].explanation.curves
    }
    loss = drawn["loss"]
    end = None if start is None else float(loss[-1])
    constant = float(drawn["constant"][0]) if "constant" in drawn else None

    trace = make_trace(loss, start=start, end=end, constant=constant)

    assert name in {it.kind for it in judge(trace, Policy())}


def test_a_relation_and_a_check_are_found_without_their_prefix():
    assert topics_of("alone")[0].name == "contract_alone"
    assert topics_of("resumes")[0].name == "check_resumes"


def test_a_name_that_is_a_finding_and_a_cause_has_both():
    assert [it.role for it in topics_of("dead_units")] == ["finding", "cause"]


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("nois_loss", "'nois_loss': did you mean noisy_loss or "),
        (
            "yours:long",
            "'yours:long': a name with a colon belongs to a custom check",
        ),
        ("zzz", "'zzz'. Known are:\nnothing_trainable, "),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_and_all(name, output):
    with pytest.raises(UsageError) as error:
        topics_of(name)

    assert output in str(error.value)
    assert "check_mixed_precision_agrees" in str(error.value)
    assert max(map(len, str(error.value).splitlines()[1:])) <= 80


def test_a_limit_is_a_number_that_says_what_it_means():
    limit = Limit(
        0.25, "more than {limit:.0%}, that is {limit}", set_by="A measurement."
    )

    assert limit == 0.25
    assert limit.sentence == "more than 25%, that is 0.25"
