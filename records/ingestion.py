"""Accepting events for good: each once, never before what was drained, and strays kept apart."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from records.customer_versions import raise_versions
from records.database import Database
from records.decision_tables import DECISIONS
from records.erasures import erased_events, erasures_of, is_erased
from records.event_order import put_after_known
from records.journal_tables import EVENTS, GATE, GATE_NAME, PENDING
from records.logged import LoggedEvents

_GATE: Final = select(GATE.c.moment).where(GATE.c.name == GATE_NAME)
_GATE_LOCKED: Final = _GATE.with_for_update(read=True)


_CONTENTS: Final = select(EVENTS.c.event_id, EVENTS.c.content, EVENTS.c.batch).where(
    EVENTS.c.event_id.in_(bindparam("ids", expanding=True))
)
_IDS_PER_STATEMENT: Final = 5_000


class EventStatus(StrEnum):
    """What became of an event that was told."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """The same was told before: nothing changes."""
    CONFLICT = "conflict"
    """The id stands for an event with other content, which came first and stays."""
    STRAY = "stray"
    """It cites a decision that does not exist, or is another customer's: kept apart, it counts for nothing."""
    ERASED = "erased"
    """It occurred, or was told, before its customer was erased: it does not come back."""


@dataclass(frozen=True, slots=True)
class EventIngestion:
    """The kind of write that takes events into the journal; a write is a sequence of rows (`event_rows.row_of`).

    Args:
        presented: Event type of an offer put to a customer: it ends the waiting of a pending contact. None for a bank
            without contacts.
        logged: What the event log has; None for a journal without one.
    """

    database: Database
    presented: str | None
    logged: LoggedEvents | None = None
    order: int = 0

    def together(self, connection: Connection, writes: Sequence[Sequence[dict[str, Any]]]) -> list[list[EventStatus]]:
        """Insert the rows that are new; what was decided without them is decided anew."""
        told = [row for write in writes for row in write]
        erased = self._erased(connection, told)
        logged = self._logged(connection, [row for row in told if _key(row) not in erased])
        first: dict[str, dict[str, Any]] = {}
        for row in told:
            if _key(row) not in erased and row["event_id"] not in logged:
                first.setdefault(row["event_id"], row)
        # in the order of their ids, so that replicas that are told the same do not wait for each other
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
        """Whoever decides at this moment for a customer who is told of decides anew."""
        return {row["customer_id"] for write in writes for row in write}

    def committed(self) -> None:
        """Nothing is remembered."""

    def _erased(self, connection: Connection, told: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
        """Find the events that are not taken in because their customers were erased."""
        customers = erasures_of(connection, self.database, {row["customer_id"] for row in told})
        events = erased_events(connection, self.database, {row["event_id"] for row in told})
        return {
            _key(row)
            for row in told
            if row["event_id"] in events or is_erased(customers, row["customer_id"], row["occurred_at"])
        }

    def _logged(self, connection: Connection, told: Sequence[dict[str, Any]]) -> dict[str, set[str]]:
        """Find the ids that the event log has and the journal not, each with the contents that say the same there."""
        if self.logged is None or not told:
            return {}
        ids = self.logged.holds({row["event_id"] for row in told})
        if not ids:
            return {}
        ids -= _there(connection, ids).keys()
        rows = [row for row in told if row["event_id"] in ids]
        logged: dict[str, set[str]] = {event_id: set() for event_id in ids}
        for row, is_same in zip(rows, self.logged.same(rows) if rows else (), strict=True):
            if is_same:
                logged[row["event_id"]].add(row["content"])
        return logged

    def _present(self, connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
        """What was presented counts by its event from now on, and no longer as pending."""
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
    """Read the moment up to which the journal was drained, and keep it from moving until this transaction ends."""
    moment: int = connection.execute(_GATE if database.is_sqlite else _GATE_LOCKED).scalar_one()
    return moment


def close_gate(connection: Connection, moment: int) -> None:
    """Let nothing in any more that became available up to a moment; waits for transactions that read the gate."""
    later = update(GATE).where(GATE.c.name == GATE_NAME, GATE.c.moment < moment)
    connection.execute(later.values(moment=moment))


def _owners(connection: Connection, decisions: Iterable[str]) -> dict[str, str]:
    ids = sorted(decisions)
    if not ids:
        return {}
    query = select(DECISIONS.c.decision_id, DECISIONS.c.customer_id).where(DECISIONS.c.decision_id.in_(ids))
    return dict(connection.execute(query).tuples().all())


def _there(connection: Connection, event_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Read the content that events have, and which transaction brought them."""
    ids = sorted(event_ids)
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        some = ids[start : start + _IDS_PER_STATEMENT]
        for event_id, content, batch in connection.execute(_CONTENTS, {"ids": some}):
            found[event_id] = (content, batch)
    return found
