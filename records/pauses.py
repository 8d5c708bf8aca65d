"""Pauses in the database: what a person stopped, until when, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from domain.pause import Pause, PauseScope
from records.database import Database
from records.erasures import alone, hold_erasures
from records.event_rows import microseconds, moment_of
from records.schema import PAUSES


def pauses_in_force(database: Database, now: datetime) -> tuple[Pause, ...]:
    """Read the pauses that have not ended, by scope and name.

    Raises:
        StateError: The database does not answer, so nothing may be offered.
    """
    with database.reading() as connection:
        return _read(connection, now)


def held_pauses(connection: Connection, database: Database, now: datetime) -> tuple[Pause, ...]:
    """Read the pauses in force, and let none begin or end before this transaction does.

    A contact that is handed over in this transaction has left before a pause that waits for it, and is counted so.
    """
    hold_erasures(connection, database)
    return _read(connection, now)


def begin_pause(connection: Connection, database: Database, pause: Pause) -> None:
    """Put a pause in force, in place of the one of the same scope and name, and forget those that have ended.

    Args:
        connection: In a transaction of which this is the first statement; hand-overs wait for it.
        database: Database of the pauses.
        pause: The pause.
    """
    alone(connection, database)
    ended = PAUSES.c.until <= microseconds(pause.paused_at)
    connection.execute(delete(PAUSES).where(ended | _same(pause.scope, pause.name)))
    connection.execute(PAUSES.insert(), _row(pause))


def end_pause(connection: Connection, database: Database, scope: PauseScope, name: str) -> bool:
    """Remove a pause; return whether there was one. This is the first statement of its transaction."""
    alone(connection, database)
    return bool(connection.execute(delete(PAUSES).where(_same(scope, name))).rowcount)


def _read(connection: Connection, now: datetime) -> tuple[Pause, ...]:
    query = select(PAUSES).where(PAUSES.c.until > microseconds(now)).order_by(PAUSES.c.scope, PAUSES.c.name)
    return tuple(
        Pause(
            scope=PauseScope(row.scope),
            name=row.name,
            reason=row.reason,
            by=row.paused_by,
            paused_at=moment_of(row.paused_at),
            until=moment_of(row.until),
        )
        for row in connection.execute(query)
    )


def _row(pause: Pause) -> dict[str, Any]:
    return {
        "scope": pause.scope,
        "name": pause.name,
        "reason": pause.reason,
        "paused_by": pause.by,
        "paused_at": microseconds(pause.paused_at),
        "until": microseconds(pause.until),
    }


def _same(scope: PauseScope, name: str) -> Any:
    return (PAUSES.c.scope == scope) & (PAUSES.c.name == name)
