"""The outbox: holds every planned contact once, from the plan until its channel has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Connection, delete, func, select, update

from domain.pause import Pause
from records.customer_versions import lock_customers, raise_versions
from records.database import Database
from records.erasures import erasures_of, hold_erasures, is_erased
from records.event_rows import microseconds, moment_of
from records.pauses import held_pauses
from records.refund import refund
from records.schema import GATHERED, OUTBOX, PENDING
from serving.delivery.plans import lock_plan, make_room
from serving.delivery.states import State

ROWS_PER_STATEMENT: Final = 5_000
_IN_FILES: Final = (OUTBOX.c.state == State.DELIVERED, OUTBOX.c.reason.is_(None))
"""A delivered contact has no reason, unless it was withdrawn afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A planned contact.

    Attributes:
        night: Day it was planned for.
        message: Name of the treatment.
        attempts: Number of earlier delivery attempts.
    """

    decision_id: str
    customer_id: str
    night: str
    channel: str
    contact_at: datetime
    offer: str
    message: str
    slot: str | None
    attempts: int


class Outbox:
    """Planned contacts in the journal's database.

    Args:
        database: Database of decisions and journal.
        products: Product of each offer, to count contacts that are on their way.
        protected: Offers that only a pause of their own stops.

    Raises:
        StateError: By every method, if the database does not answer or refuses.
    """

    def __init__(self, database: Database, products: Mapping[str, str | None], protected: Collection[str] = ()) -> None:
        self.database = database
        self._products = products
        self._protected = protected

    def gather(self, run: str, midnight: datetime, contacts: pa.Table) -> int:
        """Insert the contacts of a run, all or none; a run already inserted, or superseded, adds nothing.

        Contacts of customers who were erased since the run's midnight are left out.

        Args:
            run: Name of the run.
            midnight: Local midnight of the night the run planned for.
            contacts: Contacts with `serving.batch.contacts.SCHEMA`.

        Returns:
            The number of new contacts.
        """
        night = f"{midnight:%Y-%m-%d}"
        planned = [_row(contact, night) for contact in contacts.to_pylist()]
        with self.database.transaction() as connection:
            hold_erasures(connection, self.database)
            if lock_plan(self.database, connection, night) not in (None, run):
                return 0
            erased = erasures_of(connection, self.database, {row["customer_id"] for row in planned})
            moment = microseconds(midnight)
            rows = [row for row in planned if not is_erased(erased, row["customer_id"], moment)]
            if connection.execute(select(GATHERED.c.run).where(GATHERED.c.run == run)).first() is not None:
                return 0
            make_room(connection, night, [row["customer_id"] for row in rows])
            before = _count(connection, night)
            for start in range(0, len(rows), ROWS_PER_STATEMENT):
                connection.execute(self.database.add(OUTBOX), rows[start : start + ROWS_PER_STATEMENT])
            connection.execute(self.database.add(GATHERED), {"run": run, "night": night, "contacts": len(rows)})
            return _count(connection, night) - before

    def has(self, run: str) -> bool:
        """Return whether a run's contacts were inserted."""
        with self.database.reading() as connection:
            return connection.execute(select(GATHERED.c.run).where(GATHERED.c.run == run)).first() is not None

    def expire(self, channel: str, now: datetime, before: datetime) -> int:
        """Give up a channel's contacts from before a moment; those never attempted are refunded."""
        late = (OUTBOX.c.channel == channel) & (OUTBOX.c.contact_at < microseconds(before))
        free = (OUTBOX.c.state == State.WAITING) & (OUTBOX.c.next_at <= microseconds(now))
        settled = {"state": State.EXPIRED, "settled_at": microseconds(now), "reason": "its contact time has passed"}
        ended = update(OUTBOX).where(late & free).values(settled).returning(OUTBOX.c.decision_id, OUTBOX.c.attempts)
        with self.database.transaction() as connection:
            attempts = dict(connection.execute(ended).tuples().all())
            refund(connection, [decision_id for decision_id, begun in attempts.items() if not begun])
        return len(attempts)

    def take(self, channel: str, now: datetime, at_most: int, lease: timedelta) -> list[Contact]:
        """Take contacts that are due; no other process takes them before the lease ends."""
        due = (
            select(OUTBOX)
            .where(OUTBOX.c.channel == channel, OUTBOX.c.state == State.WAITING)
            .where(OUTBOX.c.next_at <= microseconds(now))
            .order_by(OUTBOX.c.contact_at, OUTBOX.c.decision_id)
            .limit(at_most)
        )
        asked = due if self.database.is_sqlite else due.with_for_update(skip_locked=True)
        with self.database.transaction() as connection:
            found = [_contact(row._mapping) for row in connection.execute(asked)]
            _change(connection, found, next_at=microseconds(now + lease))
        return found

    def begin(self, contacts: Sequence[Contact], now: datetime, seen: Mapping[str, int] | None = None) -> list[Contact]:
        """Record, before contacts are sent, that their channel may have them from now on.

        They count against contact limits at once, until the channel reports that they were presented. A contact
        attempted before counts already, or was presented since.

        Args:
            contacts: Contacts taken and allowed.
            now: Aware moment.
            seen: Version of each customer by which the contact was allowed. If it has changed since, the contact is
                left waiting and checked again.

        Returns:
            The contacts that still wait; others were withdrawn, erased or paused since they were taken.
        """
        if not contacts:
            return []
        with self.database.transaction() as connection:
            pauses = held_pauses(connection, self.database, now)
            contacts = [one for one in contacts if not any(self._stops(pause, one) for pause in pauses)]
            attempts = self._waiting(connection, contacts)
            still = self.without_erased(connection, [one for one in contacts if one.decision_id in attempts])
            versions = lock_customers(connection, self.database, [contact.customer_id for contact in still])
            asked_by = versions if seen is None else seen
            begun: list[Contact] = []
            again: list[Contact] = []
            for one in still:
                (begun if versions[one.customer_id] == asked_by[one.customer_id] else again).append(one)
            _change(connection, again, next_at=microseconds(now))
            _change(connection, begun, attempts=OUTBOX.c.attempts + 1)
            self._count_as_contacts(connection, [one for one in begun if not attempts[one.decision_id]], now)
        return begun

    def _stops(self, pause: Pause, contact: Contact) -> bool:
        # every contact in the outbox was planned for an outbound channel
        return pause.stops(contact.offer, contact.channel, outbound=(contact.channel,), protected=self._protected)

    def without_erased(self, connection: Connection, contacts: Sequence[Contact]) -> list[Contact]:
        """Leave out contacts whose customers were erased after the contact time; the caller holds erasures."""
        erased = erasures_of(connection, self.database, {contact.customer_id for contact in contacts})
        return [one for one in contacts if not is_erased(erased, one.customer_id, microseconds(one.contact_at))]

    def _waiting(self, connection: Connection, contacts: Sequence[Contact]) -> dict[str, int]:
        """Return the attempts of those contacts that still wait, and lock their rows."""
        ids = sorted(contact.decision_id for contact in contacts)
        found: dict[str, int] = {}
        for start in range(0, len(ids), ROWS_PER_STATEMENT):
            portion = OUTBOX.c.decision_id.in_(ids[start : start + ROWS_PER_STATEMENT])
            query = select(OUTBOX.c.decision_id, OUTBOX.c.attempts).where(portion, OUTBOX.c.state == State.WAITING)
            locking = query if self.database.is_sqlite else query.order_by(OUTBOX.c.decision_id).with_for_update()
            found |= dict(connection.execute(locking).tuples().all())
        return found

    def _count_as_contacts(self, connection: Connection, contacts: Sequence[Contact], now: datetime) -> None:
        if not contacts:
            return
        pending = [
            {
                "decision_id": contact.decision_id,
                "customer_id": contact.customer_id,
                "channel": contact.channel,
                "offer": contact.offer,
                "product": self._products.get(contact.offer),
                "decided_at": microseconds(now),
            }
            for contact in contacts
        ]
        # concurrent decisions for these customers are decided again, with this contact counted
        raise_versions(connection, [contact.customer_id for contact in contacts])
        connection.execute(self.database.add(PENDING), pending)

    def postpone(self, contacts: Mapping[str, Sequence[Contact]], until: datetime) -> None:
        """Delay contacts, grouped by reason, until a moment."""
        if contacts:
            with self.database.transaction() as connection:
                for reason, group in contacts.items():
                    _change(connection, group, next_at=microseconds(until), reason=reason)

    def settle(
        self, contacts: Sequence[Contact], state: State, now: datetime, reason: str | None = None, *, made: bool = True
    ) -> None:
        """Record the final state of contacts.

        Args:
            contacts: Contacts to settle.
            state: Final state.
            now: Aware moment.
            reason: Why they were not delivered.
            made: Whether they may have reached the customer. If not, they no longer count against limits.
        """
        with self.database.transaction() as connection:
            self.settle_within(connection, contacts, state, now, reason)
            if not made:
                ids = [contact.decision_id for contact in contacts]
                connection.execute(delete(PENDING).where(PENDING.c.decision_id.in_(ids)))

    def withhold(self, contacts: Mapping[str, Sequence[Contact]], now: datetime) -> None:
        """Withhold contacts, grouped by reason, for good; those never attempted are refunded.

        A contact that was attempted may have reached the customer: it stays charged and counted.
        """
        if not contacts:
            return
        with self.database.transaction() as connection:
            attempts = self._waiting(connection, [contact for group in contacts.values() for contact in group])
            for reason, group in contacts.items():
                self.settle_within(connection, group, State.WITHHELD, now, reason)
            refund(connection, [decision_id for decision_id, begun in attempts.items() if not begun])

    @staticmethod
    def settle_within(
        connection: Connection, contacts: Sequence[Contact], state: State, now: datetime, reason: str | None = None
    ) -> None:
        """Settle contacts within a transaction of the caller."""
        _change(connection, contacts, state=state, settled_at=microseconds(now), reason=reason)

    def locked_night(self, connection: Connection, channel: str, night: str) -> list[Contact]:
        """Read the contacts in the file of a night, and lock the night against other deliveries."""
        gathered = select(GATHERED.c.run).where(GATHERED.c.night == night).order_by(GATHERED.c.run)
        connection.execute(gathered if self.database.is_sqlite else gathered.with_for_update())
        found = connection.execute(
            select(OUTBOX).where(*_IN_FILES, OUTBOX.c.channel == channel, OUTBOX.c.night == night)
        )
        return [_contact(row._mapping) for row in found]

    def lying(self, channel: str, since: datetime) -> list[Contact]:
        """Read a channel's delivered, not withdrawn contacts with a contact time since a moment."""
        query = select(OUTBOX).where(
            *_IN_FILES, OUTBOX.c.channel == channel, OUTBOX.c.contact_at >= microseconds(since)
        )
        with self.database.reading() as connection:
            return [_contact(row._mapping) for row in connection.execute(query)]

    @staticmethod
    def note_withdrawn(connection: Connection, contacts: Sequence[Contact], now: datetime) -> None:
        """Record that a channel was told not to make contacts it has; they stay delivered."""
        ids = [contact.decision_id for contact in contacts]
        values = {"settled_at": microseconds(now), "reason": "refused or paused after it was delivered"}
        for start in range(0, len(ids), ROWS_PER_STATEMENT):
            portion = OUTBOX.c.decision_id.in_(ids[start : start + ROWS_PER_STATEMENT])
            connection.execute(update(OUTBOX).where(portion, OUTBOX.c.state == State.DELIVERED).values(values))

    def counts(self) -> dict[tuple[str, State], int]:
        """Count contacts by channel and state."""
        query = select(OUTBOX.c.channel, OUTBOX.c.state, func.count()).group_by(OUTBOX.c.channel, OUTBOX.c.state)
        with self.database.reading() as connection:
            return {(channel, State(state)): count for channel, state, count in connection.execute(query)}

    def dead_letters(self, channels: Collection[str] | None = None) -> dict[tuple[str, str], int]:
        """Count dead letters by channel and reason.

        Args:
            channels: Channels that have some; with them an index finds the few among all contacts.
        """
        dead = OUTBOX.c.state == State.DEAD
        if channels is not None:
            dead &= OUTBOX.c.channel.in_(sorted(channels))
        query = select(OUTBOX.c.channel, OUTBOX.c.reason, func.count()).where(dead)
        with self.database.reading() as connection:
            found = connection.execute(query.group_by(OUTBOX.c.channel, OUTBOX.c.reason))
            return {(channel, reason): count for channel, reason, count in found}

    def revive(self, now: datetime) -> int:
        """Let dead letters wait again, as if they had not been tried; those too late expire instead."""
        again = {"state": State.WAITING, "next_at": microseconds(now), "settled_at": None, "attempts": 0}
        dead = OUTBOX.c.state == State.DEAD
        with self.database.transaction() as connection:
            # while they count as contacts, their own limits would hold them back
            connection.execute(
                delete(PENDING).where(PENDING.c.decision_id.in_(select(OUTBOX.c.decision_id).where(dead)))
            )
            return int(connection.execute(update(OUTBOX).where(dead).values(again)).rowcount)


