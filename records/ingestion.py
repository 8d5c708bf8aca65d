"""Ingestion: writes submitted events to the journal in order, each once; keeps orphan events apart."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, select, update

from records.customer_versions import raise_versions
from records.database import Database
from records.erasures import erased_events, erasures_of, is_erased
from records.logged import LoggedEvents
from records.schema import DECISIONS, EVENTS, GATE, GATE_NAME, PENDING

_NEWEST: Final = (
    select(EVENTS.c.customer_id, func.max(EVENTS.c.available_at))
    .where(EVENTS.c.customer_id.in_(bindparam("customers", expanding=True)))
    .group_by(EVENTS.c.customer_id)
)


def put_after_known(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Move events submitted as happening now behind the newest known event of their customer.

    Otherwise a consent withdrawn at a replica with a slow clock would precede the one that it withdraws. Events of a
    customer that are accepted together keep their distances.

    Args:
        connection: In the transaction that inserts the rows.
        rows: Rows about to be inserted; changed in place.
    """
    now = [row for row in rows if row["occurred_at"] == row["available_at"]]
    if not now:
        return
    first: dict[str, int] = {}
    for row in now:
        first[row["customer_id"]] = min(first.get(row["customer_id"], row["available_at"]), row["available_at"])
    newest = dict(connection.execute(_NEWEST, {"customers": sorted(first)}).tuples().all())
    for row in now:
        behind = newest.get(row["customer_id"], -1) + 1 - first[row["customer_id"]]
        if behind > 0:
            row["occurred_at"] += behind
            row["available_at"] += behind


_GATE: Final = select(GATE.c.moment).where(GATE.c.name == GATE_NAME)
_GATE_LOCKED: Final = _GATE.with_for_update(read=True)


_CONTENTS: Final = select(EVENTS.c.event_id, EVENTS.c.content, EVENTS.c.batch).where(
    EVENTS.c.event_id.in_(bindparam("ids", expanding=True))
)
_IDS_PER_STATEMENT: Final = 5_000


class EventStatus(StrEnum):
    """What became of a submitted event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """The same event was submitted before; nothing changes."""
    CONFLICT = "conflict"
    """The id belongs to an event with other content, which came first and stays."""
    STRAY = "stray"
    """An orphan event: it cites a decision that does not exist or is another customer's. It is kept apart, unused."""
    ERASED = "erased"
    """It occurred, or was submitted, before its customer was erased; it does not come back."""


