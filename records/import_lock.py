"""A lock across processes and machines, so that only one import runs at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from records.database import Database, told_clearly
from storage.lock import locked

_IMPORT: Final = 7013
"""Key among PostgreSQL's advisory locks."""


@contextmanager
def one_import(database: Database) -> Iterator[None]:
    """Hold the import lock, waiting for another holder. It is released when its holder dies.

    With SQLite it is a lock on a file beside the database; with PostgreSQL an advisory lock, seen by all machines.

    Args:
        database: Database of the journal.

    Raises:
        StateError: The database does not answer.
    """
    if database.file is not None:
        with locked(Path(f"{database.file}.import.lock")):
            yield
        return
    with database.reading() as connection:
        # the server's session holds the lock, so the connection must end with it and not return to the pool
        connection.detach()
        with told_clearly():
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _IMPORT})
        yield
