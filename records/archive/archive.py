"""The archive of decisions: reads them, and removes those of an erased customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import delete, select

from records.archive.files import (
    COLUMNS,
    LISTED,
    month_in,
    month_of,
    name_of,
    place_of,
    publish,
    write_pending,
)
from records.database import Database
from records.event_rows import microseconds
from records.schema import ARCHIVED


class DecisionArchive:
    """Decisions that have moved out of the database, in Parquet files by month.

    Args:
        folder: Folder of the files.
        database: Database that lists them.

    Raises:
        StateError: From every method, if the database or a file cannot be read.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database

    def files(self) -> list[str]:
        """List the files, latest months first."""
        with self._database.reading() as connection:
            return sorted(connection.execute(select(ARCHIVED.c.file)).scalars(), reverse=True)

    def get(self, decision_id: str) -> dict[str, Any] | None:
        """Return a decision, as a row of the table of decisions with the content of its versions; None if unknown."""
        for row in self._rows("decision_id", decision_id):
            return row
        return None

    def of_customer(self, customer_id: str, limit: int) -> list[dict[str, Any]]:
        """List a customer's archived decisions, latest first."""
        found = sorted(self._rows("customer_id", customer_id), key=lambda row: (-row["as_of"], row["decision_id"]))
        return found[:limit]

    def between(self, since: int, until: int) -> pa.Table:
        """Read the archived decisions of a period without their records, in no order.

        Args:
            since: Start of the period, microseconds since 1970.
            until: End of the period, microseconds since 1970; not included.

        Returns:
            Columns of `records.archive.files.LISTED`.
        """
        months = [name for name in self.files() if month_of(since) <= month_in(name) <= month_of(until)]
        when = (pc.field("as_of") >= since) & (pc.field("as_of") < until)
        tables = [
            pq.read_table(place_of(self.folder, name), filters=when, columns=LISTED.names, partitioning=None)
            for name in months
        ]
        return pa.concat_tables([LISTED.empty_table(), *tables])

    def forget(self, customer_id: str, now: datetime) -> int:
        """Remove all decisions of a customer by rewriting their files.

        Returns:
            Number of removed decisions.
        """
        gone = 0
        for name in self.files():
            rows = pq.ParquetFile(place_of(self.folder, name)).read().to_pylist()
            rest = [row for row in rows if row["customer_id"] != customer_id]
            if len(rest) < len(rows):
                gone += len(rows) - len(rest)
                self._replace(name, rest, now)
        return gone

    def _replace(self, name: str, rows: list[Mapping[str, Any]], now: datetime) -> None:
        new = name_of(month_of(rows[0]["as_of"]), rows) if rows else None
        if new is not None:
            write_pending(self.folder, new, rows)
        with self._database.transaction(patient=True) as connection:
            connection.execute(delete(ARCHIVED).where(ARCHIVED.c.file == name))
            if new is not None:
                listed = {"file": new, "decisions": len(rows), "archived_at": microseconds(now)}
                connection.execute(self._database.add(ARCHIVED), listed)
        if new is not None:
            publish(self.folder, new)
        place_of(self.folder, name).unlink()

    def _rows(self, column: str, value: str) -> Iterator[dict[str, Any]]:
        for name in self.files():
            file = place_of(self.folder, name)
            found = pq.read_table(file, filters=pc.field(column) == value, columns=list(COLUMNS), partitioning=None)
            for row in found.to_pylist():
                del row["charges"]
                yield row
