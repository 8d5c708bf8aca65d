"""Journal of everything that reaches the bank's systems, in the order in which it is simulated."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulation.clock import Clock
from simulation.market import APP, BOOKINGS, TOUCHPOINTS, WEB, IntArray
from simulation.recording import Recorder

BOOKING = {name: code for code, name in enumerate(BOOKINGS)}
TOUCH = {name: code for code, name in enumerate(TOUCHPOINTS)}
SETTLED_NEXT_MORNING = ("POS", "ATM")
DELIVERY_SECONDS = 6 * 3600
"""Card payments and withdrawals reach the bank at six the next morning."""


class Journal:
    """Records of core banking and touchpoints.

    Attributes:
        bookings: customer, at, delivered, kind, amount, product, channel; -1 and NaN stand for none.
        touches: customer, at, kind, channel, product, score.
    """

    def __init__(self, clock: Clock) -> None:
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
