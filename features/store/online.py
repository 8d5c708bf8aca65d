"""Customers' states in the online store: written overnight, read when a decision is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.errors import StateError
from features.calendar import Calendar
from features.moments import utc_microseconds
from features.state import States
from features.store.packing import header_of, pack, stack, unpack
from features.store.repository import FeatureRepository
from features.store.rows import StateRows

CUSTOMERS_PER_BATCH = 2_000
"""One transaction of the store: takes a tenth of a second, and stays below SQLite's limit of variables in a query."""


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing states.

    Attributes:
        written: Number of states now in the store.
        kept: Number of states that were not written because the store has a later midnight for them.
    """

    written: int
    kept: int


@dataclass(frozen=True, slots=True)
class OnlineRead:
    """States of some customers in the store.

    Attributes:
        states: States of the requested midnight, in the order of the request.
        missing: Customers that the store does not have.
        stale: Customers whose state is of another midnight.
    """

    states: States
    missing: tuple[str, ...]
    stale: tuple[str, ...]


class OnlineStates:
    """The online side of a bank's feature store.

    Freshness is checked here because Feast returns rows of any age. So is the order of writing, because not every
    store refuses older rows: a state of an earlier midnight never replaces a later one. The store keeps the latest
    midnight ever written, so that a usual night need not read each state before writing it. A correction of the same
    midnight also replaces; rows carry the time of writing as Feast's event time, because Redis may drop rows whose
    event time is not later.

    One process writes at a time. Customers are written in batches: if the store fails midway, earlier customers have
    their new state and the others the old one, which reads as stale; writing again fixes this.

    Args:
        repository: The bank's feature store.
        calendar: The bank's local days.
        layout: Fingerprint of the states that this reader can read.
    """

    def __init__(self, repository: FeatureRepository, calendar: Calendar, layout: str) -> None:
        self._repository = repository
        self._rows = StateRows(repository)
        self._calendar = calendar
        self._layout = layout

    def materialise(self, states: States, now: datetime) -> Written:
        """Write states, but never over a later one.

        Args:
            states: States of any number of customers.
            now: Time of writing, timezone-aware; later than that of the previous write.

        Raises:
            StateError: If the states have another layout, nothing is registered, or the store does not answer.
        """
        self._expect_layout(states.layout)
        written_at = utc_microseconds(now).astype(datetime)
        latest = self._latest_midnight()
        guarded = latest is None or latest > states.midnight
        if latest is None or latest < states.midnight:
            nothing = np.empty((1, 0), dtype=np.int64)
            self._rows.write([self._rows.latest_key()], pack(nothing, "", states.midnight), written_at)
        written = 0
        for start in range(0, len(states), CUSTOMERS_PER_BATCH):
            end = min(start + CUSTOMERS_PER_BATCH, len(states))
            keys, matrix = self._rows.keys(list(states.customer_ids[start:end])), states.matrix[start:end]
            if guarded:
                stored = self._rows.read(keys)
                replaced = [row for row, packed in enumerate(stored) if not self._is_later(packed, states.midnight)]
                keys, matrix = [keys[row] for row in replaced], matrix[replaced]
            if keys:
                self._rows.write(keys, pack(matrix, states.layout, states.midnight), written_at)
            written += len(keys)
        return Written(written=written, kept=len(states) - written)

    def read(self, customer_ids: Sequence[str], now: datetime) -> OnlineRead:
        """Read the states of the last midnight before `now`.

        Args:
            customer_ids: Requested customers; repeated ones are read once.
            now: The moment of the decision, timezone-aware.

        Raises:
            StateError: If a state has another layout or is damaged, nothing is registered, or the store does not
                answer.
        """
        moment = utc_microseconds(now).astype(np.int64)
        midnight = int(self._calendar.midnight(np.array([moment]))[0])
        found, rows, missing, stale = [], [], [], []
        wanted = list(dict.fromkeys(customer_ids))
        for customer_id, packed in zip(wanted, self._packed(wanted), strict=True):
            if packed is None:
                missing.append(customer_id)
                continue
            header, slots = unpack(packed)
            self._expect_layout(header.layout)
            if header.midnight != midnight:
                stale.append(customer_id)
                continue
            found.append(customer_id)
            rows.append(slots)
        states = States(
            customer_ids=np.array(found, dtype=object), matrix=stack(rows), midnight=midnight, layout=self._layout
        )
        return OnlineRead(states, tuple(missing), tuple(stale))

    def forget(self, customer_ids: Sequence[str]) -> int:
        """Remove states, so that customers are missing and their ids are no longer in the store.

        Before features are built for the first time there are none.

        Returns:
            The number of customers that had a state.

        Raises:
            StateError: If the store does not answer, or features were built and are not registered any more.
        """
        if self._repository.is_unused:
            return 0
        removed = list(dict.fromkeys(customer_ids))
        there = sum(packed is not None for packed in self._packed(removed))
        self._rows.remove(self._rows.keys(removed))
        return there

    def warm_up(self) -> None:
        """Open the connection and read once: a process's first read takes about 50 ms, later ones 0.1 ms."""
        self._packed(["nobody"])

    def _packed(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        packed: list[bytes | None] = []
        for start in range(0, len(customer_ids), CUSTOMERS_PER_BATCH):
            packed += self._rows.read(self._rows.keys(customer_ids[start : start + CUSTOMERS_PER_BATCH]))
        return packed

    def _latest_midnight(self) -> int | None:
        """Return an upper bound of the midnights in the store; None if unknown, so that each state must be read."""
        [packed] = self._rows.read([self._rows.latest_key()])
        try:
            return None if packed is None else header_of(packed).midnight
        except StateError:
            return None

    def _is_later(self, packed: bytes | None, midnight: int) -> bool:
        """Tell whether a stored state must stay; damaged ones and those of another layout may be replaced."""
        if packed is None:
            return False
        try:
            header = header_of(packed)
        except StateError:
            return False
        return header.layout == self._layout and header.midnight > midnight

    def _expect_layout(self, layout: str) -> None:
        if layout != self._layout:
            raise StateError(
                "a state has a different layout from the one that this version reads",
                got=layout,
                expected=self._layout,
                remedy="build the online state again: features or journey have changed",
            )
