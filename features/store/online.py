"""Customers' states in the online store: written overnight, read in the moment of a decision."""

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
"""One transaction of the store: a tenth of a second, and below SQLite's limit of variables in one query."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of states that were to be written.

    Attributes:
        written: States now in the store.
        kept: States left alone because the store has them of a later midnight.
    """

    written: int
    kept: int


@dataclass(frozen=True, slots=True)
class OnlineRead:
    """What the store has of some customers.

    Attributes:
        states: Of those who have one of the midnight asked for, in the order asked.
        missing: Customers the store does not know.
        stale: Customers whose state is of another midnight.
    """

    states: States
    missing: tuple[str, ...]
    stale: tuple[str, ...]


class OnlineStates:
    """The online side of a bank's feature store.

    Freshness is checked here, for Feast returns rows of any age, and so is the order of writing, for not every store
    refuses an older row: a state of an earlier midnight never replaces a later one. The store keeps the latest
    midnight that was ever written, so that a usual night need not read each state before it writes one. A correction
    of the same midnight replaces too; rows carry the time of writing as Feast's event time, because Redis may drop
    rows whose event time is not later.

    One process writes at a time. Customers are written in batches: where the store fails in the middle, those before
    have their new state and the others still the old one, which reads as stale, and writing again mends it.

    Args:
        layout: Fingerprint of the states that this reader understands.
    """

    def __init__(self, repository: FeatureRepository, calendar: Calendar, layout: str) -> None:
        self._rows = StateRows(repository)
        self._calendar = calendar
        self._layout = layout

    def materialise(self, states: States, now: datetime) -> Written:
        """Write states, but none over a later one.

        Args:
            states: Of any number of customers.
            now: Time of writing, aware; later than that of the write before.

        Raises:
            StateError: States of another layout, a store in which nothing is registered, or that does not answer.
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
            customer_ids: Of whom; repeated ones are read once.
            now: The moment of the decision, aware.

        Raises:
            StateError: A state of another layout, a damaged one, a store in which nothing is registered, or that does
                not answer.
        """
        moment = utc_microseconds(now).astype(np.int64)
        midnight = int(self._calendar.midnight(np.array([moment]))[0])
        found, rows, missing, stale = [], [], [], []
        asked = list(dict.fromkeys(customer_ids))
        for customer_id, packed in zip(asked, self._packed(asked), strict=True):
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
        """Remove states, so that customers are missing and the store does not know their names.

        Returns:
            How many had one.

        Raises:
            StateError: A store in which nothing is registered, or that does not answer.
        """
        asked = list(dict.fromkeys(customer_ids))
        there = sum(packed is not None for packed in self._packed(asked))
        self._rows.remove(self._rows.keys(asked))
        return there

    def warm_up(self) -> None:
        """Open the connection and read once: the first read of a process takes some 50 ms, the next ones 0.1."""
        self._packed(["nobody"])

    def _packed(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        packed: list[bytes | None] = []
        for start in range(0, len(customer_ids), CUSTOMERS_PER_BATCH):
            packed += self._rows.read(self._rows.keys(customer_ids[start : start + CUSTOMERS_PER_BATCH]))
        return packed

    def _latest_midnight(self) -> int | None:
        """Upper bound of the midnights in the store; None where there is no telling, and each state must be read."""
        [packed] = self._rows.read([self._rows.latest_key()])
        try:
            return None if packed is None else header_of(packed).midnight
        except StateError:
            return None

    def _is_later(self, packed: bytes | None, midnight: int) -> bool:
        """Tell whether a stored state must stay; one of another layout or damaged is of no use to this version."""
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
                "a state has another layout than this version reads",
                got=layout,
                expected=self._layout,
                remedy="build the online state again: features or journey have changed since",
            )
