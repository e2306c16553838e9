"""The `lossguard` fixture: fit and watch, marked and unmarked."""

from __future__ import annotations


def test_a_marked_fit_is_judged_at_its_line(project):
    result = project(
        """
@pytest.mark.converges(steps=40, min_drop=0.3)
def test_good(lossguard):
    run = lossguard.fit(build, *load())
    assert len(run.loss) == 40

@pytest.mark.converges(steps=40)
def test_bad(lossguard):
    x, y = load()
    lossguard.fit(lambda: build(rate=100.0), x, y)
    print("went on")
"""
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       lossguard.fit(lambda: build(rate=100.0), x, y)",
            "E       pytest_lossguard.NotConverged: loss blew up *",
            "test_it.py:*: NotConverged",
        ]
    )
    result.stdout.no_fnmatch_line("*went on*")
    result.stdout.no_fnmatch_line("*Captured lossguard*")


def test_unmarked_nothing_is_asserted_unless_the_test_does(project):
    result = project(
        """
def test_unmarked(lossguard):
    run = lossguard.fit(lambda: build(rate=100.0), *load())
    assert not run.converged
    assert run.findings[0].kind == "diverging_loss"
    assert run.loss.shape == run.grad_norm.shape

def test_own_policy(lossguard):
    lossguard.fit(build, *load()).assert_converged(min_drop=0.2, max_loss=5)
"""
    )

    result.assert_outcomes(passed=2)


def test_watch_gives_the_runs_of_a_block(project):
    result = project(
        """
def test_watch(lossguard):
    with lossguard.watch("mine") as watched:
        train()
    assert watched.run.converged
    assert watched.run.trace.model == "mine"
    with lossguard.watch() as watched:
        train(scale=float("nan"), epochs=1000)
        assert False, "the block ends with the training"
    assert watched.run.findings[0].kind == "nonfinite_input"

@pytest.mark.converges
def test_inside_a_marked_test(lossguard):
    with lossguard.watch() as watched:
        train()
    assert len(watched.runs) == 1
"""
    )

    result.assert_outcomes(passed=2)


def test_fit_inside_a_marked_test_is_not_counted_twice(project, pytester):
    result = project(
        """
@pytest.mark.converges
def test_both(lossguard):
    lossguard.fit(build, *load())
    train()
""",
        "--lossguard-json=r.json",
    )

    result.stdout.fnmatch_lines(["lossguard: 2 trainings judged in 1 test, none *"])


def test_seeds_and_share(project):
    result = project(
        """
@pytest.mark.converges(seeds=3, min_pass=0.5)
def test_seeds(lossguard):
    lossguard.fit(build, *load())
""",
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["lossguard: 3 trainings judged in 1 test, none *"])


def test_it_works_beside_hypothesis_and_in_fixtures(project):
    result = project(
        """
from hypothesis import given, settings, strategies as st

@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 3))
def test_given(lossguard, seed):
    assert lossguard.fit(build, *load(), steps=5, seed=seed).loss.size == 5

@pytest.fixture
def trained(lossguard):
    return lossguard.fit(build, *load())

def test_fixture(trained):
    assert trained.converged
"""
    )

    result.assert_outcomes(passed=2)


def test_used_outside_of_a_test_it_says_so(project):
    result = project(
        """
handles = []

def test_keeps(lossguard):
    handles.append(lossguard)

def test_late(request):
    from pytest_lossguard.plugin import SESSION
    session = request.config.stash[SESSION]
    session.current, current = None, session.current
    try:
        handles[0].fit(build, *load())
    finally:
        session.current = current
"""
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*UsageError: lossguard.fit was called while no test*"]
    )


FAULTY = """
def faulty():
    raise RuntimeError("no such backbone")

def custom_loss(y, p):
    raise RuntimeError("no such loss")

def test_factory(lossguard):
    lossguard.fit(faulty, *load())

def test_loss(lossguard):
    model = build()
    model.compile("adam", custom_loss)
    lossguard.fit(model, *load())
"""


def test_an_error_of_the_users_code_is_shown_without_the_way_through_ours(project):
    result = project(FAULTY, "--tb=short")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:*: in test_factory",
            "test_it.py:*: in faulty",
            "E   RuntimeError: no such backbone",
            "test_it.py:*: in test_loss",
            "test_it.py:*: in custom_loss",
            "E   RuntimeError: no such loss",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_lossguard*: in *")


def test_all_frames_are_shown_where_they_are_asked_for(project):
    result = project(FAULTY, "--full-trace", "-k", "factory")

    result.stdout.fnmatch_lines(["*pytest_lossguard*loop_trainer.py:*"])


def test_misuse_is_one_sentence_at_the_users_line(project):
    result = project(
        """
@pytest.mark.converges
def test_lengths(lossguard):
    x, y = load()
    lossguard.fit(build, x, y[:10])
"""
    )

    result.stdout.fnmatch_lines(
        [
            ">       lossguard.fit(build, x, y[[]:10[]])",
            "E       pytest_lossguard.UsageError: *x has 64 rows, y has 10 rows",
        ]
    )
