"""Threads that train beside a test, or longer than one."""

from __future__ import annotations

STRAGGLERS = """
import threading
import time

stop = threading.Event()
updates = []

def broken(pause, optimizer=None):
    x, y = load()
    while not stop.is_set():
        model = build(rate=1e3) if optimizer is None else optimizer
        model.fit(x, y, batch_size=16, verbose=0)
        updates.append(1)
        pause()

def wait_for_more(some=2):
    upto = len(updates) + some
    while len(updates) < upto:
        time.sleep(0.01)

marked = pytest.mark.converges(diagnose=False, seeds=1)

def start(*args):
    threading.Thread(target=broken, args=args, daemon=True).start()

@marked
def test_starts_them():
    start(lambda: None)
    start(lambda: stop.wait(0.01), build(rate=1e3))
    train()
    wait_for_more()

@marked
def test_innocent():
    train()
    wait_for_more()

@marked
def test_innocent_too(lossguard):
    lossguard.fit(build, *load(), steps=40)
    model = build()
    model.run_eagerly = True
    lossguard.fit(model, *load(), steps=30)
    wait_for_more()

def test_stop():
    stop.set()
"""


def test_a_thread_that_goes_on_training_fails_no_later_test(project):
    result = project(STRAGGLERS)

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] >= 3
    result.stdout.no_fnmatch_line("FAILED *test_innocent*")


AT_ONCE = """
import threading
from concurrent.futures import ThreadPoolExecutor

def eager():
    model = build()
    model.run_eagerly = True
    return model

@pytest.fixture(scope="module")
def pool():
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: threading.Event().wait(0.01), range(3)))
        yield pool

@pytest.mark.converges(diagnose=False)
def test_fits_at_once(lossguard, pool):
    makers = [build, eager, lambda: build(0.02)]
    runs = list(pool.map(lambda it: lossguard.fit(it, *load(), steps=30), makers))
    assert [len(it.loss) for it in runs] == [30, 30, 30]

@pytest.mark.converges(diagnose=False)
def test_in_a_pool_that_was_there_before(pool):
    pool.submit(train).result()

@pytest.mark.converges(diagnose=False)
def test_broken_in_a_pool_that_was_there_before(pool):
    pool.submit(train, 1e3).result()
"""


def test_several_threads_may_train_at_once(project):
    result = project(AT_ONCE)

    result.assert_outcomes(passed=2, failed=1)
