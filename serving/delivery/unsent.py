"""Contacts of which nothing is heard: after some days they count as never made, and free limits and budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from config.delivery import Delivery
from records.customer_versions import lock_customers, raise_versions
from records.database import Database
from records.erasures import hold_erasures
from records.event_rows import microseconds
from records.refund import refund
from records.schema import EVENTS, OUTBOX, PENDING
from serving.delivery.states import State

Heard = Callable[[Mapping[str, str]], Collection[str]]
"""Returns those decisions, of customers by decision id, of which the event log has an event."""

_PER_TRANSACTION: Final = 2_000
_ENDED: Final = (State.DELIVERED, State.DEAD)
_SHOWN: Final = timedelta(days=35)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmations:
    """What became of the contacts of one channel that were handed over in the last 35 days.

    Attributes:
        exported: Contacts that the channel has, and whose days of waiting for news are over.
        confirmed: Those of them of which something was heard.
        newly_unsent: Contacts that ended as unsent in this call; also such as were decided one by one.
    """

    channel: str
    exported: int
    confirmed: int
    newly_unsent: int

    @property
    def sentence(self) -> str:
        """The two numbers that should be equal.

        Example:
            >>> Confirmations(channel="email", exported=10_000, confirmed=7_000, newly_unsent=0).sentence
            'email: 10,000 exported, 7,000 confirmed'
        """
        return f"{self.channel}: {self.exported:,} exported, {self.confirmed:,} confirmed"


def end_unheard(
    database: Database, delivery: Delivery, channels: Collection[str], heard: Heard, now: datetime
) -> list[Confirmations]:
    """End contacts of which nothing was heard for the days of their channel.

    They no longer count against limits, their budgets are refunded, and models learn nothing from them, because there
    is no event that they were presented. If one is reported later, it counts from then on. Contacts of which the event
    log has news are no longer open either, and stay charged.

    Args:
        database: Database of outbox and journal.
        delivery: Days by channel.
        channels: Channels in which a decision is a contact.
        heard: Looks decisions up in the event log.
        now: Aware moment.

    Returns:
        The figures of every channel that has some.

    Raises:
        StateError: The database does not answer.
    """
    ended: Counter[str] = Counter()
    before = {channel: microseconds(now - timedelta(days=delivery.days_unheard(channel))) for channel in channels}
    due = _due(database, before)
    known = heard({decision: customer for decision, (customer, _) in due.items()}) if due else ()
    ids = sorted(due)
    for start in range(0, len(ids), _PER_TRANSACTION):
        portion = ids[start : start + _PER_TRANSACTION]
        with database.transaction() as connection:
            hold_erasures(connection, database)
            lock_customers(connection, database, [due[decision][0] for decision in portion])
            gone = delete(PENDING).where(PENDING.c.decision_id.in_(portion)).returning(PENDING.c.decision_id)
            # without those that were presented or withdrawn meanwhile
            open_still = sorted(connection.execute(gone).scalars())
            unsent = sorted(set(open_still) - set(known) - _in_journal(connection, open_still))
            settled = {"state": State.UNSENT, "settled_at": microseconds(now), "reason": "nothing was heard of it"}
            handed_over = OUTBOX.c.decision_id.in_(unsent) & OUTBOX.c.state.in_(_ENDED)
            connection.execute(update(OUTBOX).where(handed_over).values(settled))
            raise_versions(connection, [due[decision][0] for decision in open_still])
            refund(connection, unsent)
        ended.update(due[decision][1] for decision in unsent)
    return _confirmations(database, before, ended, now)


def confirmations(
    database: Database, delivery: Delivery, channels: Collection[str], now: datetime
) -> list[Confirmations]:
    """Return the exported and confirmed contacts of each channel, and change nothing."""
    before = {channel: microseconds(now - timedelta(days=delivery.days_unheard(channel))) for channel in channels}
    return _confirmations(database, before, {}, now)


def _due(database: Database, before: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """Find open contacts that are old enough: customer and channel by decision; those still being tried are left."""
    if not before:
        return {}
    old = or_(*(and_(PENDING.c.channel == name, PENDING.c.decided_at < moment) for name, moment in before.items()))
    tried = select(OUTBOX.c.decision_id).where(OUTBOX.c.state == State.WAITING)
    query = select(PENDING.c.decision_id, PENDING.c.customer_id, PENDING.c.channel)
    with database.reading() as connection:
        rows = connection.execute(query.where(old, PENDING.c.decision_id.not_in(tried))).all()
    return {decision: (customer, channel) for decision, customer, channel in rows}


def _in_journal(connection: Connection, decisions: list[str]) -> set[str]:
    query = select(EVENTS.c.decision_id).where(EVENTS.c.decision_id.in_(decisions), ~EVENTS.c.stray)
    return set(connection.execute(query).scalars())


def _confirmations(
    database: Database, before: Mapping[str, int], ended: Mapping[str, int], now: datetime
) -> list[Confirmations]:
    since = microseconds(now - _SHOWN)
    counts: dict[tuple[str, str], int] = {}
    with database.reading() as connection:
        for channel, moment in before.items():
            where: tuple[Any, ...] = (OUTBOX.c.channel == channel, OUTBOX.c.contact_at >= since)
            where = (*where, OUTBOX.c.settled_at < moment) if since < moment else where
            confirmed = select(func.count()).where(*where, OUTBOX.c.state == State.DELIVERED)
            unsent = select(func.count()).where(
                OUTBOX.c.channel == channel, OUTBOX.c.contact_at >= since, OUTBOX.c.state == State.UNSENT
            )
            counts[channel, "confirmed"] = connection.execute(confirmed).scalar_one()
            counts[channel, "unsent"] = connection.execute(unsent).scalar_one()
    found = [
        Confirmations(
            channel=channel,
            exported=counts[channel, "confirmed"] + counts[channel, "unsent"],
            confirmed=counts[channel, "confirmed"],
            newly_unsent=ended.get(channel, 0),
        )
        for channel in before
    ]
    return [one for one in found if one.exported or one.newly_unsent]
