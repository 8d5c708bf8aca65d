"""Rate limits across processes, and the cost of batches."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from config.service import ApiKey, ServiceSettings
from serving.api.rates import PROBED, CallerRates
from serving.api.security import new_key
from tests.docs.pages import ROOT
from tests.serving.api.build import small_client

SECRET = "a secret of more than thirty-two bytes, for tests"
LOGIN = {"customer_id": "c02", "type": "login"}


class Hands:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> int:
        return round(self.seconds * 1e9)


@pytest.fixture
def clock():
    return Hands()


def taken(rates, caller, per_second, times=1_000):
    return sum(rates.take(caller, per_second) == 0.0 for _ in range(times))


def test_a_second_s_worth_is_there_at_once_and_comes_back_with_time(clock):
    rates = CallerRates(None, clock)
    assert taken(rates, "app", 20) == 20
    clock.seconds += 0.5
    assert taken(rates, "app", 20) == 10
    clock.seconds += 1_000
    assert taken(rates, "app", 20) == 20
    assert taken(rates, "slow", 0.5) == 1
    assert rates.take("slow", 0.5) == pytest.approx(2.0)
    clock.seconds += 2
    assert taken(rates, "slow", 0.5) == 1


def test_all_who_share_the_file_count_together(clock, tmp_path):
    one, other = CallerRates(tmp_path / "rates", clock), CallerRates(tmp_path / "rates", clock)
    assert [one.take("app", 3), other.take("app", 3), one.take("app", 3)] == [0.0] * 3
    assert other.take("app", 3) == one.take("app", 3) > 0
    assert other.take("branch", 3) == 0.0


def test_processes_that_ask_at_the_same_time_take_no_token_twice(tmp_path):
    script = """
import sys
from pathlib import Path
from serving.api.rates import CallerRates
rates = CallerRates(Path(sys.argv[1]), now=lambda: 10**9)
sys.stdin.readline()
print(sum(rates.take("app", 10_000) == 0.0 for _ in range(8_000)))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "rates")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert sum(map(int, said)) == 10_000


def test_a_batch_is_made_up_for(clock):
    rates = CallerRates(None, clock)
    assert rates.take("night", 20) == 0.0
    rates.charge("night", 20, 499)
    assert rates.take("night", 20) == pytest.approx(500 / 20 - 19 / 20)
    clock.seconds += 24
    assert rates.take("night", 20) > 0
    clock.seconds += 0.1
    assert rates.take("night", 20) == 0.0


def test_more_callers_than_there_is_room_for_are_let_in(clock, monkeypatch):
    monkeypatch.setattr("serving.api.rates.SLOTS", PROBED)
    rates = CallerRates(None, clock)
    assert all(rates.take(f"caller {number}", 1) == 0.0 for number in range(100))
    clock.seconds += 10
    assert taken(rates, "caller 3", 1) == 1


def settings_of(*scopes, per_second=0.5, **more):
    key, entry = new_key("caller", scopes, per_second=per_second)
    return key, ServiceSettings(keys=(ApiKey(**{**entry, "scopes": scopes}),), **more)


def test_each_event_of_a_batch_counts_and_all_workers_count_them(tmp_path):
    key, settings = settings_of("listen", rates=tmp_path / "rates")
    events = [{"event_id": f"e{number}", **LOGIN} for number in range(500)]
    with small_client(tmp_path, settings=settings) as one, small_client(tmp_path, settings=settings) as other:
        for client in (one, other):
            client.headers = {"X-API-Key": key}
        assert one.post("/v1/events", json=events).json()["accepted"] == 500
        answers = [client.post("/v1/events", json=events[0]) for client in (one, other)]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert all(900 <= int(answer.headers["Retry-After"]) <= 1_000 for answer in answers)
    assert answers[0].json()["type"] == "urn:nbo:problem:too-many"


def test_each_decision_of_a_batch_counts(tmp_path):
    key, settings = settings_of("decide")
    question = {"customer_id": "c05", "channel": "app"}
    with small_client(tmp_path, settings=settings) as client:
        client.headers = {"X-API-Key": key}
        assert client.post("/v1/decisions/batch", json={"decisions": [question] * 100}).status_code == 200
        assert client.post("/v1/decisions", json=question).status_code == 429


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/events", "/v1/nowhere"])
def test_what_cannot_be_read_counts_and_beyond_the_rate_no_body_is_read(tmp_path, path):
    key, settings = settings_of("admin", per_second=1e-3)
    with small_client(tmp_path, settings=settings) as client:
        client.headers = {"X-API-Key": key, "Content-Type": "application/json"}
        known = path != "/v1/nowhere"
        assert client.post(path, content=b"{").status_code == (400 if known else 404)
        assert client.post(path, content=b"x" * 2_000_000).status_code == (429 if known else 404)
        assert client.get("/v1/offers").status_code == (429 if known else 200)
        assert client.get("/v1/offers").status_code == 429


def test_each_subject_of_tokens_has_a_rate(tmp_path):
    settings = ServiceSettings(jwt_key=SECRET, jwt_per_second=0.01)
    claims = {"aud": "nbo:small", "scope": "decide", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    question = {"customer_id": "c05", "channel": "app", "dry_run": True}

    def ask(subject):
        bearer = {"Authorization": f"Bearer {jwt.encode({**claims, 'sub': subject}, SECRET)}"}
        return client.post("/v1/decisions", json=question, headers=bearer).status_code

    with small_client(tmp_path, settings=settings) as client:
        client.headers.clear()
        assert [ask("a"), ask("a"), ask("b"), ask("b")] == [200, 429, 200, 429]
    with small_client(tmp_path, settings=replace(settings, jwt_per_second=None)) as client:
        client.headers.clear()
        assert [ask("a") for _ in range(5)] == [200] * 5


def test_the_rate_of_tokens_is_read_from_the_environment():
    assert ServiceSettings.from_environment({"NBO_JWT_PER_SECOND": "2.5"}).jwt_per_second == 2.5
    assert ServiceSettings.from_environment({}).jwt_per_second is None
