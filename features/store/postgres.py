"""Feast's PostgreSQL store, made to fail in bounded time and to come back when its server does.

Feast 0.67 waits up to two minutes for a connection, keeps using one that has broken, and shares one connection
between threads without a lock. `config.stores` names this class where settings ask for PostgreSQL.
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
    """Feast's settings and two limits.

    Attributes:
        connect_timeout_seconds: For opening a connection.
        answer_timeout_seconds: For one statement, and for the network to take what was sent.
    """

    # Feast finds a class that is not its own by this
    type: Literal["features.store.postgres.PostgreSQLOnlineStore"]  # type: ignore[assignment]  # Feast has one word
    conn_type: Literal[ConnectionType.singleton] = ConnectionType.singleton
    connect_timeout_seconds: PositiveInt = 5
    answer_timeout_seconds: PositiveInt = 30


class PostgreSQLOnlineStore(FeastStore):
    """One connection for a process, used by one thread at a time; a broken one is opened anew at the next use."""

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
                # what it had begun is undone by the server, and the next use does not inherit a failed transaction
                connection.close()
                raise

    def disconnect(self) -> None:
        """Close the connection; the next use opens another."""
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
        password=settings.password or None,  # libpq finds one elsewhere only where it is given none
        connect_timeout=settings.connect_timeout_seconds,
        tcp_user_timeout=milliseconds,
        keepalives_idle=settings.keepalives_idle,
        application_name="nbo",
        **wanted,
    )
    expect_utf8(connection, "NBO_ONLINE_STORE")
    return connection
