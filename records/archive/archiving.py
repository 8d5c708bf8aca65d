"""Moves old decisions from the database to the archive, completely or not at all even if it is interrupted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from domain.errors import StateError
from records.archive.files import PENDING, charges_text, month_of, name_of, publish, write_pending
from records.database import Database
from records.event_rows import microseconds
from records.schema import ARCHIVED, CHARGES, DECISIONS, VERSIONS

DECISIONS_AT_ONCE: Final = 20_000
"""Decisions in one file and transaction: about 60 MB of records; the database is locked for less than a second."""

_IDS_PER_STATEMENT: Final = 5_000


def archive_decisions(
    database: Database, folder: Path, now: datetime, before: datetime, at_once: int = DECISIONS_AT_ONCE
) -> tuple[int, int]:
    """Move decisions made before a moment, with their charges, to the archive, one month's part at a time.

    Each part is written durably and read back. Then one transaction removes its decisions from the database and lists
    its file. The file belongs to the archive only after that transaction, so nothing is lost or duplicated, whatever
    happens in between. The next call cleans up what a crash left. Only one call at a time may work on an archive.

    Args:
        database: Database of the decisions.
        folder: Folder of the archive.
        now: Current time, aware.
        before: Moment before which decisions are moved, aware.
        at_once: Decisions per file.

    Returns:
        Number of decisions moved, and number of files.

    Raises:
        StateError: The database or the disk failed, or decisions changed meanwhile; finished parts stay moved.
    """
    clear_up(database, folder)
    decisions = files = 0
    while rows := _oldest(database, microseconds(before), at_once):
        month = month_of(rows[0]["as_of"])
        part = [row for row in rows if month_of(row["as_of"]) == month]
        name = name_of(month, part)
        write_pending(folder, name, part)
        with database.transaction() as connection:
            _remove(connection, [row["decision_id"] for row in part])
            listed = {"file": name, "decisions": len(part), "archived_at": microseconds(now)}
            connection.execute(ARCHIVED.insert(), listed)
        publish(folder, name)
        decisions += len(part)
        files += 1
    return decisions, files


def clear_up(database: Database, folder: Path) -> None:
    """Rename files whose transaction was committed; remove files whose transaction was not, and replaced ones."""
    with database.reading() as connection:
        listed = set(connection.execute(select(ARCHIVED.c.file)).scalars())
    for file in list(folder.glob(f"year=*/month=*/*.parquet{PENDING}")):
        name = file.relative_to(folder).as_posix().removesuffix(PENDING)
        if name in listed:
            publish(folder, name)
        else:
            file.unlink()
    for file in list(folder.glob("year=*/month=*/*.parquet")):
        if file.relative_to(folder).as_posix() not in listed:
            file.unlink()


def remove_explanations(database: Database, before: datetime) -> int:
    """Remove the records of decisions made before a moment; the decisions stay.

    Returns:
        Number of removed records.
    """
    removed = 0
    old = DECISIONS.c.record.is_not(None) & (DECISIONS.c.as_of < microseconds(before))
    statement = select(DECISIONS.c.decision_id).where(old).limit(_IDS_PER_STATEMENT)
    while True:
        with database.transaction() as connection:
            ids = list(connection.execute(statement).scalars())
            connection.execute(update(DECISIONS).where(DECISIONS.c.decision_id.in_(ids)).values(record=None))
        removed += len(ids)
        if not ids:
            return removed


def _oldest(database: Database, before: int, at_most: int) -> list[dict[str, Any]]:
    """Read the oldest decisions, each with its versions and charges."""
    columns = [column for column in DECISIONS.columns if column.name != "versions"]
    query = (
        select(*columns, VERSIONS.c.content)
        .join(VERSIONS)
        .where(DECISIONS.c.as_of < before)
        .order_by(DECISIONS.c.as_of, DECISIONS.c.decision_id)
        .limit(at_most)
    )
    with database.reading() as connection:
        rows = [row._asdict() for row in connection.execute(query)]
        charges = _charges(connection, [row["decision_id"] for row in rows])
    return [{**row, "charges": charges_text(charges[row["decision_id"]])} for row in rows]


def _charges(connection: Connection, ids: Sequence[str]) -> dict[str, list[tuple[str, str, int]]]:
    found: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        query = select(CHARGES).where(CHARGES.c.decision_id.in_(ids[start : start + _IDS_PER_STATEMENT]))
        for decision_id, budget, period, amount in connection.execute(query):
            found[decision_id].append((budget, period, amount))
    return found


def _remove(connection: Connection, ids: Sequence[str]) -> None:
    removed = 0
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        portion = ids[start : start + _IDS_PER_STATEMENT]
        connection.execute(delete(CHARGES).where(CHARGES.c.decision_id.in_(portion)))
        removed += connection.execute(delete(DECISIONS).where(DECISIONS.c.decision_id.in_(portion))).rowcount
    if removed != len(ids):
        raise StateError(
            "decisions disappeared while being archived; nothing of this part was moved",
            got=f"{removed} of {len(ids)}",
            remedy="make sure that nobody else is archiving or erasing, then archive again",
        )
