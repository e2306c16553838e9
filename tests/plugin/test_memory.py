"""pytest keeps every test to the end of the session; what it trained must not stay."""

from __future__ import annotations

TRAINS = """
from pytest_lossguard.plugin.state import TEST


@pytest.mark.converges(diagnose=False)
def test_marked():
    train()


def test_unmarked(lossguard):
    with lossguard.watch() as watched:
        train()
    assert watched.run.loss.size


def test_what_stays(request):
    before = [it for it in request.session.items if it is not request.node]
    assert len(before) == 2
    # pytester notes the arguments of hooks, and with them the models: no weakref here.
    assert [it.stash[TEST].guard for it in before] == [None, None]
"""


def test_the_models_of_a_test_that_has_ended_are_let_go(project):
    project(TRAINS).assert_outcomes(passed=3)
