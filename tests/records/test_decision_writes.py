"""Writing decisions while others erase."""

from __future__ import annotations

import json

from sqlalchemy import delete, select

from records import customer_versions
from records.schema import CUSTOMERS, PENDING
from serving.service.decision_request import DecisionRequest
from tests.records.build import empty_postgresql
from tests.serving.api.build import small_service


def test_a_customer_who_is_erased_while_a_contact_is_kept_is_decided_for_anew(postgresql_server, tmp_path, monkeypatch):
    service = small_service(tmp_path, url=empty_postgresql(postgresql_server))
    with service.database.transaction() as connection:
        connection.execute(service.database.add(CUSTOMERS), {"customer_id": "c02", "version": 3})
    erased = []

    locked = customer_versions._LOCKED.rows

    def rows(connection, **values):
        # between the statement that inserts the row and the one that locks it
        if not erased:
            erased.append(True)
            with service.database.transaction() as other:
                other.execute(delete(CUSTOMERS).where(CUSTOMERS.c.customer_id == "c02"))
        return locked(connection, **values)

    monkeypatch.setattr(customer_versions._LOCKED, "rows", rows)
    said = json.loads(
        service.decision_queue.ask(DecisionRequest(customer_id="c02", channel="email")).result(timeout=30)
    )
    assert erased
    assert said["offers"]
    with service.database.reading() as connection:
        assert connection.execute(select(CUSTOMERS.c.version)).scalars().all() == [1]
        assert connection.execute(select(PENDING.c.decision_id)).scalars().all() == [said["decision_id"]]
    service.close()
