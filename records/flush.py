"""Flush: moves the journal into the event log, each event exactly once even if it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update

from events.log import EventLog
from events.schema import conform
from records.database import Database
from records.erasures import hold_erasures
from records.event_rows import COLUMNS, microseconds, table_of_rows
from records.ingestion import close_gate
from records.schema import ANSWERS, EVENTS

EVENTS_AT_ONCE: Final = 50_000
"""About 50 MB while they are moved."""

ANOTHER_CLOCK: Final = timedelta(days=1)
"""A journal with no news for longer than this belongs to a service with another clock: that of a simulated bank."""

_IDS_PER_STATEMENT: Final = 5_000

KEPT: Final = timedelta(days=35)
"""How long accepted events and answers stay in the journal, so that repetitions are recognised."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """Outcome of a flush.

    Attributes:
        accepted: Events new in the event log.
        duplicates: Events that the log already had, from an interrupted flush or a file, or whose customers were erased
            meanwhile.
        conflicts: Events whose ids have other content in the log; they stay in the journal only.
        forgotten: Events removed from the journal because they have long been in the event log.
    """

    accepted: int
    duplicates: int
    conflicts: int
    forgotten: int


def flush(database: Database, log: EventLog, now: datetime) -> FlushResult:
    """Append the journal to the event log, and then mark its events as flushed.

    If this is interrupted in between, the next run appends the same events again, and the log recognises their ids.
    Events accepted during a flush become available after `now` and wait for the next run: a computation from the log up
    to `now` misses nothing.

    Args:
        database: Database of the journal.
        log: The event log, written in one commit for each `EVENTS_AT_ONCE`.
        now: Current time, aware.

    Raises:
        StateError: The database or the log failed; the next run flushes what was not marked.
    """
    with database.transaction() as connection:
        newest = connection.execute(select(func.max(EVENTS.c.available_at))).scalar()
        if newest is not None:
            moment = microseconds(now)
            close_gate(connection, moment if moment - newest <= ANOTHER_CLOCK // timedelta(microseconds=1) else newest)
    accepted = duplicates = conflicts = 0
    done = 0
    while True:
        query = (
            select(EVENTS.c.sequence, EVENTS.c.batch, *(EVENTS.c[name] for name in COLUMNS))
            .where(~EVENTS.c.drained, ~EVENTS.c.stray, EVENTS.c.sequence > done)
            .order_by(EVENTS.c.sequence)
            .limit(EVENTS_AT_ONCE)
        )
        with database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            break
        counts = log.append(conform(table_of_rows([row[2:] for row in rows])))
        done = rows[-1].sequence
        _note_drained(database, [(row.event_id, row.batch) for row in rows])
        accepted += counts.accepted
        duplicates += counts.duplicates
        conflicts += counts.conflicts
    return FlushResult(accepted, duplicates, conflicts, _forget(database, now))


def _note_drained(database: Database, rows: Sequence[tuple[str, str]]) -> None:
    """Mark exactly the rows that were read, by event and by the transaction that brought it.

    Neither number nor id alone identifies a row: SQLite gives the number of an erased row to the next one, and an
    erased event may be submitted again.
    """
    with database.transaction() as connection:
        hold_erasures(connection, database)
        for start in range(0, len(rows), _IDS_PER_STATEMENT):
            portion = rows[start : start + _IDS_PER_STATEMENT]
            # a transaction brings an id only once, and these transactions were committed before the rows were read
            ids = EVENTS.c.event_id.in_([event_id for event_id, _ in portion])
            batches = EVENTS.c.batch.in_(sorted({batch for _, batch in portion}))
            connection.execute(update(EVENTS).where(ids, batches).values(drained=True))


def waiting(database: Database) -> int:
    """Count the events that are not in the event log yet."""
    with database.reading() as connection:
        return int(
            connection.execute(
                select(func.count()).select_from(EVENTS).where(~EVENTS.c.drained, ~EVENTS.c.stray)
            ).scalar_one()
        )


def _forget(database: Database, now: datetime) -> int:
    limit = microseconds(now - KEPT)
    with database.transaction() as connection:
        hold_erasures(connection, database)
        connection.execute(delete(ANSWERS).where(ANSWERS.c.answered_at < limit))
        gone = connection.execute(delete(EVENTS).where(EVENTS.c.drained, EVENTS.c.available_at < limit))
        return int(gone.rowcount)
