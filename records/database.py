"""The database of decisions and of the journal: SQLite in one file, or PostgreSQL for several servers."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from weakref import finalize

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, select, text, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError, SQLAlchemyError

import records.schema  # registers its tables with METADATA  # noqa: F401
from domain.encoding import expect_utf8
from domain.errors import StateError
from domain.sqlite_files import expect_sound, is_damage
from records.made_tables import adopt_erasures, expect_made, note_made
from records.schema import CONTACTS, GATE, GATE_NAME, METADATA, READY, SALT, SALT_NAME
from records.statements import Construct, insert_new
from storage.space import LEAST_FREE_BYTES, free_bytes

_PATIENCE: Final = 10.0
"""Seconds that SQLite waits for another writer."""

_RETRY_SECONDS: Final = 0.0003
"""Pause between two tries to begin a transaction in SQLite while somebody else writes."""

_ERASURE_SECONDS: Final = 30.0
"""Time limit of a statement in a patient transaction of a service."""

_RESTORE: Final = (
    "stop everything that uses it, and restore it from a backup: it holds decisions, contacts, budgets and erasures"
)

_FREE: Final = "free space on the database's disk; nothing can be saved until then"

_FULL: Final = 13
_NO_SPACE: Final = "53100"
"""Codes of SQLite and PostgreSQL for a full disk."""

_BUSY: Final = (5, 6)
"""SQLite's BUSY and LOCKED."""

_AWAY: Final = ("08", "57P", "53300")
"""Prefixes of PostgreSQL's codes for broken connections, a server that stops or starts, and too many connections."""


class AwayError(StateError):
    """The database does not answer, or is locked by somebody else: no write can succeed now."""


class Database:
    """Connections for transactions that write, and for single statements that read.

    Missing tables are created. Committed data survives a power cut. Readers do not wait for a writer. Writers wait for
    each other: in SQLite from the beginning of a transaction, so that what it reads stays true until it commits; in
    PostgreSQL by the rows that it locks.

    Args:
        url: For example `sqlite:////srv/nbo/decisions.db` or `postgresql+psycopg://host/nbo`.

    Raises:
        StateError: From every method, if the database does not answer or rejects the call, is damaged or missing, or
            uses a text encoding other than UTF8.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        with told_clearly():
            self._patient = self._writer = self._opened(None)
            self._reader = self._opened(None, isolation_level="AUTOCOMMIT")
            if self.file:
                expect_sound(Path(self.file), _RESTORE)
                expect_made(Path(self.file), _RESTORE + f"; to start afresh, remove {self.file}.tables as well")
            self._salt = _make_tables(self._writer)
            if self.file:
                note_made(Path(self.file), METADATA.tables)

    def hurry(self, seconds: float) -> None:
        """Limit the waiting for locks and answers from now on, except in `patient` transactions.

        Args:
            seconds: Time after which a call fails with `AwayError`.
        """
        self.close()
        self._patient = self._opened(_ERASURE_SECONDS)
        self._writer = self._opened(seconds)
        self._reader = self._opened(seconds, isolation_level="AUTOCOMMIT")

    def expect_writes(self) -> None:
        """Check that the database accepts writes: one that is full or locked still answers queries.

        A small row may still have a place where a decision has none, so the space on the disk is looked at as well.

        Raises:
            StateError: A row could not be written, or an SQLite file has no space to grow.
        """
        if self.file and (free := free_bytes(Path(self.file))) < LEAST_FREE_BYTES:
            raise StateError(
                "the disk of the database of decisions is full",
                got=f"{free:,} bytes free",
                expected=f"at least {LEAST_FREE_BYTES:,}",
                remedy=_FREE,
            )
        with self.transaction() as connection:
            connection.execute(self.add(GATE), {"name": READY, "moment": 0})
            connection.execute(update(GATE).where(GATE.c.name == READY).values(moment=1 - GATE.c.moment))

    def _opened(self, patience: float | None, **more: Any) -> Engine:
        # Test connections before use: the server may have been restarted. An SQLite file needs no such test.
        engine = create_engine(self._url, pool_pre_ping=not self._url.startswith("sqlite"), **more)
        # dispose of it also if creating the tables fails, if nobody calls close(), and when the process ends
        finalize(self, engine.dispose)
        if engine.dialect.name == "sqlite":
            seconds = _PATIENCE if patience is None else patience
            event.listen(engine, "connect", _prepared_sqlite(seconds, writes=not more))
            if not more:
                event.listen(engine, "begin", _begin_immediate(seconds))
            return engine
        if patience is not None:
            from records.postgres import hurried  # noqa: PLC0415  the driver is there only where a server is used

            event.listen(engine, "do_connect", hurried(patience))
        # before SQLAlchemy queries the version, which it cannot read in every encoding
        event.listen(engine, "connect", _expect_utf8, insert=True)
        return engine

    @property
    def file(self) -> str | None:
        """Path of the SQLite file; None for a server."""
        return self._writer.url.database if self.is_sqlite else None

    def hashed(self, text: str) -> str:
        """Hash a text with the salt of this database; every process that opens it gets the same hash.

        Without the salt, nobody can find out by trial whose hash it is.
        """
        return _salted(self._salt, sha256(text.encode()).hexdigest())

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self._writer.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, *, patient: bool = False) -> Iterator[Connection]:
        """Open a transaction, which is committed at the end of the block or rolled back by an error.

        Args:
            patient: Ignore the limit set by `hurry`.
        """
        with told_clearly(), (self._patient if patient else self._writer).begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading; every statement sees what was committed before it."""
        with told_clearly(), self._reader.connect() as connection:
            yield connection

    def connect(self) -> Connection:
        """Open a connection for a series of transactions; it is the caller's alone, who closes it.

        It is in no pool, where one that is returned after `close` would stay open.
        """
        with told_clearly():
            connection = self._writer.connect()
            connection.detach()
            return connection

    @staticmethod
    def add(table: Table) -> Construct:
        """Return the INSERT that skips existing rows, for SQLAlchemy to run."""
        return insert_new(table).construct

    def sweep(self) -> None:
        """Remove deleted data from SQLite's write-ahead log, where it stays until it is overwritten.

        In the database file itself it is overwritten on deletion. PostgreSQL keeps it until its next autovacuum.
        """
        if self.is_sqlite:
            with self.reading() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        for engine in (self._patient, self._writer, self._reader):
            engine.dispose()


