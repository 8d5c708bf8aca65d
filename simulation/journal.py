"""Journal of everything that reaches the bank's systems, recorded column by column in the order of the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.clock import SimulatedClock
from simulation.market import APP, BOOKINGS, TOUCHPOINTS, WEB, IntArray

Columns = dict[str, NDArray[Any]]


class Recorder:
    """A table that grows by blocks of rows.

    Args:
        columns: Name -> numpy type.

    Example:
        >>> recorder = Recorder({"customer": "i4", "kind": "i1"})
        >>> recorder.add(customer=np.array([3, 4]), kind=1)
        >>> recorder.columns()["kind"].tolist()
        [1, 1]
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._types = {name: np.dtype(kind) for name, kind in columns.items()}
        self._blocks: dict[str, list[NDArray[Any]]] = {name: [] for name in columns}
        self.rows = 0

    def add(self, **values: object) -> None:
        """Add rows; the first column gives their number, and single values are repeated."""
        if values.keys() != self._types.keys():
            raise ValueError(f"columns {sorted(values)} given, {sorted(self._types)} expected")
        length = len(np.asarray(values[next(iter(self._types))]))
        if length == 0:
            return
        for name, kind in self._types.items():
            self._blocks[name].append(np.broadcast_to(np.asarray(values[name], dtype=kind), (length,)))
        self.rows += length

    def columns(self) -> Columns:
        """Concatenate the blocks of each column."""
        return {
            name: np.concatenate(blocks) if blocks else np.empty(0, self._types[name])
            for name, blocks in self._blocks.items()
        }


BOOKING = {name: code for code, name in enumerate(BOOKINGS)}
TOUCH = {name: code for code, name in enumerate(TOUCHPOINTS)}
SETTLED_NEXT_MORNING = ("POS", "ATM")
DELIVERY_SECONDS = 6 * 3600
"""Card payments and withdrawals reach the bank at six the next morning."""


class SimulatedJournal:
    """Records of core banking and touchpoints.

    Attributes:
        bookings: customer, at, delivered, kind, amount, product, channel; -1 and NaN stand for none.
        touches: customer, at, kind, channel, product, score.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.bookings = Recorder(
            {
                "customer": "i4",
                "at": "i8",
                "delivered": "i8",
                "kind": "i1",
                "amount": "f8",
                "product": "i1",
                "channel": "i1",
            }
        )
        self.touches = Recorder(
            {"customer": "i4", "at": "i8", "kind": "i1", "channel": "i1", "product": "i1", "score": "f8"}
        )

    def book(
        self,
        kind: str,
        customers: IntArray,
        at: IntArray,
        *,
        amount: Any = np.nan,
        product: Any = -1,
        channel: Any = -1,
    ) -> None:
        """Record bookings in core banking; amounts in the bank's currency are rounded to cents."""
        delivered = at
        if kind in SETTLED_NEXT_MORNING:
            next_day = np.minimum(self._clock.day_of(at) + 1, self._clock.days)
            delivered = self._clock.midnights[next_day] + DELIVERY_SECONDS * 1_000_000
        self.bookings.add(
            customer=customers,
            at=at,
            delivered=delivered,
            kind=BOOKING[kind],
            amount=np.round(amount, 2),
            product=product,
            channel=channel,
        )

    def touch(
        self, kind: str, customers: IntArray, at: IntArray, *, channel: Any = -1, product: Any = -1, score: Any = np.nan
    ) -> None:
        """Record touchpoints."""
        self.touches.add(customer=customers, at=at, kind=TOUCH[kind], channel=channel, product=product, score=score)

    def login(self, customers: IntArray, at: IntArray, channel: IntArray) -> None:
        """Record logins to app and web."""
        for code, kind in ((APP, "app_login"), (WEB, "web_login")):
            rows = channel == code
            self.touch(kind, customers[rows], at[rows], channel=code)
