"""Connections to PostgreSQL that wait no longer than they are told to, also for a server that is frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

Answer = TypeVar("Answer")

_LOOK_SECONDS: Final = 0.1
_CONNECT_SECONDS: Final = 2
"""The driver's least."""

_OF_SERVER: Final = 0.9
"""Share of the time after which the server ends a statement by itself: better a rollback than a broken connection."""


class HurriedConnection(psycopg.Connection[Any]):
    """Gives up an answer that does not come, and with it the connection.

    A server that is stopped ends no statement of its own, and as its system still acknowledges what is sent, the
    network's timeouts do not help either. Whether a commit that was not answered was done is not known.

    Attributes:
        patience: Seconds; None for no limit.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[Answer], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> Answer:
        """Wait as the driver does, but not for ever."""
        limit = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer in {limit:g} seconds") from None


def hurried(patience: float) -> Callable[[Any, Any, tuple[Any, ...], Mapping[str, Any]], HurriedConnection]:
    """Give what opens connections for SQLAlchemy's `do_connect`.

    Args:
        patience: Seconds for an answer; the server itself ends statements, and waits for locks, a little earlier.
    """

    def connect(dialect: Any, record: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> HurriedConnection:
        connection = HurriedConnection.connect(*arguments, **{**named, "connect_timeout": _CONNECT_SECONDS})
        connection.patience = patience
        milliseconds = round(patience * _OF_SERVER * 1_000)
        # outside a transaction, whose end would undo it
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = {milliseconds}; SET statement_timeout = {milliseconds}".encode())
        connection.autocommit = False
        return connection

    return connect
