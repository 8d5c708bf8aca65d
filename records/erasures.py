"""Erasures: keeps salted hashes of erased customers, so that none of their data comes back by any route."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select, text

from records.database import Database
from records.schema import ERASED, ERASED_EVENTS, EVENTS, NAMED
from records.statements import Statement

_SHARED: Final = Statement(text("SELECT pg_advisory_xact_lock_shared(7012)"))
_ALONE: Final = text("SELECT pg_advisory_xact_lock(7012)")
_LATEST: Final = Statement(select(func.coalesce(func.max(ERASED.c.number), 0)))
_OF_CUSTOMERS: Final = select(ERASED).where(ERASED.c.customer.in_(bindparam("names", expanding=True)))
_OF_EVENTS: Final = select(ERASED_EVENTS.c.event).where(ERASED_EVENTS.c.event.in_(bindparam("names", expanding=True)))
_PER_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """The last erasure of a customer.

    Attributes:
        at: Events up to this moment, UTC microseconds, are kept out; later ones are a new customer's.
        number: Grows with every erasure of anybody. Data read before it had this number may hold the customer.
    """

    at: int
    number: int


def hold_erasures(connection: Connection, database: Database) -> None:
    """Let no erasure begin or end before this transaction ends, so that what it reads of them stays true.

    SQLite has one writer at a time anyway.
    """
    if not database.is_sqlite:
        _SHARED.rows(connection)


def latest_erasure(connection: Connection) -> int:
    """Read the number of the latest erasure; 0 if nobody was erased."""
    [(number,)] = _LATEST.rows(connection)
    return int(number)


def erasures_of(connection: Connection, database: Database, customers: Iterable[str]) -> dict[str, Erasure]:
    """Find those of the customers who were erased."""
    by_name = {database.hashed(customer): customer for customer in customers}
    found: dict[str, Erasure] = {}
    if not by_name or not latest_erasure(connection):
        return found
    for names in _portions(sorted(by_name)):
        for name, at, number in connection.execute(_OF_CUSTOMERS, {"names": names}):
            found[by_name[name]] = Erasure(at, number)
    return found


def is_erased(erased: Mapping[str, Erasure], customer_id: str, moment: int) -> bool:
    """Return whether a moment, UTC microseconds, is not later than the customer's erasure."""
    return customer_id in erased and moment <= erased[customer_id].at


def erased_events(connection: Connection, database: Database, event_ids: Iterable[str]) -> set[str]:
    """Find those of the ids whose events belonged to customers who were erased since."""
    by_name = {database.hashed(event_id): event_id for event_id in event_ids}
    found: set[str] = set()
    if not by_name or not latest_erasure(connection):
        return found
    for names in _portions(sorted(by_name)):
        found |= {by_name[name] for name in connection.execute(_OF_EVENTS, {"names": names}).scalars()}
    return found


def note_erasure(connection: Connection, database: Database, customer_id: str, at: int) -> Erasure:
    """Note that a customer is erased, and the ids of their events.

    This and all transactions that hold erasures wait for each other: data committed before is found by an erasure
    that runs after this, and later transactions find the note.

    Args:
        connection: In a transaction of which this is the first statement.
        database: Database of the journal.
        customer_id: Customer to erase.
        at: Moment of the erasure, UTC microseconds. Journal events that replicas with fast clocks put later are covered
            as well.
    """
    alone(connection, database)
    own_events = EVENTS.c.customer_id == customer_id
    events = connection.execute(select(EVENTS.c.event_id, EVENTS.c.occurred_at).where(own_events)).all()
    name = database.hashed(customer_id)
    before = _by_when(connection, name)
    erasure = _note(connection, name, max(at, before, *(occurred for _, occurred in events)))
    if events:
        rows = [{"event": database.hashed(event_id)} for event_id, _ in events]
        connection.execute(database.add(ERASED_EVENTS), rows)
    return erasure


def note_its_end(connection: Connection, database: Database, customer_id: str) -> Erasure:
    """Note that everything read so far of a customer who is being erased may hold erased data.

    The moment of the erasure stays as `note_erasure` set it: later events were accepted as a new customer's, and may be
    in the event log, which has already been searched.

    Args:
        connection: In a transaction of which this is the first statement.
        database: Database of the journal.
        customer_id: Customer who is being erased.
    """
    alone(connection, database)
    name = database.hashed(customer_id)
    return _note(connection, name, _by_when(connection, name))


def alone(connection: Connection, database: Database) -> None:
    """Wait for all transactions that hold erasures, and let none begin before this transaction ends."""
    if not database.is_sqlite:
        connection.execute(_ALONE)


def _by_when(connection: Connection, name: str) -> int:
    found = connection.execute(select(ERASED.c.erased_at).where(ERASED.c.customer == name)).scalar()
    return -1 if found is None else int(found)


def _note(connection: Connection, name: str, at: int) -> Erasure:
    erasure = Erasure(at, latest_erasure(connection) + 1)
    connection.execute(delete(ERASED).where(ERASED.c.customer == name))
    connection.execute(ERASED.insert(), {"customer": name, "erased_at": erasure.at, "number": erasure.number})
    return erasure


def named(database: Database, customer_id: str) -> str:
    """Return the name, a salted hash, that stands for an erased customer in audit and receipts."""
    return f"{NAMED}{database.hashed(customer_id)}"


class ErasedCustomers:
    """All customers erased so far, as of the construction; `events.erased.Erased` for the event log.

    Args:
        database: Database of the journal.
        since: Only erasures with a higher number than this.

    Raises:
        StateError: The database does not answer.
    """

    def __init__(self, database: Database, since: int = 0) -> None:
        self._database = database
        with database.reading() as connection:
            found = connection.execute(select(ERASED.c.customer, ERASED.c.erased_at).where(ERASED.c.number > since))
            self._until = dict(found.tuples().all())

    def __len__(self) -> int:
        return len(self._until)

    def until(self, customer_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the moment of each customer's erasure, UTC microseconds; -1 for those who were not erased."""
        if not self._until:
            return np.full(len(customer_ids), -1, dtype=np.int64)
        hashed, until = self._database.hashed, self._until
        return np.array([until.get(hashed(customer), -1) for customer in customer_ids], dtype=np.int64)


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _PER_STATEMENT] for start in range(0, len(names), _PER_STATEMENT))
