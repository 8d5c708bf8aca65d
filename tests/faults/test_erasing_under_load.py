"""A customer is erased while two replicas on PostgreSQL decide for them and are told of them."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

from sqlalchemy import select

from events.log import EventLog
from records.database import Database
from records.schema import ANSWERS, AUDIT, CUSTOMERS, DECISIONS, EVENTS, METADATA, PENDING
from tests.records.build import empty_postgresql
from tests.serving.build import AS_OF, small_log
from tests.serving.service.replica import replica

ERASED, OTHER = "c05", "c02"
NAMED = re.compile(rf"\b{ERASED}\b")
"""Not as a part of a random id."""
BEFORE = (AS_OF - timedelta(hours=1)).isoformat()


def test_nothing_of_them_is_left_in_any_table_of_any_replica(postgresql_server, tmp_path):
    url = empty_postgresql(postgresql_server)
    log = small_log(tmp_path / "log")
    erasing, done = threading.Event(), threading.Event()
    told: list[tuple[str, str, str]] = []
    statuses: set[int] = set()
    with replica(tmp_path, url) as (_, first), replica(tmp_path, url) as (_, second):

        def load(client, worker: int, customer: str, ends: threading.Event) -> None:
            number = 0
            while not ends.is_set():
                number += 1
                name = f"{customer}-{worker}-{number}"
                event = {"event_id": name, "customer_id": customer, "type": "login", "occurred_at": BEFORE}
                answer = client.post("/v1/events", json=event)
                statuses.add(answer.status_code)
                if answer.is_success:
                    told.append((customer, name, answer.json()["results"][0]["fate"]))
                asked = {"customer_id": customer, "channel": ("app", "email")[number % 2], "request_id": name}
                statuses.add(client.post("/v1/decisions", json=asked).status_code)

        threads = [
            # events and decisions of the erased one come until the erasure is asked for, and some after that
            threading.Thread(target=load, args=(client, worker, customer, ends))
            for worker, (client, customer, ends) in enumerate(
                (client, customer, ends)
                for client in (first, second)
                for customer, ends in ((ERASED, erasing), (ERASED, done), (OTHER, done))
            )
        ]
        for thread in threads:
            thread.start()
        while len(told) < 30:
            done.wait(0.01)
        erasing.set()
        receipt = first.delete(f"/v1/customers/{ERASED}")
        after = len(told)
        while len(told) < after + 15:
            done.wait(0.01)
        done.set()
        for thread in threads:
            thread.join()
        assert receipt.status_code == 200
        assert receipt.json()["erased"]["journal_events"] > 0
        # told again at the other replica, under its id, and as another
        for name in (told[0][1], "another"):
            event = {"event_id": name, "customer_id": ERASED, "type": "login", "occurred_at": BEFORE}
            assert second.post("/v1/events", json=event).json()["results"][0]["fate"] == "erased"
    assert statuses <= {200, 503}
    # those of before may have been accepted and erased; from the receipt on none is
    assert {fate for customer, _, fate in told[after + len(threads) :] if customer == ERASED} <= {"erased"}
    assert {fate for customer, _, fate in told if customer == OTHER} == {"accepted"}
    database = Database(url)
    with database.reading() as connection:
        # decided after it is for somebody of whom nothing is known
        later = select(DECISIONS.c.features_from).where(DECISIONS.c.customer_id == ERASED)
        assert set(connection.execute(later).scalars()) <= {"nothing"}
        left = {
            table.name
            for table in METADATA.tables.values()
            for row in connection.execute(select(table))
            if any(isinstance(value, str) and NAMED.search(value) for value in row)
        }
        kept = set(connection.execute(select(EVENTS.c.event_id).where(EVENTS.c.customer_id == OTHER)).scalars())
    database.close()
    assert EVENTS.name not in left
    assert AUDIT.name not in left
    assert left <= {DECISIONS.name, ANSWERS.name, CUSTOMERS.name, PENDING.name}
    assert kept == {name for customer, name, _ in told if customer == OTHER}
    assert len(EventLog(log.folder).read_customer(ERASED)) == 0
