"""The database of decisions and of the journal: SQLite in one file, or PostgreSQL for several servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from secrets import token_hex
from typing import Any
from weakref import finalize

from sqlalchemy import Connection, Engine, Table, TextClause, create_engine, event, inspect, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

import serving.archive.tables  # METADATA has their tables from there
import serving.delivery.tables  # noqa: F401
from domain.encoding import expect_utf8
from domain.errors import StateError
from serving.journal.former import adopt_erasures
from serving.journal.tables import GATE, GATE_NAME, SALT, SALT_NAME
from serving.tables import CONTACTS, METADATA


class Database:
    """Connections for transactions that write, and for single statements that read.

    Tables are made where they are missing. What is committed survives a power cut, readers do not wait for a writer,
    and writers wait for each other: in SQLite from the beginning of a transaction, so that what it reads stays true
    until it commits; in PostgreSQL by the rows that it locks.

    Args:
        url: As `sqlite:////srv/nbo/decisions.db` or `postgresql+psycopg://host/nbo`.

    Raises:
        StateError: From everything, where the database does not answer or refuses, or keeps text in another encoding
            than UTF8.
    """

    def __init__(self, url: str) -> None:
        self._adding: dict[str, TextClause] = {}
        with told_clearly():
            # a connection that broke since is replaced before it is used: the server may have been started anew
            # a file does not go away, as servers do
            asked_first = not url.startswith("sqlite")
            self._writer = create_engine(url, pool_pre_ping=asked_first)
            self._reader = create_engine(url, pool_pre_ping=asked_first, isolation_level="AUTOCOMMIT")
            # also where no table can be made, where nobody thought of closing, and when the process ends
            finalize(self, self._writer.dispose)
            finalize(self, self._reader.dispose)
            if self.is_sqlite:
                for engine in (self._writer, self._reader):
                    event.listen(engine, "connect", _prepare_sqlite)
                event.listen(self._writer, "begin", _begin_immediate)
            else:
                for engine in (self._writer, self._reader):
                    # before the library asks for the version, which it cannot read in every encoding
                    event.listen(engine, "connect", _expect_utf8, insert=True)
            self._salt = _make_tables(self._writer)

    @property
    def file(self) -> str | None:
        """Of the embedded one; None for a server."""
        return self._writer.url.database if self.is_sqlite else None

    def hashed(self, text: str) -> str:
        """Hash a text with the salt of this database, the same in every process that opens it.

        Whoever knows the hash and not the salt cannot try out whose it is.
        """
        return _salted(self._salt, sha256(text.encode()).hexdigest())

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the embedded one."""
        return self._writer.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction; it is committed at the end of the block, or rolled back by an error."""
        with told_clearly(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading; every statement sees what was committed before it."""
        with told_clearly(), self._reader.connect() as connection:
            yield connection

    def connect(self) -> Connection:
        """Open a connection for many transactions, one after the other; whoever asked for it closes it."""
        with told_clearly():
            return self._writer.connect()

    def add(self, table: Table) -> TextClause:
        """Give the INSERT that passes over rows that are there already; it is written once for a table.

        It is text, because the library compiles its own form of it anew for every execution. Columns that the
        database fills are left out.
        """
        if table.name not in self._adding:
            names = [
                column.name for column in table.columns if not (column.autoincrement is True or column.server_default)
            ]
            values = ", ".join(f":{name}" for name in names)
            self._adding[table.name] = text(
                f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608  names of our own
            )
        return self._adding[table.name]

    def sweep(self) -> None:
        """Have what was deleted leave SQLite's write-ahead log, where it is until others write over it.

        In its place in the file it was overwritten when it was deleted. PostgreSQL keeps it until its autovacuum comes.
        """
        if self.is_sqlite:
            with self.reading() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the connections."""
        self._writer.dispose()
        self._reader.dispose()


@contextmanager
def told_clearly() -> Iterator[None]:
    """Turn what a driver raises into an error of ours; nothing of a password is repeated."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StateError(
            "the decision log did not take or give what was asked; nothing was kept of this call",
            got=str(getattr(error, "orig", None) or error),
            remedy="look at the database: space, access, and whether it answers",
        ) from error


def _make_tables(engine: Engine) -> bytes:
    """Make what is missing; the salt of hashes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # several workers start at once, and CREATE TABLE IF NOT EXISTS still clashes with itself
            connection.execute(text("SELECT pg_advisory_xact_lock(7011)"))
        METADATA.create_all(connection)
        connection.execute(
            text(f"INSERT INTO {GATE.name} (name, moment) VALUES (:name, -1) ON CONFLICT DO NOTHING"),  # noqa: S608
            {"name": GATE_NAME},
        )
        connection.execute(
            text(f"INSERT INTO {SALT.name} (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING"),  # noqa: S608
            {"name": SALT_NAME, "value": token_hex(32)},
        )
        if "contacts" not in inspect(connection).get_view_names():
            connection.execute(text(CONTACTS))
        salt = bytes.fromhex(connection.execute(select(SALT.c.value).where(SALT.c.name == SALT_NAME)).scalar_one())
        adopt_erasures(connection, lambda digest: _salted(salt, digest))
    return salt


def _salted(salt: bytes, digest: str) -> str:
    return blake2b(digest.encode(), key=salt, digest_size=16).hexdigest()


def _expect_utf8(connection: DBAPIConnection, record: Any) -> None:
    expect_utf8(connection, "NBO_DECISION_LOG")


def _prepare_sqlite(connection: DBAPIConnection, record: Any) -> None:
    # the driver would begin transactions by itself, and only at the first write
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