@dataclass(frozen=True, slots=True)
class EventIngestion:
    """Writes events to the journal in a group commit; a write is a sequence of rows (`event_rows.row_of`).

    Args:
        database: Database of the journal.
        presented: Event type of an offer put to a customer: it ends a pending contact. None for a bank without
            contacts.
        logged: Events of the event log; None for a journal without one.
    """

    database: Database
    presented: str | None
    logged: LoggedEvents | None = None
    order: int = 0

    def together(self, connection: Connection, writes: Sequence[Sequence[dict[str, Any]]]) -> list[list[EventStatus]]:
        """Insert the new rows and raise their customers' versions, so that concurrent decisions are computed again."""
        submitted = [row for write in writes for row in write]
        erased = self._erased(connection, submitted)
        logged = self._logged(connection, [row for row in submitted if _key(row) not in erased])
        first: dict[str, dict[str, Any]] = {}
        for row in submitted:
            if _key(row) not in erased and row["event_id"] not in logged:
                first.setdefault(row["event_id"], row)
        # ordered by id, so that replicas that receive the same events do not deadlock
        rows = [first[event_id] for event_id in sorted(first)]
        gate = pass_gate(connection, self.database)
        owners = _owners(connection, {row["decision_id"] for row in rows if row["decision_id"] is not None})
        batch = token_hex(8)
        put_after_known(connection, rows)
        for row in rows:
            row["available_at"] = max(row["available_at"], gate + 1)
            decision = row["decision_id"]
            row["stray"] = decision is not None and owners.get(decision) != row["customer_id"]
            row["batch"] = batch
        if rows:
            connection.execute(self.database.add(EVENTS), rows)
        there = _there(connection, first)
        new = {event_id for event_id, (_, by) in there.items() if by == batch}
        known = {event_id: content for event_id, (content, by) in there.items() if by != batch}
        self._present(connection, [row for row in rows if row["event_id"] in new and not row["stray"]])
        raise_versions(connection, [row["customer_id"] for row in rows if row["event_id"] in new and not row["stray"]])

        def fate(row: dict[str, Any]) -> EventStatus:
            if _key(row) in erased:
                return EventStatus.ERASED
            event_id = row["event_id"]
            if event_id in logged:
                return EventStatus.DUPLICATE if row["content"] in logged[event_id] else EventStatus.CONFLICT
            return _fate(row, first[event_id], new, known)

        return [[fate(row) for row in write] for write in writes]

    def customers(self, writes: Sequence[Sequence[dict[str, Any]]]) -> set[str]:
        """Return the customers with new events: concurrent decisions for them are computed again."""
        return {row["customer_id"] for write in writes for row in write}

    def committed(self) -> None:
        """Do nothing: this kind has no memory."""

    def _erased(self, connection: Connection, submitted: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
        """Find the events that are rejected because their customers were erased."""
        customers = erasures_of(connection, self.database, {row["customer_id"] for row in submitted})
        events = erased_events(connection, self.database, {row["event_id"] for row in submitted})
        return {
            _key(row)
            for row in submitted
            if row["event_id"] in events or is_erased(customers, row["customer_id"], row["occurred_at"])
        }

    def _logged(self, connection: Connection, submitted: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
        """Find the ids that only the event log has, each with the digests of submitted content equal to the log's."""
        if self.logged is None or not submitted:
            return {}
        ids = self.logged.holds({row["event_id"] for row in submitted})
        if not ids:
            return {}
        ids -= _there(connection, ids).keys()
        rows = [row for row in submitted if row["event_id"] in ids]
        logged: dict[str, set[str]] = {event_id: set() for event_id in ids}
        for row, is_same in zip(rows, self.logged.same(rows) if rows else (), strict=True):
            if is_same:
                logged[row["event_id"]].add(row["content"])
        return logged

    def _present(self, connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
        """End the pending contacts that were presented; their events count from now on."""
        presented = {
            row["decision_id"] for row in rows if row["type"] == self.presented and row["decision_id"] is not None
        }
        if presented:
            connection.execute(delete(PENDING).where(PENDING.c.decision_id.in_(sorted(presented))))


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["event_id"], row["customer_id"]


def _fate(row: dict[str, Any], first: dict[str, Any], new: Container[str], known: Mapping[str, str]) -> EventStatus:
    if row is first and row["event_id"] in new:
        return EventStatus.STRAY if row["stray"] else EventStatus.ACCEPTED
    original = known.get(row["event_id"], first["content"])
    return EventStatus.DUPLICATE if row["content"] == original else EventStatus.CONFLICT


def pass_gate(connection: Connection, database: Database) -> int:
    """Read the moment up to which the journal was flushed, and keep it from moving until this transaction ends."""
    moment: int = connection.execute(_GATE if database.is_sqlite else _GATE_LOCKED).scalar_one()
    return moment


def close_gate(connection: Connection, moment: int) -> None:
    """Accept no more events that are available up to a moment; waits for transactions that have read the gate."""
    later = update(GATE).where(GATE.c.name == GATE_NAME, GATE.c.moment < moment)
    connection.execute(later.values(moment=moment))


def _owners(connection: Connection, decisions: Iterable[str]) -> dict[str, str]:
    ids = sorted(decisions)
    if not ids:
        return {}
    query = select(DECISIONS.c.decision_id, DECISIONS.c.customer_id).where(DECISIONS.c.decision_id.in_(ids))
    return dict(connection.execute(query).tuples().all())


def _there(connection: Connection, event_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Read the content of events and the transaction that brought each."""
    ids = sorted(event_ids)
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        portion = ids[start : start + _IDS_PER_STATEMENT]
        for event_id, content, batch in connection.execute(_CONTENTS, {"ids": portion}):
            found[event_id] = (content, batch)
    return found
