from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.core.change import Change, ModelFacts
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.errors import CannotChange, NothingToChange
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Outlier, Validation
from pytest_lossguard.experiments import thresholds
from pytest_lossguard.experiments.candidates import hypotheses, suspected, where_of
from pytest_lossguard.experiments.changes import acts_on, cause_of, describe
from pytest_lossguard.experiments.diagnose import diagnose
from pytest_lossguard.judge import judge
from tests.support.findings import DETAILS, KINDS, finding
from tests.support.traces import column, falling, make_trace

BLOWN = make_trace([1.0, 1e6, 1e6, 1e5], start=1.0, end=1e5, constant=1.0)
GOOD = make_trace(falling(), start=1.0, end=0.1, constant=1.0)
BAD = make_trace(falling(1.0, 1.0), start=3.0, end=2.9, constant=1.0)
#: Whatever the text of any kind of finding may ask for.
ADAM = ModelFacts(optimizer="Adam", learning_rate=0.01, momentum=0.9, loss="mse")


@dataclass
class FakeRetraining:
    """Converges where ``helps`` says so, and keeps what was asked of it."""

    helps: object = lambda _: False
    facts: ModelFacts = ADAM
    rows: int = 100
    on_fresh_seeds: bool = True
    asked: list = field(default_factory=list)

    def __call__(self, *changes, seed=None, held_out=0.0):
        self.asked.append((changes, seed))
        good = self.helps(changes) and (seed is None or self.on_fresh_seeds)
        return GOOD if good else BAD


def kinds(changes):
    return {it.kind for it in changes}


def why(trace, rerun, budget=1000.0, policy=None, **rest):
    policy = policy or Policy()
    return diagnose(trace, judge(trace, policy), rerun, policy, budget, **rest)


def test_the_change_that_repairs_is_the_cause_with_the_value_to_try():
    found = why(BLOWN, FakeRetraining(lambda it: it[0].value == 0.01))
    first = found.causes[0]
    assert (first.cause, first.verified) == ("learning_rate_too_high", True)
    assert first.change == "learning rate 0.01 -> 0.0001"
    assert first.remedy == "compile with Adam(learning_rate=0.0001)"
    assert (first.loss_before, first.loss_after) == (1e5, 0.1)
    assert found.experiments[0].curve is BAD.steps.loss
    assert found.experiments[-1].curve is GOOD.steps.loss


def test_a_change_that_helps_on_one_seed_only_is_no_cause():
    found = why(BLOWN, FakeRetraining(lambda _: True, on_fresh_seeds=False))
    assert not any(it.verified for it in found.causes)
    assert any(
        it.came_of == "converges, on fresh seeds not always" for it in found.experiments
    )


