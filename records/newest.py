"""Finds the moments behind which no clock may go back: of what is kept, and until which news is closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from records.database import Database
from records.event_rows import moment_of
from records.schema import ERASED, EVENTS, GATE, GATE_NAME, PENDING, WITHDRAWALS


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
    return _latest(found)


def closed_until(database: Database) -> datetime | None:
    """Return the latest moment up to which the journal was flushed or a customer erased; None if neither was done.

    By a clock that stands earlier, new events would become available later than now, or be taken for erased ones.

    Raises:
        StateError: The database does not answer.
    """
    flushed = select(GATE.c.moment).where(GATE.c.name == GATE_NAME, GATE.c.moment >= 0)
    with database.reading() as connection:
        found = [connection.execute(query).scalar() for query in (flushed, select(func.max(ERASED.c.erased_at)))]
    return _latest(found)


def _latest(found: Sequence[int | None]) -> datetime | None:
    moments = [moment for moment in found if moment is not None]
    return moment_of(max(moments)) if moments else None
