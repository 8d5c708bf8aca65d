"""Tables of the decision log, on SQLite or PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, MetaData, String, Table, Text

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
