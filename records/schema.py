"""Tables of the database, on SQLite or PostgreSQL: decisions and their archive, the journal, budgets and the outbox."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

METADATA: Final = MetaData()

VERSIONS: Final = Table(
    "versions",
    METADATA,
    Column("digest", String(32), primary_key=True),
    Column("content", Text, nullable=False),  # JSON: name -> version
)

RULE_BOOKS: Final = Table(
    "rule_books",
    METADATA,
    Column("digest", String(32), primary_key=True),
    Column("content", Text, nullable=False),  # JSON: the rules of a policy, and the candidates that each applies to
)

DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("as_of", BigInteger, nullable=False),  # microseconds since 1970, UTC: exact, and the same in every database
    Column("features_from", Text, nullable=False),  # where the features came from: state, log, nothing; or batch
    Column("stage", Text),
    Column("offer", Text),  # first of the ranked offers; NULL if nothing was offered
    Column("propensity", Float),
    Column("value", Float),
    Column("priority", Float),
    Column("selection_probability", Float),
    Column("seed", BigInteger, nullable=False),
    Column("versions", String(32), ForeignKey("versions.digest"), nullable=False),
    Column("part", Text),  # for a batch run: names the Parquet files that hold the rest
    Column("record", Text),  # for a single decision: its trace; in old rows, JSON of the whole decision
    Index("decisions_of_customer", "customer_id", "as_of"),
)

CONTACTS: Final = (
    "CREATE VIEW contacts AS SELECT customer_id, channel, offer, as_of, decision_id FROM decisions"
    " WHERE offer IS NOT NULL"
)
"""What was offered to whom and when: the contact history as far as decisions tell."""


ARCHIVED: Final = Table(
    "archived_files",
    METADATA,
    Column("file", Text, primary_key=True),  # below the archive's folder
    Column("decisions", Integer, nullable=False),
    Column("archived_at", BigInteger, nullable=False),  # microseconds since 1970, UTC
)
"""A file belongs to the archive from the transaction that lists it here and removes its decisions from the database."""


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

PAUSES: Final = Table(
    "pauses",
    METADATA,
    Column("scope", String(16), primary_key=True),  # a `domain.pause.PauseScope`
    Column("name", Text, primary_key=True),  # offer or channel; empty for all outbound channels
    Column("reason", Text, nullable=False),
    Column("paused_by", Text, nullable=False),
    Column("paused_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Offers and channels that a person stopped; a row whose moment has passed has no effect."""

