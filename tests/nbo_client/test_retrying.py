import pickle

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbo_client.calls import Call
from nbo_client.exchange import Send, Wait, exchange
from nbo_client.messages import Ready
from nbo_client.problems import (
    AnswerError,
    OverloadedError,
    ProblemError,
    RequestUnfitError,
    ServiceUnreachableError,
    UnavailableError,
    UsageError,
)
from nbo_client.reading import read
from nbo_client.retrying import AGAIN, Retries

READY = {"status": "ready", "bank": "demo", "versions": {}}
PROBLEM = {"Content-Type": "application/problem+json"}
ASKING = Call("GET", "/readyz", Ready)


def outcome(backs, retries):
    """Play answers to a call: how it ends, and the waits."""
    steps = exchange(ASKING, retries)
    waits, step, coming = [], next(steps), iter(backs)
    try:
        while True:
            if isinstance(step, Wait):
                waits.append(step.seconds)
                step = next(steps)
            else:
                assert isinstance(step, Send)
                step = steps.send(next(coming))
    except StopIteration as done:
        return done.value, waits
    except (ProblemError, ServiceUnreachableError) as error:
        return error, waits


@given(
    st.lists(st.sampled_from([429, 502, 503, 504, "broken"]), max_size=8),
    st.builds(Retries, attempts=st.integers(1, 6), first_seconds=st.floats(0, 1), longest_seconds=st.floats(1, 9)),
)
def test_there_are_never_more_attempts_and_never_longer_waits_than_said(failures, retries):
    backs = [httpx.ReadError("cut") if one == "broken" else httpx.Response(one) for one in failures]
    ended, waits = outcome([*backs, httpx.Response(200, json=READY)], retries)
    assert len(waits) == min(len(failures), retries.attempts - 1)
    assert all(
        wait <= min(retries.longest_seconds, retries.first_seconds * 2**place) for place, wait in enumerate(waits)
    )
    assert isinstance(ended, Ready) == (len(failures) < retries.attempts)


@pytest.mark.parametrize("status", sorted(AGAIN))
def test_the_service_is_not_asked_sooner_than_it_says(status):
    backs = [httpx.Response(status, headers={"Retry-After": "3"}), httpx.Response(200, json=READY)]
    ended, waits = outcome(backs, Retries(first_seconds=0.1))
    assert isinstance(ended, Ready)
    assert 3.0 <= waits[0] < 3.1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_what_would_be_answered_the_same_is_not_asked_again(status):
    ended, waits = outcome([httpx.Response(status)], Retries())
    assert isinstance(ended, ProblemError)
    assert (ended.status, ended.kind, waits) == (status, "http", [])


def test_a_problem_is_told_with_what_was_got_and_expected():
    problem = {"type": "urn:nbo:problem:too-many", "title": "too often", "status": 429, "expected": "5 a second"}
    headers = {"Retry-After": "60", **PROBLEM}
    ended, _ = outcome([httpx.Response(429, headers=headers, json=problem)], Retries())
    assert isinstance(ended, OverloadedError)
    assert (ended.kind, ended.retry_after_seconds) == ("too-many", 60.0)
    assert str(ended) == "too often (429): expected 5 a second"


def test_a_problem_is_the_same_after_it_has_come_from_another_process():
    problem = {"title": "does not fit", "errors": [{"at": "body.channel", "what": "missing"}], "remedy": "say it"}
    ended, _ = outcome([httpx.Response(422, headers=PROBLEM, json=problem)], Retries())
    again = pickle.loads(pickle.dumps(ended))
    assert str(again) == str(ended) == "does not fit (422): got body.channel: missing; say it"
    assert (type(again), again.errors) == (RequestUnfitError, ended.errors)


def test_a_problem_that_cannot_be_read_is_still_one():
    ended, _ = outcome([httpx.Response(503, headers=PROBLEM, content=b"{")], Retries(attempts=1))
    assert isinstance(ended, UnavailableError)


@pytest.mark.parametrize(
    "wrong", [{}, {**READY, "bank": None}, {**READY, "bank": 5}, {**READY, "versions": {"churn": 1}}, [], "ready", None]
)
def test_an_answer_of_another_shape_is_an_error_with_the_place(wrong):
    with pytest.raises(AnswerError, match="the answer's Ready"):
        read(Ready, wrong)


def test_retries_that_make_no_sense_are_refused():
    for wrong in ({"attempts": 0}, {"first_seconds": -1.0}, {"first_seconds": 2.0, "longest_seconds": 1.0}):
        with pytest.raises(UsageError, match="make no sense"):
            Retries(**wrong)
