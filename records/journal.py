"""The journal: events accepted since the last flush, read by customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, or_, select

from domain.event import Event
from events.vocabulary import ContactEvents
from records.database import Database
from records.erasures import latest_erasure
from records.event_rows import COLUMNS, moment_of, row_of
from records.schema import CUSTOMERS, EVENTS, PENDING
from records.statements import Statement

_OF_CUSTOMERS: Final = Statement(
    select(*(EVENTS.c[name] for name in COLUMNS))
    .where(EVENTS.c.customer_id.in_(bindparam("customers", expanding=True)), ~EVENTS.c.stray)
    .where(or_(EVENTS.c.available_at >= bindparam("since"), ~EVENTS.c.drained))
)
# One statement, so that a contact is never seen without its version. It runs before the events are read, so that a
# version may be older than the events but never newer.
_CONTACTS: Final = Statement(
    select(
        CUSTOMERS.c.customer_id,
        CUSTOMERS.c.version,
        PENDING.c.decision_id,
        PENDING.c.channel,
        PENDING.c.offer,
        PENDING.c.product,
        PENDING.c.decided_at,
    )
    .select_from(CUSTOMERS.outerjoin(PENDING, PENDING.c.customer_id == CUSTOMERS.c.customer_id))
    .where(CUSTOMERS.c.customer_id.in_(bindparam("customers", expanding=True)))
)
_AVAILABLE, _CUSTOMER = COLUMNS.index("available_at"), COLUMNS.index("customer_id")

PENDING_PREFIX: Final = "pending "
"""Prefix of the event ids of contacts that have not been reported as presented; they are in no log."""


@dataclass(frozen=True, slots=True)
class Recent:
    """What the journal holds of one customer.

    Attributes:
        rows: Events since a moment, and earlier ones that are not in the event log yet; values of `COLUMNS`.
        pending: Contacts that were decided and not yet presented, as events of an offer put to the customer.
        version: Changes with every event and every decided contact.
        erasure: Number of the latest erasure of anybody, before this was read.
        latest: When the newest event became available or the newest contact was decided, UTC microseconds; -1 without
            any.
        unsettled: Whether some event before the moment is not in the event log yet, so that the state lacks it.
    """

    rows: tuple[tuple[Any, ...], ...]
    pending: tuple[tuple[Any, ...], ...]
    version: int
    erasure: int
    latest: int
    unsettled: bool


class Journal:
    """Reads accepted events.

    Args:
        database: Database of the journal.
        contacts: Event types of offers put to customers; None for a bank that has put none.
    """

    def __init__(self, database: Database, contacts: ContactEvents | None) -> None:
        self.database = database
        self._contacts = contacts

    def recent(self, customer_id: str, since: int) -> Recent:
        """Read what one customer's state lacks; see `recent_of` for arguments and errors."""
        return self.recent_of([customer_id], since)[customer_id]

    def recent_of(self, customer_ids: Sequence[str], since: int) -> dict[str, Recent]:
        """Read what the customers' states as of a moment lack.

        Args:
            customer_ids: Customers to read.
            since: Moment of the states: a local midnight, UTC microseconds.

        Raises:
            StateError: The database does not answer.
        """
        with self.database.reading() as connection:
            # first, so that an erasure during the other reads counts as later than them
            erasure = latest_erasure(connection)
            contacts = _CONTACTS.rows(connection, customers=list(customer_ids))
            found = _OF_CUSTOMERS.rows(connection, customers=list(customer_ids), since=since)
        versions = {customer: int(version) for customer, version, *_ in contacts}
        pending: dict[str, list[Any]] = {}
        for customer, _, *contact in contacts:
            if contact[0] is not None:
                pending.setdefault(customer, []).append(contact)
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for row in found:
            rows.setdefault(row[_CUSTOMER], []).append(row)
        return {
            customer: self._recent(
                customer, rows.get(customer, ()), pending.get(customer, ()), versions, erasure, since
            )
            for customer in customer_ids
        }

    def _recent(
        self,
        customer: str,
        rows: Sequence[tuple[Any, ...]],
        pending: Sequence[Any],
        versions: Mapping[str, int],
        erasure: int,
        since: int,
    ) -> Recent:
        moments = [*(row[_AVAILABLE] for row in rows), *(contact[-1] for contact in pending)]
        return Recent(
            tuple(rows),
            tuple(self._as_presented(customer, *contact) for contact in pending),
            versions.get(customer, 0),
            erasure,
            max(moments, default=-1),
            any(row[_AVAILABLE] < since for row in rows),
        )

    def _as_presented(
        self, customer_id: str, decision_id: str, channel: str, offer: str, product: str | None, decided_at: int
    ) -> tuple[Any, ...]:
        assert self._contacts is not None, "a bank without contacts has none pending"
        decided = moment_of(decided_at)
        event = Event(
            event_id=f"{PENDING_PREFIX}{decision_id}",
            customer_id=customer_id,
            type=self._contacts.presented,
            occurred_at=decided,
            available_at=decided,
            channel=channel,
            product=product,
            properties={self._contacts.offer_property: offer},
            decision_id=decision_id,
        )
        row = row_of(event, said_at=event.occurred_at)
        return tuple(row[name] for name in COLUMNS)


def available_from(rows: Sequence[tuple[Any, ...]], earliest: int) -> list[tuple[Any, ...]]:
    """Move rows to at least a moment, so that a state of that moment merges with them as news."""
    return [
        row if row[_AVAILABLE] >= earliest else (*row[:_AVAILABLE], earliest, *row[_AVAILABLE + 1 :]) for row in rows
    ]
