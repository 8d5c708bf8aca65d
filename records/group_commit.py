"""Group commit: writes waiting requests in one database transaction, so that they share the cost of durability."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection

from domain.errors import NboError, StateError
from records.customer_versions import forget_unchanged, lock_customers
from records.database import AwayError, Database, told_clearly
from records.erasures import hold_erasures
from records.micro_batching import MicroBatcher

Write_contra = TypeVar("Write_contra", contravariant=True)
Outcome_co = TypeVar("Outcome_co", covariant=True)
_Write = TypeVar("_Write")
_Outcome = TypeVar("_Outcome")

_Waiting = tuple["Kind[Any, Any]", Any, Future[Any], float]

MOST_TOGETHER: Final = 256
"""Most writes in one transaction; more would only make the first of them wait."""


class Kind(Protocol[Write_contra, Outcome_co]):
    """Handles the writes of one kind.

    Attributes:
        order: Kinds of a lower order are written first. All transactions of all replicas lock rows in this order, and
            within a kind by the rows' keys, so that no two wait for each other.
    """

    @property
    def order(self) -> int:
        """Place of this kind in the order of writing."""

    def customers(self, writes: Sequence[Write_contra]) -> Collection[str]:
        """Return the customers whose versions have to be locked before anything is written."""

    def together(self, connection: Connection, writes: Sequence[Write_contra]) -> Sequence[Outcome_co]:
        """Write in the given transaction; return one outcome per write, in order. An error rolls everything back."""

    def committed(self) -> None:
        """React to the commit of the transaction."""


class GroupCommit:
    """A thread that commits waiting writes; the next group gathers meanwhile.

    If a transaction fails, its writes are tried one by one, so that only those that cannot be written fail. If the
    database is unavailable, all fail together. A write that waited longer than its caller does is dropped.

    Args:
        database: Database to write to.
        patience: Seconds that a write may wait.
    """

    def __init__(self, database: Database, patience: float = math.inf) -> None:
        self._database = database
        self._patience = patience
        self._connection: Connection | None = None
        self._waiting: MicroBatcher[_Waiting] = MicroBatcher(self._commit, most=MOST_TOGETHER, name="group-commit")

    def submit(self, kind: Kind[_Write, _Outcome], write: _Write, *, until: float | None = None) -> Future[_Outcome]:
        """Submit a write; the future resolves when it has been committed.

        Args:
            kind: Kind of the write.
            write: The write, in the form that the kind expects.
            until: Time on the monotonic clock up to which the caller waits; None for `patience` from now on.

        Raises:
            StateError: From the future, if the database rejects the write; at once, if this has been closed.
        """
        future: Future[_Outcome] = Future()
        future.set_running_or_notify_cancel()  # nobody can cancel it any more
        self._waiting.put((kind, write, future, time.monotonic() + self._patience if until is None else until))
        return future

    def close(self) -> None:
        """Commit what waits, and end the thread."""
        self._waiting.close()
        if self._connection is not None:
            self._connection.close()

    def _commit(self, group: list[_Waiting]) -> None:
        group = _in_time(group)
        if not group:
            return
        try:
            outcomes = self._transaction(group)
        except AwayError as error:
            for _, _, future, _ in group:
                future.set_exception(error)
        except Exception as error:  # noqa: BLE001  the caller must get the error, whatever it is
            if len(group) > 1:
                for waiting in group:
                    self._commit([waiting])
                return
            [(_, _, future, _)] = group
            future.set_exception(error if isinstance(error, NboError) else _unexpected(error))
        else:
            for (_, _, future, _), outcome in zip(group, outcomes, strict=True):
                future.set_result(outcome)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Open a transaction on this thread's connection; a broken connection is replaced."""
        with told_clearly():
            if self._connection is None:
                self._connection = self._database.connect()
            try:
                with self._connection.begin():
                    yield self._connection
            except BaseException:
                broken, self._connection = self._connection, None
                broken.close()
                raise

    def _transaction(self, group: list[_Waiting]) -> list[Any]:
        kinds = sorted({id(kind): kind for kind, *_ in group}.values(), key=lambda kind: kind.order)
        outcomes: dict[int, Any] = {}
        with self._connected() as connection:
            hold_erasures(connection, self._database)
            writes = {id(kind): [write for other, write, *_ in group if other is kind] for kind in kinds}
            locked = lock_customers(
                connection, self._database, [name for kind in kinds for name in kind.customers(writes[id(kind)])]
            )
            for kind in kinds:
                places = [place for place, (other, *_) in enumerate(group) if other is kind]
                written = kind.together(connection, writes[id(kind)])
                outcomes |= dict(zip(places, written, strict=True))
            forget_unchanged(connection, [name for name, version in locked.items() if not version])
        for kind in kinds:
            kind.committed()
        return [outcomes[place] for place in range(len(group))]


def _in_time(group: list[_Waiting]) -> list[_Waiting]:
    """Fail the writes that waited too long, and return the others."""
    now = time.monotonic()
    for _, _, future, until in group:
        if until <= now:
            future.set_exception(late())
    return [waiting for waiting in group if waiting[-1] > now]


def late() -> StateError:
    """Return the error for a write that waited longer than its caller does."""
    return AwayError("the database did not answer in time; nothing of this call was saved")


def _unexpected(error: Exception) -> StateError:
    raised = StateError("the write failed", got=type(error).__name__)
    raised.__cause__ = error
    return raised
