"""One at a time across processes and machines: what must not be done by two at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from events.lock import locked
from records.database import Database, told_clearly

_IMPORT: Final = 7013
"""Of PostgreSQL's advisory locks."""


@contextmanager
def one_import(database: Database) -> Iterator[None]:
    """Hold the right to import; wait for whoever holds it. It is free again when its holder dies.

    With SQLite it is a lock on a file beside the database, with PostgreSQL one of the server's, which all machines see.

    Args:
        database: Of the journal.

    Raises:
        StateError: The database does not answer.
    """
    if database.file is not None:
        with locked(Path(f"{database.file}.import.lock")):
            yield
        return
    with database.reading() as connection:
        # the server's session holds the lock: it is ended with it, and not given to somebody else
        connection.detach()
        with told_clearly():
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _IMPORT})
        yield