def _row(contact: Mapping[str, Any], night: str) -> dict[str, Any]:
    at = microseconds(contact["contact_at"])
    copied = {name: contact[name] for name in ("decision_id", "customer_id", "channel", "offer", "slot")}
    new = {"state": State.WAITING, "attempts": 0, "settled_at": None, "reason": None}
    return {**copied, **new, "night": night, "message": contact["treatment"], "contact_at": at, "next_at": at}


def _contact(row: Mapping[Any, Any]) -> Contact:
    names = ("decision_id", "customer_id", "night", "channel", "offer", "message", "slot", "attempts")
    return Contact(**{name: row[name] for name in names}, contact_at=moment_of(row["contact_at"]))


def _change(connection: Connection, contacts: Sequence[Contact], **values: Any) -> None:
    ids = [contact.decision_id for contact in contacts]
    for start in range(0, len(ids), ROWS_PER_STATEMENT):
        portion = OUTBOX.c.decision_id.in_(ids[start : start + ROWS_PER_STATEMENT])
        connection.execute(update(OUTBOX).where(portion, OUTBOX.c.state == State.WAITING).values(values))


def _count(connection: Connection, night: str) -> int:
    return int(connection.execute(select(func.count()).select_from(OUTBOX).where(OUTBOX.c.night == night)).scalar_one())
