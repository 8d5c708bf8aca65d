"""Calls of models beside the champions, in the database: how many decisions, failures, and how much time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select, update

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
    _write(database, day, "", calls, lambda name, count: MODEL_CALLS.c[name] + count)


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
    _write(database, day, run, calls, lambda _, count: count)


def calls_since(database: Database, version: str, day: date) -> dict[str, int]:
    """Return the sum of a version's counts from a day on.

    Raises:
        StateError: The database does not answer.
    """
    sums = [func.coalesce(func.sum(MODEL_CALLS.c[name]), 0) for name in COUNTS]
    query = select(*sums).where(MODEL_CALLS.c.version == version, MODEL_CALLS.c.day >= day.isoformat())
    with database.reading() as connection:
        return {name: int(count) for name, count in zip(COUNTS, connection.execute(query).one(), strict=True)}


def _write(
    database: Database,
    day: date,
    source: str,
    calls: Mapping[str, Mapping[str, int]],
    value: Callable[[str, int], Any],
) -> None:
    """Write each version's row, made if it is not there, with a value for the name and the count of each column."""
    if not calls:
        return
    with database.transaction() as connection:
        for version, counts in calls.items():
            key = {"version": version, "day": day.isoformat(), "source": source}
            connection.execute(database.add(MODEL_CALLS), [{**key, **dict.fromkeys(COUNTS, 0)}])
            row = (MODEL_CALLS.c[name] == identity for name, identity in key.items())
            values = {name: value(name, counts[name]) for name in COUNTS}
            connection.execute(update(MODEL_CALLS).where(*row).values(**values))
