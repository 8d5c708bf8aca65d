"""From the journal to the event log: each event once, whenever it is interrupted."""

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
from records.journal_tables import ANSWERS, EVENTS

EVENTS_AT_ONCE: Final = 50_000
"""Some 50 MB while they are on their way."""

ANOTHER_CLOCK: Final = timedelta(days=1)
"""A journal without news for longer belongs to a service whose clock is another: that of a simulated bank."""

_IDS_PER_STATEMENT: Final = 5_000

KEPT: Final = timedelta(days=35)
"""As long do accepted events and answers stay in the journal, so that what is told again is known again."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What came of draining the journal.

    Attributes:
        accepted: New in the event log.
        duplicates: The event log had them, from a run that was interrupted or from a file, or their customers were
            erased meanwhile.
        conflicts: The event log has other content under their ids; they stay in the journal alone.
        forgotten: Events removed from the journal because they have been in the event log for long.
    """

    accepted: int
    duplicates: int
    conflicts: int
    forgotten: int


def flush(database: Database, log: EventLog, now: datetime) -> FlushResult:
    """Append what the journal has to the event log, and note it as done only then.

    Where this is interrupted in between, the next run appends the same again, which the log knows by its ids. What is
    accepted while this runs becomes available after `now`, and waits for the next run: whoever computes from the log
    up to `now` misses nothing.

    Args:
        database: Of the journal.
        log: Written in one commit for each `EVENTS_AT_ONCE`.
        now: Aware.

    Raises:
        StateError: The database or the log failed; what was not noted as done is done next time.
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
    """Mark the very rows that were read, by event and the transaction that brought it.

    SQLite gives the number of a row that was erased to the next one, and an event that was erased may be told again:
    neither number nor id alone say which row it is.
    """
    with database.transaction() as connection:
        hold_erasures(connection, database)
        for start in range(0, len(rows), _IDS_PER_STATEMENT):
            some = rows[start : start + _IDS_PER_STATEMENT]
            # one transaction brings an id once, and it came before these rows were read
            theirs = EVENTS.c.event_id.in_([event_id for event_id, _ in some])
            read = EVENTS.c.batch.in_(sorted({batch for _, batch in some}))
            connection.execute(update(EVENTS).where(theirs, read).values(drained=True))


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
