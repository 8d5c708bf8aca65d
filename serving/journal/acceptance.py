"""Accepting events for good: each once, never before what was drained, and strays kept apart."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from serving.database import Database
from serving.journal.tables import EVENTS, GATE, GATE_NAME, PENDING
from serving.tables import DECISIONS

_GATE: Final = select(GATE.c.moment).where(GATE.c.name == GATE_NAME)
_GATE_LOCKED: Final = _GATE.with_for_update(read=True)


class Fate(StrEnum):
    """What became of an event that was told."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """The same was told before: nothing changes."""
    CONFLICT = "conflict"
    """The id stands for an event with other content, which came first and stays."""
    STRAY = "stray"
    """It cites a decision that does not exist, or is another customer's: kept apart, it counts for nothing."""


@dataclass(frozen=True)
class Acceptance:
    """The kind of write that takes events into the journal; a write is a sequence of rows (`journal.rows.row_of`).

    Args:
        presented: Event type of an offer put to a customer: it ends the waiting of a pending contact. None for a bank
            without contacts.
    """

    database: Database
    presented: str | None
    order: int = 0

    @cached_property
    def _adding(self) -> Any:
        return self.database.add(EVENTS).returning(EVENTS.c.event_id)

    def together(self, connection: Connection, writes: Sequence[Sequence[dict[str, Any]]]) -> list[list[Fate]]:
        """Insert the rows that are new."""
        told = [row for write in writes for row in write]
        first: dict[str, dict[str, Any]] = {}
        for row in told:
            first.setdefault(row["event_id"], row)
        # in the order of their ids, so that replicas that are told the same do not wait for each other
        rows = [first[event_id] for event_id in sorted(first)]
        gate = pass_gate(connection, self.database)
        owners = _owners(connection, {row["decision_id"] for row in rows if row["decision_id"] is not None})
        for row in rows:
            row["available_at"] = max(row["available_at"], gate + 1)
            decision = row["decision_id"]
            row["stray"] = decision is not None and owners.get(decision) != row["customer_id"]
        new = set(connection.execute(self._adding, rows).scalars()) if rows else set()
        known = _contents(connection, first.keys() - new)
        self._present(connection, [row for row in rows if row["event_id"] in new and not row["stray"]])
        return [[_fate(row, first[row["event_id"]], new, known) for row in write] for write in writes]

    def committed(self) -> None:
        """Nothing is remembered."""

    def _present(self, connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
        """What was presented counts by its event from now on, and no longer as pending."""
        presented = {
            row["decision_id"] for row in rows if row["type"] == self.presented and row["decision_id"] is not None
        }
        if presented:
            connection.execute(delete(PENDING).where(PENDING.c.decision_id.in_(sorted(presented))))


def _fate(row: dict[str, Any], first: dict[str, Any], new: Container[str], known: Mapping[str, str]) -> Fate:
    if row is first and row["event_id"] in new:
        return Fate.STRAY if row["stray"] else Fate.ACCEPTED
    original = known.get(row["event_id"], first["content"])
    return Fate.DUPLICATE if row["content"] == original else Fate.CONFLICT


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


def _contents(connection: Connection, event_ids: Iterable[str]) -> dict[str, str]:
    ids = sorted(event_ids)
    if not ids:
        return {}
    query = select(EVENTS.c.event_id, EVENTS.c.content).where(EVENTS.c.event_id.in_(ids))
    return dict(connection.execute(query).tuples().all())