@pytest.mark.parametrize(
    ("allow", "repairs"), [((), False), (("worse_than_constant",), True)]
)
def test_a_change_that_leaves_a_training_slow_and_far_off_is_no_repair(allow, repairs):
    slow = make_trace(
        falling(6.7, 2.1, 160),
        start=6.7,
        end=2.1,
        constant=1.0,
        inputs=(column("inputs"),),
    )
    assert not any(it.severity == "error" for it in judge(slow, Policy()))

    class Slow(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return slow

    found = why(BLOWN, Slow(), policy=Policy(allow=allow))

    assert any(it.repairs for it in found.experiments) == repairs


def test_the_smallest_change_of_a_kind_that_repairs_ends_the_ladder():
    rerun = FakeRetraining(lambda it: it[0].kind == "learning_rate")
    found = why(BLOWN, rerun)
    lower = [it for it in found.experiments if it.changes[0].kind == "learning_rate"]
    assert [it.changes[0].value for it in lower] == [0.1]


def test_two_changes_are_a_pair_of_causes_in_order():
    def helps(changes):
        return kinds(changes) == {"learning_rate", "reinitialize"}

    found = why(BLOWN, FakeRetraining(helps))
    assert len(found.causes) == 2
    assert found.causes[0].with_next
    assert not found.causes[1].with_next
    assert {it.cause for it in found.causes} == {
        "learning_rate_too_high",
        "bad_initialization",
    }


def test_equivalent_causes_are_all_reported():
    def helps(changes):
        return changes[0].kind in ("learning_rate", "clip_gradients", "momentum")

    facts = ModelFacts(optimizer="SGD", learning_rate=0.1, momentum=0.97, loss="mse")
    found = why(BLOWN, FakeRetraining(helps, facts=facts))
    assert [it.cause for it in found.causes][:2] == [
        "momentum_too_high",
        "learning_rate_too_high",
    ]


def test_what_nothing_repairs_is_suspected_and_said_not_to_be_verified():
    found = why(BLOWN, FakeRetraining())
    assert found.causes[0].cause == "learning_rate_too_high"
    assert not found.causes[0].verified
    assert "not verified" in str(found)
    assert found.tried > 5


def test_unknown_is_said_rather_than_a_guess():
    found = why(BAD, FakeRetraining())
    assert [it.cause for it in found.causes] == ["unknown"]


def test_without_anything_to_run_again_the_trace_is_all_there_is():
    found = why(BLOWN, None)
    assert found.tried == 0
    assert found.causes[0].cause == "learning_rate_too_high"
    assert "nothing could be run again" in found.left_out[0]


def test_a_watched_training_that_passes_when_run_again_has_no_proved_cause():
    found = why(replace(BLOWN, source="watch"), FakeRetraining(lambda _: True))
    assert not found.causes[0].verified
    (text,) = found.left_out
    assert "with the usual training step on the same rows it does not fail" in text


def test_a_program_that_cannot_be_described_is_no_crash():
    class Refuses(FakeRetraining):
        @property
        def facts(self):
            raise CannotChange("its data were not seen")

        @facts.setter
        def facts(self, value):
            pass

    assert why(BLOWN, Refuses()).left_out == ("its data were not seen",)


def test_a_change_that_cannot_be_made_is_left_out_and_said_so():
    class Fixed(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            if any(acts_on(it) == "program" for it in changes):
                raise CannotChange("its class is the project's own")
            return super().__call__(*changes, seed=seed)

    found = why(BLOWN, Fixed())
    assert "its class is the project's own" in found.left_out


def test_a_change_that_finds_nothing_to_change_is_not_worth_a_word():
    class Plain(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            if any(acts_on(it) == "program" for it in changes):
                raise NothingToChange("no layer has this setting")
            return super().__call__(*changes, seed=seed)

    found = why(BLOWN, Plain())
    assert found.left_out == ()
    assert any("no layer has this setting" in row[-1] for row in found.table())


def test_no_experiment_begins_after_the_budget():
    now = iter(range(0, 1000, 4))
    found = why(BLOWN, FakeRetraining(), budget=10.0, clock=lambda: float(next(now)))
    assert len(found.experiments) <= 3
    assert "the budget" in found.left_out[-1]


@pytest.mark.parametrize("seconds_each", [0.0, 1.0, 40.0])
def test_what_is_tried_is_decided_by_counts_of_steps(monkeypatch, seconds_each):
    monkeypatch.setattr(thresholds, "MOST_STEPS_IN_ALL", 5 * len(BAD.steps))
    monkeypatch.setattr(thresholds, "MOST_LENGTHS", 1)
    now = iter(seconds_each * it for it in range(1000))

    found = why(BLOWN, FakeRetraining(), clock=lambda: next(now))

    assert len(found.experiments) == 5
    steps = 5 * len(BAD.steps)
    assert found.left_out == (
        f"the budget of {steps:,} steps in all re-runs kept further changes from being"
        " tried",
    )


def test_a_cause_is_tried_on_as_many_fresh_seeds_whatever_the_clock_says():
    now = iter([0.0, 0.0, *[1e9] * 100])
    rerun = FakeRetraining(lambda _: True)

    found = why(BLOWN, rerun, clock=lambda: next(now))

    assert len(found.experiments) == 1
    assert [seed is None for _, seed in rerun.asked] == [True, False, False, False]


def test_where_all_was_tried_no_budget_is_reported():
    now = iter([*[0.0] * 10_000])
    found = why(BLOWN, FakeRetraining(), clock=lambda: next(now))
    assert found.left_out == ()


def test_an_outlier_that_was_seen_is_reported_first_even_if_it_takes_two():
    stats = column(
        "input",
        outlier=Outlier(row=7, column=0, value=1e3, distance=100.0),
        outlier_share=0.01,
    )
    trace = make_trace(
        falling(9.0, 2.0), start=9.0, end=2.0, constant=1.0, inputs=(stats,)
    )

    def helps(changes):
        return kinds(changes) == {"drop_rows", "learning_rate"} and 10.0 in {
            it.value for it in changes
        }

    found = why(trace, FakeRetraining(helps))
    assert [it.cause for it in found.causes] == [
        "input_outliers",
        "learning_rate_too_low",
    ]
    assert found.causes[0].where == "row 7, feature 0"
    assert found.causes[0].change == "row 7 dropped"


def test_a_training_that_fails_for_being_improvable_must_become_far_better():
    trace = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    findings = (
        finding(
            "improvable",
            severity="error",
            value=0.1,
            limit=0.9,
            where="learning rate 1 -> 10",
            now="10%",
            then="90%",
        ),
    )

    class Weak(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            helps = changes == (Change(kind="learning_rate", value=100.0),)
            return GOOD if helps else trace

    found = diagnose(trace, findings, Weak(), Policy(strict=True), 1000.0)
    assert found.causes[0].cause == "learning_rate_too_low"
    assert found.causes[0].verified


def test_suspicions_name_findings_and_causes_that_exist():
    for kind in KINDS:
        made = finding(kind, value=1.0, limit=1.0, step=1, where="x", **DETAILS)
        for cause, source in suspected((made,)):
            assert cause in CAUSES
            assert source is made


@given(
    kinds=st.sets(st.sampled_from(sorted(KINDS))),
    optimizer=st.sampled_from(["Adam", "SGD", "RMSprop", "Lion"]),
    rate=st.one_of(st.none(), st.floats(1e-6, 10.0)),
    momentum=st.floats(0.0, 0.999),
    activations=st.lists(st.sampled_from(["relu", "sigmoid", "linear"]), max_size=8),
    canonical=st.booleans(),
)
def test_hypotheses_are_ordered_and_none_is_tried_twice(
    kinds, optimizer, rate, momentum, activations, canonical
):
    details = DETAILS
    findings = tuple(
        finding(it, value=1.0, limit=1.0, step=1, where="x", **details)
        for it in sorted(kinds)
    )
    facts = ModelFacts(
        optimizer=optimizer,
        learning_rate=rate,
        momentum=momentum,
        activations=tuple(activations),
        canonical_output=canonical,
    )
    ideas = hypotheses(BAD, findings, facts)
    weights = [it.weight for it in ideas]
    assert weights == sorted(weights, reverse=True)
    assert len({it.change for it in ideas}) == len(ideas)
    for idea in ideas:
        where_of(idea.change, findings)
        assert describe(idea.change, BAD, facts)


@pytest.mark.parametrize(
    ("finding_kind", "cause"),
    [
        ("symmetric_weights", "bad_initialization"),
        ("penalty_dominates", "over_regularization"),
        ("unscaled_targets", "unscaled_targets"),
        ("missing_values", "missing_values"),
    ],
)
def test_what_was_seen_comes_first(finding_kind, cause):
    seen = finding(finding_kind, value=2.0, limit=1.0, step=1, where="x", **DETAILS)
    facts = ModelFacts(optimizer="Adam", learning_rate=0.01, penalized=True)
    assert cause_of(hypotheses(BAD, (seen,), facts)[0].change) == cause


def test_two_changes_on_suspicion_must_clearly_learn():
    barely = make_trace(falling(1.0, 0.96), start=1.0, end=0.96, constant=1.0)

    class Barely(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return barely if len(changes) == 2 else BAD

    assert not any(it.verified for it in why(BLOWN, Barely()).causes)


def test_a_stuck_training_must_become_far_better_not_only_fall():
    slow = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    details = {"why": "x", "where": "x", "now": "10%", "then": "90%"}
    findings = (
        finding("plateau", severity="error", value=0.9, limit=1.0, step=1, why="x"),
        finding("improvable", value=0.1, limit=0.9, step=1, **details),
    )

    class Slow(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return GOOD if changes and changes[0].value == 100.0 else slow

    found = diagnose(slow, findings, Slow(), Policy(), 1000.0)
    assert found.causes[0].cause == "learning_rate_too_low"
    assert found.causes[0].change == "learning rate 0.01 -> 1"


STUCK = (finding("plateau", severity="error", value=2.9, limit=1.0, step=1, why="x"),)


@pytest.mark.parametrize(("end", "repairs"), [(0.5, True), (0.97, False)])
def test_no_change_that_makes_the_loss_worse_is_a_cause(end, repairs):
    """Whatever the judge says of it: 1.75 is no repair of 1.61."""
    before = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    after = make_trace(falling(1.2, end), start=1.2, end=end, constant=1.0)

    class Other(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return after

    found = diagnose(before, STUCK, Other(), Policy(), 1000.0)
    assert any(it.verified for it in found.causes) is repairs


def test_where_the_loss_itself_is_at_fault_it_cannot_get_worse():
    """Of a loss with the wrong sign the least is the worst."""
    before = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    details = {"why": "x", "scored": "x"}
    seen = (
        finding("impossible_loss", value=-1.0, limit=0, step=1, where="x", **details),
    )
    repaired = replace(GOOD, same_measure=False, as_before=5.0)

    class Other(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return repaired

    found = diagnose(before, seen, Other(), Policy(), 1000.0)
    assert found.causes[0].verified


@pytest.mark.parametrize(("end", "repairs"), [(0.999, False), (0.98, True)])
def test_a_change_after_which_the_loss_looks_the_same_repairs_nothing(end, repairs):
    before = make_trace(falling(1.1, 1.001), start=1.1, end=1.001, constant=1.0)
    seen = (finding("worse_than_constant", value=1.001, limit=1, constant="the mean"),)

    class Other(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return make_trace(falling(1.1, end), start=1.1, end=end, constant=1.0)

    found = diagnose(before, seen, Other(), Policy(), 1000.0)
    assert any(it.verified for it in found.causes) is repairs


def outside(end, held_out):
    score = Validation(step=(1, 2), loss=(1.0, held_out), constant=1.0)
    return make_trace(
        falling(1.0, end), start=1.0, end=end, constant=1.0, validation=score
    )


@pytest.mark.parametrize(
    ("held_out", "rows", "repairs"),
    [(0.5, 100, True), (0.97, 100, False), (0.97, 20, True)],
)
def test_a_change_that_only_learns_by_heart_is_no_cause(held_out, rows, repairs):
    """No better on rows that were kept back; too few of them tell nothing."""

    class ByHeart(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            faster = [it.kind for it in changes] == ["learning_rate"]
            return outside(0.01 if faster else 0.99, held_out_of[faster])

    held_out_of = {False: 1.0, True: held_out}
    stuck = outside(0.99, 1.0)
    found = diagnose(stuck, STUCK, ByHeart(rows=rows), Policy(), 1000.0)
    assert any(it.verified for it in found.causes) is repairs
    by_heart = "converges, but no better on held-back rows"
    assert (by_heart in [it.came_of for it in found.experiments]) is not repairs


def test_two_changes_that_leave_no_common_unit_prove_nothing():
    other = make_trace(
        falling(0.2, 0.002),
        start=0.2,
        end=0.002,
        constant=0.1,
        same_measure=False,
        as_before=None,
    )

    class InPairs(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return other if len(changes) == 2 else BAD

    found = diagnose(BAD, STUCK, InPairs(), Policy(), 1000.0)
    assert any(len(it.changes) == 2 for it in found.experiments)
    assert not any(it.verified for it in found.causes)


@pytest.mark.parametrize(
    ("as_before", "proof"), [(None, False), (0.9, False), (0.2, True)]
)
def test_a_change_of_the_loss_is_compared_in_the_unit_of_the_first(as_before, proof):
    """A share under one loss says nothing of a share under another."""
    before = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    details = {"why": "x", "where": "x", "now": "10%", "then": "90%"}
    seen = (
        *STUCK,
        finding("improvable", value=0.1, limit=0.9, step=1, **details),
    )
    other = make_trace(
        falling(0.2, 0.002),
        start=0.2,
        end=0.002,
        constant=0.1,
        same_measure=False,
        as_before=as_before,
    )

    class Other(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            return other

    found = diagnose(before, seen, Other(), Policy(), 1000.0)
    assert found.causes[0].verified is proof
    if proof:
        assert found.causes[0].loss_after == as_before


def test_fresh_seeds_are_not_tried_on_after_the_first_that_fails():
    rerun = FakeRetraining(lambda _: True, on_fresh_seeds=False)
    why(BLOWN, rerun)
    first = rerun.asked[:3]
    assert [seed is None for _, seed in first] == [True, False, True]


def seen(*kinds):
    details = {**DETAILS, "step": 1}
    return tuple(
        finding(it, value=1.0, limit=2.0, where="x", **details) for it in kinds
    )


def asked(findings=(), trace=BAD, **facts):
    described = ModelFacts(**{"optimizer": "SGD", "learning_rate": 0.01, **facts})
    ideas = hypotheses(trace, findings, described)
    return {(it.change.kind, it.change.value): it.weight for it in ideas}


@pytest.mark.parametrize(
    ("findings", "facts", "expected"),
    [
        (seen("target_outliers"), {}, ("clip_targets", None)),
        (seen("class_imbalance"), {}, ("balance_classes", None)),
        ((), {"frozen": ("dense",)}, ("unfreeze", None)),
        ((), {"dropout": 0.9}, ("no_dropout", None)),
        ((), {"momentum": 0.99}, ("momentum", 0.0)),
        ((), {"momentum": 0.9}, ("momentum", 0.0)),
        ((), {"activations": ("relu",) * 6}, ("shallower", None)),
        ((), {"activations": ("sigmoid",) * 3}, ("hidden_activation", "relu")),
        ((), {"activations": ("linear",)}, ("hidden_activation", "relu")),
        (seen("dead_units"), {}, ("hidden_activation", "leaky_relu")),
        ((), {"initializers": ("Constant",)}, ("reinitialize", None)),
        ((), {"narrowest": 1}, ("wider", 4.0)),
        (seen("diverging_loss"), {}, ("clip_gradients", 1.0)),
        ((), {"canonical_output": False}, ("canonical_output", None)),
    ],
)
def test_what_the_program_and_its_findings_suggest_is_tried(findings, facts, expected):
    assert expected in asked(findings, **facts)


def test_small_batches_and_unscaled_columns_are_tried():
    stats = column("input", mean=[0.0, 500.0], std=[1.0, 1.0], median=[0.0, 500.0])
    trace = replace(BAD, batch_size=2, inputs=(stats,))
    known = asked(seen("unscaled_inputs"), trace)
    assert ("batch_size", 32.0) in known
    ideas = hypotheses(trace, seen("unscaled_inputs"), ADAM)
    assert Change(kind="standardize_inputs", at=(1,)) in [it.change for it in ideas]


def test_a_far_too_high_or_low_rate_comes_first():
    high, low = asked(learning_rate=30.0), asked(learning_rate=1e-6)
    assert max(high, key=high.get) == ("learning_rate", 0.1)
    assert max(low, key=low.get) == ("learning_rate", 10.0)


def test_longer_is_no_help_for_numbers_that_are_not_finite():
    assert ("more_steps", 5.0) not in asked(seen("nonfinite_loss"))
    assert ("more_steps", 5.0) in asked()


def test_class_labels_are_not_standardized():
    assert ("standardize_targets", None) not in asked(labels="one_hot")


@pytest.mark.parametrize(("update", "tried"), [(1e-7, True), (5e-4, False)])
def test_a_far_higher_rate_is_tried_where_the_weights_stood_still(update, tried):
    trace = make_trace(
        [1.0] * 100, start=1.0, end=1.0, constant=0.5, update_norm=update
    )
    ideas = hypotheses(trace, (), replace(ADAM, learning_rate=1e-6))
    far_higher = Change(kind="learning_rate", value=1e4)
    assert (far_higher in [it.change for it in ideas]) == tried