@contextmanager
def told_clearly() -> Iterator[None]:
    """Turn the driver's errors into `StateError`s, without revealing a password."""
    try:
        yield
    except SQLAlchemyError as error:
        if is_damage(getattr(error, "orig", None)):
            raise StateError("the database of decisions is damaged", got=str(error.orig), remedy=_RESTORE) from error  # type: ignore[attr-defined]
        raise (AwayError if _is_away(error) else StateError)(
            "the database of decisions rejected the call; nothing of this call was saved",
            got=str(getattr(error, "orig", None) or error),
            remedy=_FREE
            if _is_full(error)
            else "check the database: disk space, access rights, and whether it answers",
        ) from error


def _is_full(error: SQLAlchemyError) -> bool:
    driver = getattr(error, "orig", None)
    return getattr(driver, "sqlite_errorcode", None) == _FULL or getattr(driver, "sqlstate", None) == _NO_SPACE


def _is_away(error: SQLAlchemyError) -> bool:
    if not isinstance(error, OperationalError):
        return False
    busy: int | None = getattr(error.orig, "sqlite_errorcode", None)
    if busy is not None:
        return busy & 0xFF in _BUSY  # the higher bits give the reason
    code: str | None = getattr(error.orig, "sqlstate", None)
    return code is None or code.startswith(_AWAY)


def _make_tables(engine: Engine) -> bytes:
    """Create the missing tables and return the salt for hashes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # several workers may start at once, and concurrent CREATE TABLE IF NOT EXISTS can fail
            connection.execute(text("SELECT pg_advisory_xact_lock(7011)"))
        _expect_columns(connection)
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


def _expect_columns(connection: Connection) -> None:
    """Check that existing tables have the expected columns: another program or version may have made them."""
    found = inspect(connection).get_multi_columns(filter_names=list(METADATA.tables))
    for (_, name), columns in found.items():
        missing = set(METADATA.tables[name].columns.keys()) - {column["name"] for column in columns}
        if missing:
            raise StateError(
                f"table {name} of the decision log lacks columns",
                got=f"no column {', '.join(sorted(missing))}",
                expected="a database of this program and version",
                remedy="check that NBO_DECISION_LOG names the right database, or restore it from a backup",
            )


def _salted(salt: bytes, digest: str) -> str:
    return blake2b(digest.encode(), key=salt, digest_size=16).hexdigest()


def _expect_utf8(connection: DBAPIConnection, record: Any) -> None:
    expect_utf8(connection, "NBO_DECISION_LOG")


def _prepared_sqlite(patience: float, *, writes: bool) -> Callable[[DBAPIConnection, Any], None]:
    def prepare(connection: DBAPIConnection, record: Any) -> None:
        # otherwise the driver begins transactions by itself, and only at the first write
        connection.isolation_level = None
        cursor = connection.cursor()
        # set first, because the other pragmas may have to wait, too
        waits = f"busy_timeout={round(patience * 1_000)}"
        for pragma in (waits, "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        if writes:  # waits only to begin, in a way of its own
            cursor.execute("PRAGMA busy_timeout=0")
        cursor.close()

    return prepare


def _begin_immediate(patience: float) -> Callable[[Connection], None]:
    """Return a function that begins a transaction soon after the current writer has finished.

    SQLite itself waits longer from try to try, up to a tenth of a second, while other writers get ahead.

    Args:
        patience: Seconds after which it fails.
    """

    def begin(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection  # also of one that is detached from the pool
        until, is_busy = time.monotonic() + patience, True
        while is_busy and time.monotonic() < until:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF in _BUSY
                time.sleep(_RETRY_SECONDS)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # for the last time, so that the error is SQLAlchemy's

    return begin
