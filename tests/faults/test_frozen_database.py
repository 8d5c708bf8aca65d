"""A database that is frozen or locked: every door says so in time, nothing is lost or twice, and all goes on then."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import func, select

from records.database import Database
from records.schema import DECISIONS, EVENTS
from tests.records.build import empty_postgresql
from tests.serving.build import small_log
from tests.serving.service.replica import replica
from tests.waiting import until

QUESTION = {"customer_id": "c05", "channel": "app"}


@contextmanager
def frozen(server, folder):
    with server.frozen():
        yield


@contextmanager
def locked(server, folder):
    with closing(sqlite3.connect(folder / "decisions.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def event(name):
    return {"event_id": name, "customer_id": "c02", "type": "login"}


def doors(decision):
    """Every door behind which something is written or read, many of them at once."""
    yield "GET", "/readyz", None
    yield "DELETE", "/v1/customers/c03", None
    yield "GET", "/v1/customers/c02", None
    yield "PUT", "/v1/customers/c02/consents", {"consents": {"consent_email": False}}
    yield "POST", f"/v1/decisions/{decision}/withdrawal", None
    yield "GET", f"/v1/decisions/{decision}", None
    yield "POST", "/v1/scores", {"customer_id": "c02"}
    yield (
        "POST",
        "/v1/decisions/batch",
        {"decisions": [{"customer_id": f"c{n:02}", "channel": "app"} for n in range(9)]},
    )
    for number in range(8):
        yield "POST", "/v1/events", event(f"meanwhile-{number}")
        yield "POST", "/v1/decisions", {**QUESTION, "customer_id": f"c{number:02}", "request_id": f"r{number}"}


@pytest.mark.parametrize("away", [frozen, locked])
def test_every_door_says_in_time_that_nothing_can_be_kept(request, tmp_path, away):
    server = request.getfixturevalue("postgresql_server") if away is frozen else None
    url = empty_postgresql(server) if server else f"sqlite:///{tmp_path / 'decisions.db'}"
    small_log(tmp_path / "log")
    with replica(tmp_path, url) as (_, client):
        assert client.post("/v1/events", json=event("before")).json()["accepted"] == 1
        decision = client.post("/v1/decisions", json=QUESTION).json()["decision_id"]
        asked = list(doors(decision))
        with away(server, tmp_path):
            for _ in range(2):
                with ThreadPoolExecutor(len(asked)) as together:
                    # all have their answers while the database is away, none of them after it
                    answers = list(together.map(lambda one: client.request(*one[:2], json=one[2]), asked))
                for (method, path, _), answer in zip(asked, answers, strict=True):
                    if away is locked and method == "GET" and path.startswith("/v1/decisions/"):
                        continue  # reading goes on; the look cannot be written down
                    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2"), path
                    assert answer.headers["Content-Type"] == "application/problem+json"
            assert client.get("/healthz").status_code == 200
        until(lambda: client.get("/readyz").status_code == 200)
        for method, path, body in asked:
            assert client.request(method, path, json=body).status_code in {200, 409}, path
        # whatever of it was written after the answer was told again under its id
        again = [client.post("/v1/decisions", json=body).json() for _, path, body in asked[-15::2]]
        kept = {one["decision_id"] for one in again}
    database = Database(url)
    with database.reading() as connection:
        events = connection.execute(
            select(EVENTS.c.event_id, func.count()).where(EVENTS.c.type == "login").group_by(EVENTS.c.event_id)
        ).all()
        found = set(connection.execute(select(DECISIONS.c.decision_id)).scalars())
    database.close()
    assert dict(events) == dict.fromkeys(["before", *(f"meanwhile-{number}" for number in range(8))], 1)
    assert kept <= found
