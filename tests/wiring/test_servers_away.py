"""The whole service on Redis and PostgreSQL, which are stopped and restarted while it answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from serving.service.breaker import FAILURES
from tests.pipelines.small_bank import SmallBank
from tests.servers import PASSWORD, PostgreSQL, Redis
from tests.waiting import until
from tests.wiring.past import live_through
from tests.wiring.served import served


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, redis_server: Redis, postgresql_server: PostgreSQL
) -> Iterator[httpx.Client]:
    bank = SmallBank.write(tmp_path_factory.mktemp("bank"), customers=60, months=4, name="away")
    postgresql_server.add_database("log_away")
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank.use(monkeypatch)
        monkeypatch.setenv("NBO_ONLINE_STORE", redis_server.url)
        monkeypatch.setenv("NBO_DECISION_LOG", postgresql_server.url("log_{bank}"))
        parts = bank.parts
        noon = live_through(parts) + timedelta(hours=12)
        with served(parts, noon) as client:
            yield client
        parts.database.close()


@pytest.fixture(scope="module")
def customer(client: httpx.Client) -> str:
    """Return a customer with an offer by e-mail."""
    names = (f"C{number:06d}" for number in range(1, 61))
    return next(name for name in names if decided(client, name, "email", dry_run=True)["offers"])


def decided(client: httpx.Client, customer: str, channel: str = "app", **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/decisions", json={"customer_id": customer, "channel": channel, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(client: httpx.Client, event_id: str, customer: str) -> httpx.Response:
    event = {"event_id": event_id, "customer_id": customer, "type": "product_viewed", "product": "savings"}
    return client.post("/v1/events", json=event)


def views(client: httpx.Client, decision: dict[str, Any]) -> float:
    features = client.get(f"/v1/decisions/{decision['decision_id']}/explanation").json()["features"]
    found: float = features["product_view_count_30d"]
    return found


def names(decision: dict[str, Any]) -> list[str]:
    return [offer["offer"] for offer in decision["offers"]]


def test_what_was_told_counts_in_the_next_decision(client: httpx.Client, customer: str) -> None:
    before = decided(client, customer)
    assert (before["features_from"], before["degraded"]) == ("state", [])
    assert told(client, "first", customer).json()["accepted"] == 1
    after = decided(client, customer)
    assert after["features_from"] == "state"
    assert views(client, after) == views(client, before) + 1


def test_a_letter_counts_as_soon_as_it_is_decided(client: httpx.Client, customer: str) -> None:
    assert names(decided(client, customer, "email"))
    assert names(decided(client, customer, "email")) == []


def test_without_redis_the_numbers_are_the_same_and_it_is_used_again_when_it_is_back(
    client: httpx.Client, customer: str, redis_server: Redis
) -> None:
    before = decided(client, customer)
    redis_server.stop()
    try:
        for _ in range(FAILURES + 1):
            meanwhile = decided(client, customer)
            assert (meanwhile["features_from"], meanwhile["degraded"]) == ("log", ["features_from_log"])
            assert names(meanwhile) == names(before)
            assert views(client, meanwhile) == views(client, before)
        assert told(client, "without redis", customer).json()["accepted"] == 1
        assert views(client, decided(client, customer)) == views(client, before) + 1
        assert client.get("/readyz").status_code == 200
    finally:
        redis_server.start()
    until(lambda: decided(client, customer)["degraded"] == [])
    after = decided(client, customer)
    assert after["features_from"] == "state"
    assert views(client, after) == views(client, before) + 1


def test_without_postgresql_nothing_is_answered_and_what_was_acknowledged_is_there_when_it_is_back(
    client: httpx.Client, customer: str, postgresql_server: PostgreSQL
) -> None:
    before = decided(client, customer, request_id="asked before")
    assert told(client, "second", customer).json()["accepted"] == 1
    postgresql_server.stop()
    try:
        question = {"customer_id": customer, "channel": "app"}
        for answer in (client.post("/v1/decisions", json=question), told(client, "third", customer)):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200
    finally:
        postgresql_server.start()
    assert client.get("/readyz").status_code == 200
    assert decided(client, customer, request_id="asked before")["decision_id"] == before["decision_id"]
    assert names(decided(client, customer, "email")) == [], "the letter of before is not forgotten"
    assert views(client, decided(client, customer)) == views(client, before) + 1
    assert told(client, "second", customer).json()["results"][0]["fate"] == "duplicate"
    assert told(client, "third", customer).json()["results"][0]["fate"] == "accepted"
    assert views(client, decided(client, customer)) == views(client, before) + 2


def test_an_erased_customer_is_in_neither_server(
    client: httpx.Client, customer: str, redis_server: Redis, postgresql_server: PostgreSQL
) -> None:
    assert decided(client, customer)["offers"]
    assert keys_with(customer, redis_server)
    assert {"decisions", "journal_events", "pending_contacts"} <= tables_with(customer, postgresql_server)
    erased = client.delete(f"/v1/customers/{customer}").json()["erased"]
    assert erased["online_store"] == 1
    assert erased["decisions"] > 1
    assert not keys_with(customer, redis_server)
    assert not tables_with(customer, postgresql_server)


def keys_with(name: str, server: Redis) -> list[bytes]:
    with closing(redis.Redis(port=server.port, password=PASSWORD)) as asked:
        found: list[bytes] = asked.keys(f"*{name}*")
        return found


def tables_with(name: str, server: PostgreSQL) -> set[str]:
    """Return the tables with a row that contains the name."""
    with psycopg.connect(server.url("log_away")) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        query = sql.SQL("SELECT count(*) FROM {table} WHERE {table}::text LIKE {name}")
        return {
            table
            for table in tables
            for (rows,) in connection.execute(query.format(table=sql.Identifier(table), name=f"%{name}%"))
            if rows
        }
