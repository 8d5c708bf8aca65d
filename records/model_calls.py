"""Calls of models beside the champions, in the database: how many decisions, failures, and how much time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import ColumnElement, Connection, func, select, update

from records.database import Database
from records.schema import MODEL_CALLS

COUNTS = ("decisions", "failed", "own_nanoseconds", "all_nanoseconds", "timed")


def add_calls(database: Database, day: date, calls: Mapping[str, Mapping[str, int]]) -> None:
    """Add to the counts of a day what the service has called models for.

    Args:
        database: Database of decisions.
        day: Local day.
        calls: Version -> `COUNTS`.

    Raises:
        StateError: The database does not answer; nothing is added.
    """
    if not calls:
        return
    with database.transaction() as connection:
        for version, counts in calls.items():
            key = _begin(connection, database, version, day, "")
            more = {name: MODEL_CALLS.c[name] + counts[name] for name in COUNTS}
            connection.execute(update(MODEL_CALLS).where(*key).values(**more))


def put_calls(database: Database, day: date, run: str, calls: Mapping[str, Mapping[str, int]]) -> None:
    """Set the counts of a batch run; once more changes nothing.

    Args:
        database: Database of decisions.
        day: Local day that was decided for.
        run: Name of the run.
        calls: Version -> `COUNTS`.

    Raises:
        StateError: The database does not answer; nothing is set.
    """
    if not calls:
        return
    with database.transaction() as connection:
        for version, counts in calls.items():
            key = _begin(connection, database, version, day, run)
            connection.execute(update(MODEL_CALLS).where(*key).values(**{name: counts[name] for name in COUNTS}))


def calls_since(database: Database, version: str, day: date) -> dict[str, int]:
    """Return the sum of a version's counts from a day on.

    Raises:
        StateError: The database does not answer.
    """
    sums = [func.coalesce(func.sum(MODEL_CALLS.c[name]), 0) for name in COUNTS]
    query = select(*sums).where(MODEL_CALLS.c.version == version, MODEL_CALLS.c.day >= day.isoformat())
    with database.reading() as connection:
        return {name: int(count) for name, count in zip(COUNTS, connection.execute(query).one(), strict=True)}


def _begin(
    connection: Connection, database: Database, version: str, day: date, source: str
) -> tuple[ColumnElement[bool], ...]:
    """Make the row if it is not there; return what identifies it."""
    key = {"version": version, "day": day.isoformat(), "source": source}
    connection.execute(database.add(MODEL_CALLS), [{**key, **dict.fromkeys(COUNTS, 0)}])
    return tuple(MODEL_CALLS.c[name] == value for name, value in key.items())
