"""Connections to PostgreSQL that limit how long they wait, even for a server that is frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

Answer = TypeVar("Answer")

_LOOK_SECONDS: Final = 0.1
_CONNECT_SECONDS: Final = 2
"""The driver's minimum."""

_OF_SERVER: Final = 0.9
"""Share of the limit after which the server ends a statement itself: a rollback is better than a broken connection."""


class HurriedConnection(psycopg.Connection[Any]):
    """A connection that breaks off if an answer does not come in time.

    A stopped server ends no statement of its own, and its operating system still acknowledges packets, so network
    timeouts do not help either. It is unknown whether an unanswered commit was done.

    Attributes:
        patience: Limit in seconds; None for no limit.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[Answer], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> Answer:
        """Wait as the driver does, up to the limit."""
        limit = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except _WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer in {limit:g} seconds") from None


def hurried(patience: float) -> Callable[[Any, Any, tuple[Any, ...], Mapping[str, Any]], HurriedConnection]:
    """Return a function that opens limited connections, for SQLAlchemy's `do_connect`.

    Args:
        patience: Seconds to wait for an answer; the server itself gives up on statements and locks a little earlier.
    """

    def connect(dialect: Any, record: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> HurriedConnection:
        connection = HurriedConnection.connect(*arguments, **{**named, "connect_timeout": _CONNECT_SECONDS})
        connection.patience = patience
        milliseconds = round(patience * _OF_SERVER * 1_000)
        # outside a transaction, because a rollback would undo it
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = {milliseconds}; SET statement_timeout = {milliseconds}".encode())
        connection.autocommit = False
        return connection

    return connect
