"""Feast's PostgreSQL store with time limits, and with reconnection after its server restarts.

Feast 0.67 waits up to two minutes for a connection, keeps using a broken one, and shares one connection between
threads without a lock. `config.stores` selects this class if settings request PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, Literal

import psycopg
from feast.infra.online_stores.postgres_online_store.postgres import PostgreSQLOnlineStore as FeastStore
from feast.infra.online_stores.postgres_online_store.postgres import PostgreSQLOnlineStoreConfig as FeastConfig
from feast.infra.utils.postgres.connection_utils import _get_conn_kwargs
from feast.infra.utils.postgres.postgres_config import ConnectionType
from feast.repo_config import RepoConfig
from psycopg import Connection
from pydantic import PositiveInt

from domain.encoding import expect_utf8


class PostgreSQLOnlineStoreConfig(FeastConfig):
    """Feast's settings, plus two limits.

    Attributes:
        connect_timeout_seconds: Limit for opening a connection.
        answer_timeout_seconds: Limit for one statement, and for the network to accept what was sent.
    """

    # Feast locates a store class that is not its own by this path
    type: Literal["features.store.postgres.PostgreSQLOnlineStore"]  # type: ignore[assignment]  # Feast allows one value
    conn_type: Literal[ConnectionType.singleton] = ConnectionType.singleton
    connect_timeout_seconds: PositiveInt = 5
    answer_timeout_seconds: PositiveInt = 30


class PostgreSQLOnlineStore(FeastStore):
    """One connection per process, used by one thread at a time; a broken one is replaced at the next use."""

    def __init__(self) -> None:
        super().__init__()
        self._connection: Connection[Any] | None = None
        self._one_at_a_time = RLock()

    @contextmanager
    def _get_conn(self, config: RepoConfig, autocommit: bool = False) -> Iterator[Connection[Any]]:
        with self._one_at_a_time:
            if self._connection is None or self._connection.closed:
                self._connection = _connect(config.online_store)
            connection = self._connection
            try:
                connection.set_autocommit(autocommit)
                yield connection
            except BaseException:
                # the server rolls back, and the next use does not inherit a failed transaction
                connection.close()
                raise

    def disconnect(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._one_at_a_time:
            if self._connection is not None:
                self._connection.close()


def _connect(settings: PostgreSQLOnlineStoreConfig) -> Connection[Any]:
    wanted = _get_conn_kwargs(settings)
    milliseconds = settings.answer_timeout_seconds * 1_000
    wanted["options"] += f" -c statement_timeout={milliseconds}"
    connection: Connection[Any] = psycopg.connect(
        host=settings.host,
        port=settings.port,
        dbname=settings.database,
        user=settings.user,
        password=settings.password or None,  # libpq looks elsewhere for a password only if there is none
        connect_timeout=settings.connect_timeout_seconds,
        tcp_user_timeout=milliseconds,
        keepalives_idle=settings.keepalives_idle,
        application_name="nbo",
        **wanted,
    )
    expect_utf8(connection, "NBO_ONLINE_STORE")
    return connection