MODEL_CALLS: Final = Table(
    "model_calls",
    METADATA,
    Column("version", Text, primary_key=True),  # version and digest of a propensity model, as decisions cite them
    Column("day", String(10), primary_key=True),  # local day, as 2026-06-01
    Column("source", Text, primary_key=True),  # run of the batch; empty for the service
    Column("decisions", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("own_nanoseconds", BigInteger, nullable=False),
    Column("all_nanoseconds", BigInteger, nullable=False),
    Column("timed", BigInteger, nullable=False),
)
"""What models beside the champions were called for (`serving.beside.Calls`)."""

PLANS: Final = Table(
    "plans_in_force",
    METADATA,
    Column("night", String(10), primary_key=True),
    Column("run", Text, nullable=False),  # empty while no plan has been charged: the row is only a lock then
)
"""The latest plan of each night; only its contacts are delivered."""


# SQLite numbers rows by itself only where the type is INTEGER
_NUMBERED: Final = BigInteger().with_variant(Integer, "sqlite")

EVENTS: Final = Table(
    "journal_events",
    METADATA,
    Column("sequence", _NUMBERED, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("customer_id", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),  # microseconds since 1970, UTC; so are all moments here
    Column("available_at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("channel", Text),
    Column("product", Text),
    Column("amount", Float),
    Column("properties", Text, nullable=False),  # JSON: pairs of name and value, by name
    Column("decision_id", Text),
    Column("content", String(32), nullable=False),  # digest of what the caller sent: tells a repetition from a conflict
    Column("stray", Boolean, nullable=False),  # orphan event: cites a decision that is not this customer's
    Column("batch", String(16), nullable=False),  # names the transaction that accepted it
    Column("drained", Boolean, nullable=False, server_default=false()),  # is in the event log
    Index("journal_of_customer", "customer_id", "available_at"),
    Index("journal_of_decision", "decision_id"),
)
Index("journal_waiting", EVENTS.c.sequence, sqlite_where=~EVENTS.c.drained, postgresql_where=~EVENTS.c.drained)

GATE: Final = Table(
    "journal_gate",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("moment", BigInteger, nullable=False),  # for `GATE_NAME`: newly accepted events are available after it
)

GATE_NAME: Final = "drained"
"""The row of the gate; it exists from the beginning, so that it can be locked."""

READY: Final = "ready"
"""A row that is written to check that the database accepts writes."""

SWEPT: Final = "swept"
"""A row with the number of the erasure up to which runs have checked the files that they write."""

CUSTOMERS: Final = Table(
    "customer_versions",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),  # raised by every event, and every contact decided or withdrawn
)

PENDING: Final = Table(
    "pending_contacts",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("offer", Text, nullable=False),
    Column("product", Text),
    Column("decided_at", BigInteger, nullable=False),
    Index("pending_of_customer", "customer_id"),
)
"""Contacts that were decided and count, until the channel reports that it presented them."""

WITHDRAWALS: Final = Table(
    "withdrawals",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("withdrawn_at", BigInteger, nullable=False),
    Index("withdrawals_of_customer", "customer_id"),
)
"""Contacts that were withdrawn by their channels; withdrawing one again gets the same answer."""

SPENDING: Final = Table(
    "spending",
    METADATA,
    Column("budget", Text, primary_key=True),
    Column("period", Text, primary_key=True),  # first day of the period, as 2026-11-01
    Column("spent", BigInteger, nullable=False),  # in 1/10,000 of the budget's unit
)

CHARGES: Final = Table(
    "charges",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("budget", Text, primary_key=True),
    Column("period", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),  # in 1/10,000
)

PLANNED: Final = Table(
    "planned_charges",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("budget", Text, primary_key=True),
    Column("night", String(32), nullable=False),  # takes the place of a decision's id in `charges`
    Column("period", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),  # in 1/10,000
    Index("planned_charges_of_night", "night"),
)
"""Share of each contact in its batch run's charge, by the plan in force, while it can be refunded."""

ANSWERS: Final = Table(
    "answers",
    METADATA,
    Column("request_id", Text, primary_key=True),  # caller and the caller's own id
    Column("customer_id", Text),
    Column("content", String(32), nullable=False),  # digest of the request
    Column("answer", LargeBinary, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    Index("answers_by_age", "answered_at"),
    Index("answers_of_customer", "customer_id"),
)

ERASED: Final = Table(
    "erased_customers",
    METADATA,
    Column("customer", String(32), primary_key=True),  # salted hash, so that nobody can guess who it was
    Column("erased_at", BigInteger, nullable=False),  # what occurred by then is kept out
    Column("number", BigInteger, nullable=False),  # grows with every erasure
    Index("erased_by_number", "number"),
)
"""Customers who were erased."""

NAMED: Final = "erased:"
"""Prefix of the name of an erased customer in the audit and in receipts; their salted hash follows."""

ERASED_EVENTS: Final = Table(
    "erased_events",
    METADATA,
    Column("event", String(32), primary_key=True),  # salted hash of its id
)
"""Events of customers who were erased since; submitted again without a moment, they are recognised by id alone."""

SALT: Final = Table(
    "salt",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("value", String(64), nullable=False),  # hexadecimal
)
"""A random value, made once and shared by all who open this database; one row, named by `SALT_NAME`."""

SALT_NAME: Final = "erasures"

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("sequence", _NUMBERED, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("caller", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text),  # whose data: the customer's id, or the name that replaces it once they are erased
    Column("detail", Text),
    Index("audit_of_subject", "subject"),
)
