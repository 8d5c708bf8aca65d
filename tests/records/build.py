"""Databases and events for tests of the journal."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from config.stores import DecisionLogPlace
from domain.event import Event
from records.database import Database
from records.event_rows import row_of
from records.group_commit import GroupCommit
from records.ingestion import EventIngestion, EventStatus
from tests.servers import PostgreSQL
from tests.serving.build import AS_OF

_DATABASES = count()


def empty_postgresql(server: PostgreSQL) -> str:
    """Return the URL of a new database on a real server."""
    bank = f"journal{next(_DATABASES)}"
    server.add_database(f"log_{bank}")
    url = DecisionLogPlace.read(server.url("log_{bank}")).url(bank)
    assert url is not None
    return url


def told(
    event_id: str,
    customer: str = "c02",
    kind: str = "login",
    at: datetime = AS_OF - timedelta(minutes=1),
    **more: Any,
) -> dict[str, Any]:
    """Return a row of the journal."""
    event = Event(event_id=event_id, customer_id=customer, type=kind, occurred_at=at, available_at=at, **more)
    return row_of(event, said_at=event.occurred_at)


def accept(database: Database, *rows: dict[str, Any]) -> list[EventStatus]:
    """Accept rows in one transaction."""
    commits = GroupCommit(database)
    try:
        return commits.submit(EventIngestion(database, "offer_presented"), rows).result(timeout=30)
    finally:
        commits.close()
