"""Tables of the outbox, beside the journal: contacts to deliver, and what became of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from records.decision_tables import METADATA

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("night", String(10), nullable=False),  # day that the plan is for, as 2026-06-01
    Column("channel", Text, nullable=False),
    Column("contact_at", BigInteger, nullable=False),  # microseconds since 1970, UTC; so are all moments here
    Column("offer", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("slot", Text),
    Column("state", String(12), nullable=False),  # a `states.State`
    Column("attempts", Integer, nullable=False),  # attempts begun: the channel may have received the contact as often
    Column("next_at", BigInteger, nullable=False),  # not taken before this moment
    Column("settled_at", BigInteger),
    Column("reason", Text),
    # at most one contact per customer and night, even if the night was planned more than once
    UniqueConstraint("customer_id", "night"),
    Index("outbox_by_time", "channel", "state", "next_at"),
    Index("outbox_by_night", "channel", "night"),
)

GATHERED: Final = Table(
    "outbox_runs",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("night", String(10), nullable=False),
    Column("contacts", Integer, nullable=False),
)
"""Runs whose contacts are in the outbox, so that they are not read again."""

PLANS: Final = Table(
    "plans_in_force",
    METADATA,
    Column("night", String(10), primary_key=True),
    Column("run", Text, nullable=False),  # empty while no plan has been charged: the row is only a lock then
)
"""The latest plan of each night; only its contacts are delivered."""
