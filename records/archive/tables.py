"""Table of the files that the archive consists of, in the database of decisions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from records.decision_tables import METADATA

ARCHIVED: Final = Table(
    "archived_files",
    METADATA,
    Column("file", Text, primary_key=True),  # below the archive's folder
    Column("decisions", Integer, nullable=False),
    Column("archived_at", BigInteger, nullable=False),  # microseconds since 1970, UTC
)
"""A file belongs to the archive from the transaction that lists it here and removes its decisions from the database."""
