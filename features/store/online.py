"""Customers' states in the online store: written overnight, read in the moment of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from feast import FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from domain.errors import StateError
from features.calendar import Calendar
from features.moments import utc_microseconds
from features.state import States
from features.store.definitions import STATE, STATE_VIEW, WRITTEN_AT
from features.store.packing import pack, stack, unpack
from features.store.repository import FeatureRepository
from features.table import CUSTOMER_ID

CUSTOMERS_PER_BATCH = 5_000
"""One transaction of the store: under half a second in SQLite, and below its limit of variables in one query."""


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

    Reading goes to the store's `online_read`, not through `get_online_features`: one column needs none of what that
    adds, and without it a read is two to four times faster. Freshness is checked here, for Feast returns rows of any
    age, and so is the order of writing, for not every store refuses an older row: a state of an earlier midnight never
    replaces a later one. A correction of the same midnight does; rows carry the time of writing as Feast's event time,
    because Redis drops rows whose event time is not later. One process writes at a time.

    Args:
        layout: Fingerprint of the states that this reader understands.
    """

    def __init__(self, repository: FeatureRepository, calendar: Calendar, layout: str) -> None:
        self._repository = repository
        self._calendar = calendar
        self._layout = layout

    def materialise(self, states: States, now: datetime) -> Written:
        """Write states, but none over a later one.

        Args:
            states: Of any number of customers.
            now: Time of writing, aware; later than that of the write before.

        Raises:
            StateError: States of another layout, or a store in which nothing is registered.
        """
        self._expect_layout(states.layout)
        written = 0
        for start in range(0, len(states.customer_ids), CUSTOMERS_PER_BATCH):
            rows = np.arange(start, min(start + CUSTOMERS_PER_BATCH, len(states.customer_ids)))
            stored = self._packed(list(states.customer_ids[rows]))
            rows = rows[[not self._is_later(packed, states.midnight) for packed in stored]]
            if len(rows) == 0:
                continue
            frame = pd.DataFrame(
                {
                    CUSTOMER_ID: states.customer_ids[rows],
                    STATE: pack(states.matrix[rows], states.layout, states.midnight),
                    WRITTEN_AT: pd.Timestamp(utc_microseconds(now), tz="UTC"),
                }
            )
            self._repository.store.write_to_online_store(STATE_VIEW, frame)
            written += len(rows)
        return Written(written=written, kept=len(states.customer_ids) - written)

    def read(self, customer_ids: Sequence[str], now: datetime) -> OnlineRead:
        """Read the states of the last midnight before `now`.

        Args:
            customer_ids: Of whom; repeated ones are read once.
            now: The moment of the decision, aware.

        Raises:
            StateError: A state of another layout, a damaged one, or a store in which nothing is registered.
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

    def warm_up(self) -> None:
        """Open the connection and read once: the first read of a process takes some 50 ms, the next ones 0.1."""
        self._packed(["nobody"])

    @cached_property
    def _view(self) -> FeatureView:
        return self._repository.feature_view(STATE_VIEW)

    def _packed(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        store = self._repository.store
        packed: list[bytes | None] = []
        for start in range(0, len(customer_ids), CUSTOMERS_PER_BATCH):
            keys = [
                EntityKey(join_keys=[CUSTOMER_ID], entity_values=[Value(string_val=customer_id)])
                for customer_id in customer_ids[start : start + CUSTOMERS_PER_BATCH]
            ]
            rows = store.provider.online_read(store.config, self._view, keys, [STATE])
            packed.extend(values[STATE].bytes_val if values else None for _, values in rows)
        return packed

    def _is_later(self, packed: bytes | None, midnight: int) -> bool:
        """Tell whether a stored state must stay; one of another layout or damaged is of no use to this version."""
        if packed is None:
            return False
        try:
            header, _ = unpack(packed)
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
