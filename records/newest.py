"""Finds the newest accepted event or decided contact: no later decision may be made as of an earlier moment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from records.database import Database
from records.event_rows import moment_of
from records.schema import EVENTS, PENDING, WITHDRAWALS


def newest_kept(database: Database) -> datetime | None:
    """Return the latest moment of an event, a decided contact or a withdrawn one; None if there is none.

    Raises:
        StateError: The database does not answer.
    """
    with database.reading() as connection:
        found = [
            connection.execute(select(func.max(column))).scalar()
            for column in (EVENTS.c.available_at, PENDING.c.decided_at, WITHDRAWALS.c.withdrawn_at)
        ]
    moments = [moment for moment in found if moment is not None]
    return moment_of(max(moments)) if moments else None
