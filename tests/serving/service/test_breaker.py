import threading

import pytest

from domain.errors import StateError
from serving.service.breaker import FAILURES, REST_SECONDS, Breaker, GuardedStates
from tests.serving.build import AS_OF
from tests.waiting import until


class Store:
    """Fails while configured to, and counts calls."""

    def __init__(self):
        self.fails = True
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.fails:
            raise StateError("the store does not answer")
        return "answer"


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def breaker(clock):
    return Breaker("the store", now=lambda: clock[0])


def failing(breaker, store, times):
    for _ in range(times):
        with pytest.raises(StateError):
            breaker.ask(store)


def test_what_fails_often_is_left_alone_for_a_while(breaker, clock):
    store = Store()
    failing(breaker, store, FAILURES + 10)
    assert store.asked == FAILURES
    assert breaker.is_open
    with pytest.raises(StateError, match="left alone"):
        breaker.ask(store)


def test_after_the_rest_one_question_tries_again(breaker, clock):
    store = Store()
    failing(breaker, store, FAILURES)
    clock[0] += REST_SECONDS
    failing(breaker, store, 5)
    assert store.asked == FAILURES + 1
    clock[0] += REST_SECONDS
    store.fails = False
    assert [breaker.ask(store) for _ in range(3)] == ["answer"] * 3
    assert not breaker.is_open


def test_a_failure_now_and_then_changes_nothing(breaker):
    store = Store()
    for _ in range(5):
        store.fails = True
        failing(breaker, store, FAILURES - 1)
        store.fails = False
        assert breaker.ask(store) == "answer"


class Frozen:
    """Answers when released."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.asked = 0

    def read(self, customer_ids, now):
        self.asked += 1
        self.goes_on.wait()
        return customer_ids


def test_nobody_waits_for_a_store_that_is_frozen_and_it_is_used_again_when_it_goes_on(breaker, clock):
    store = Frozen()
    states = GuardedStates(store, breaker, seconds=0.01)
    for _ in range(FAILURES + 2):
        with pytest.raises(StateError):
            states.read(["c05"], AS_OF)
    # one thread waits for it, however many ask
    assert store.asked == 1
    store.goes_on.set()
    until(states._last.done)
    clock[0] += REST_SECONDS
    states._seconds = None
    assert states.read(["c05"], AS_OF) == ["c05"]
