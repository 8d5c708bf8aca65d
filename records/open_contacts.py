"""Open contacts: those that the event log lacks as of a midnight, and that a batch run counts beside its states."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import and_, or_, select

from events.schema import MOMENT, PROPERTIES, conform
from events.segments import empty_table
from events.vocabulary import ContactEvents
from records.database import Database
from records.event_rows import COLUMNS, microseconds, table_of_rows
from records.journal import PENDING_PREFIX
from records.schema import EVENTS, PENDING

DAY: Final = timedelta(days=1)


def open_contacts(
    database: Database, told: ContactEvents | None, channels: Collection[str], midnight: datetime
) -> pa.Table:
    """List the contacts that a batch run must count although its states and log as of midnight lack them.

    These are contacts that were decided and not yet presented; contacts that were presented and wait in the journal;
    and contacts of the batch run's own day, because it is decided some hours after its midnight. Contacts of later days
    do not belong to an earlier batch run. As in the service, each counts as an offer put to the customer when it was
    decided or presented, or at midnight if that was later, and as news since midnight.

    Args:
        database: Database of the journal.
        told: Event types of offers put to customers; None for a bank that has put none.
        channels: Channels in which a decision is a contact.
        midnight: Midnight of the batch run, local.

    Returns:
        Events, by customer and id.

    Raises:
        StateError: The database does not answer; then nobody may be contacted.
    """
    if told is None:
        return empty_table()
    begin, end = microseconds(midnight), microseconds(midnight + DAY)
    not_in_log = or_(EVENTS.c.available_at >= begin, ~EVENTS.c.drained)
    is_contact = and_(EVENTS.c.type == told.presented, EVENTS.c.channel.in_(sorted(channels)), ~EVENTS.c.stray)
    events = select(*(EVENTS.c[name] for name in COLUMNS)).where(is_contact, not_in_log, EVENTS.c.available_at < end)
    waiting = select(PENDING).where(PENDING.c.decided_at < end)
    with database.reading() as connection:
        # in this order: a contact presented in between is found twice, instead of not at all
        pending = connection.execute(waiting).all()
        presented = connection.execute(events).all()
    reported = {row.decision_id for row in presented}
    pending = [row for row in pending if row.decision_id not in reported]
    whole = pa.concat_tables([_as_presented(pending, told), conform(table_of_rows(presented))])
    at_midnight = pa.scalar(begin, pa.int64()).cast(MOMENT)
    occurred = pc.if_else(pc.less(whole["occurred_at"], at_midnight), whole["occurred_at"], at_midnight)
    whole = whole.set_column(COLUMNS.index("occurred_at"), "occurred_at", occurred)
    available = pa.array(np.full(len(whole), begin), pa.int64()).cast(MOMENT)
    whole = whole.set_column(COLUMNS.index("available_at"), "available_at", available)
    return conform(whole.sort_by([("customer_id", "ascending"), ("event_id", "ascending")]))


def _as_presented(pending: Sequence[Any], contacts: ContactEvents) -> pa.Table:
    """Return pending contacts as events, as `Journal` does one by one; they are many if channels never report."""
    moments = pa.array([row.decided_at for row in pending], pa.int64()).cast(MOMENT)
    columns = {
        "event_id": [f"{PENDING_PREFIX}{row.decision_id}" for row in pending],
        "customer_id": [row.customer_id for row in pending],
        "occurred_at": moments,
        "available_at": moments,
        "type": [contacts.presented] * len(pending),
        "channel": [row.channel for row in pending],
        "product": pa.array([row.product for row in pending], pa.string()),
        "properties": pa.array([[(contacts.offer_property, row.offer)] for row in pending], PROPERTIES),
        "decision_id": [row.decision_id for row in pending],
    }
    return conform(pa.table(columns))
