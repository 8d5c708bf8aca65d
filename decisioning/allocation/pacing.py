"""Pacing during the day: prices rise when a budget is spent faster than the day passes, and no budget is overdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decisioning.allocation.ledger import Ledger, Units
from decisioning.allocation.prices import Prices
from decisioning.allocation.taken import Choices
from domain.errors import DataError
from domain.spec import Spec
from expressions.types import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing(Spec):
    """How firmly spending follows the course of the day.

    Attributes:
        stiffness: By how many of its own sizes a price rises when a budget has nothing left and the whole day is still
            to come, and by how many hundredths of it when a hundredth of the rest is missing; 0 leaves prices alone.
        least_rest: Minimum for the remaining share of the day's arrivals, so that the last few customers do not make
            prices jump.
        largest_change: Maximum rise of a price, in its own sizes.
    """

    stiffness: float = 4.0
    least_rest: float = 0.02
    largest_change: float = 4.0

    def __post_init__(self) -> None:
        for name, right in (
            ("stiffness", 0 <= self.stiffness < np.inf),
            ("least_rest", 0 < self.least_rest <= 1),
            ("largest_change", 0 <= self.largest_change < np.inf),
        ):
            if not right:
                raise DataError(
                    f"{name} is out of range",
                    got=str(getattr(self, name)),
                    expected="a share above 0" if name == "least_rest" else "a finite number of at least 0",
                )


@dataclass(frozen=True, slots=True, eq=False)
class DayPlan:
    """Prices, capacities and settings at the start of a day.

    Attributes:
        prices: Shape (K,), prices of the batch run.
        sizes: Shape (K,), scale of a price change: the price itself, or for a resource with price 0 an equal part of
            the bound per unit.
        ledger: The capacities, in whole units.
        pacing: Pacing settings.
    """

    prices: Array
    sizes: Array
    ledger: Ledger
    pacing: Pacing

    @classmethod
    def of(cls, prices: Prices, capacity: Array, pacing: Pacing) -> DayPlan:
        """Create a day's plan.

        Args:
            prices: Prices of the batch run, for the expected customers and this capacity.
            capacity: Shape (K,).
            pacing: Pacing settings.

        Raises:
            DataError: If a capacity is not a finite number of at least 0, or the number of prices differs.
        """
        ledger = Ledger.of(capacity)
        if prices.prices.shape != ledger.capacity.shape:
            raise DataError(
                "the number of prices differs from that of resources",
                got=f"{len(prices.prices)}",
                expected=f"{len(ledger.capacity)}",
            )
        everything = np.asarray(capacity, dtype=np.float64) * len(ledger.capacity)
        part = np.divide(prices.bound, everything, out=np.zeros(len(everything)), where=everything > 0)
        return cls(prices.prices, np.where(prices.prices > 0, prices.prices, part), ledger, pacing)

    def prices_now(self, remaining: Units, arrived_share: float) -> Array:
        """Compute the prices at a moment from what remains, without other state.

        price_k = max(0, batch price_k + size_k x change_k), where change_k = stiffness x (share of capacity spent -
        share of the day gone) / (share of the day that remains), at most `largest_change` up. Since what was spent is a
        sum over the day, this is dual averaging (Xiao 2010) with a step that grows as the day gets shorter.

        Args:
            remaining: Remaining units, shape (K,).
            arrived_share: Share of the day's arrivals expected up to now, in [0, 1].

        Raises:
            DataError: If the share is not between 0 and 1.
        """
        if not 0.0 <= arrived_share <= 1.0:
            raise DataError("invalid share of a day", got=str(arrived_share), expected="a number from 0 to 1")
        rest = 1.0 - arrived_share
        ahead = (rest - remaining / np.maximum(self.ledger.capacity, 1)) / max(rest, self.pacing.least_rest)
        change = np.minimum(self.pacing.stiffness * ahead, self.pacing.largest_change)
        prices: Array = np.maximum(self.prices + self.sizes * change, 0.0)
        return prices


def pace(
    plan: DayPlan, remaining: Units, gain: Array, consumption: Sequence[Array], arrived_share: float
) -> tuple[Choices, Units]:
    """Decide for the customers present now: one, or a few who arrived together and see the same prices.

    A candidate is never chosen if it consumes more of a resource than remains, or if its gain or consumption is not
    a finite number. Customers of one call are served in order.

    Args:
        plan: The day's plan.
        remaining: Remaining units, shape (K,); `plan.ledger.capacity` at the start of the day.
        gain: Shape (n, m), as in `Chunk`.
        consumption: K arrays, as in `Chunk`.
        arrived_share: Share of the day's arrivals expected up to now, in [0, 1].

    Returns:
        Position of the candidate of each customer, -1 for none, and the units that remain afterwards.

    Raises:
        DataError: If the share is not between 0 and 1, or shapes do not match.

    Example:
        >>> night = Prices(np.array([2.0]), 8.0, 8.0, 1, 0, converged=True)
        >>> day = DayPlan.of(night, np.array([2.0]), Pacing())
        >>> chosen, remaining = pace(day, day.ledger.capacity, np.array([[5.0], [1.0]]), [np.ones(1)], 0.0)
        >>> chosen.tolist(), day.ledger.amounts(remaining).tolist()
        ([0, -1], [1.0])
    """
    amounts = _stacked(gain, consumption, len(remaining))
    prices = plan.prices_now(remaining, arrived_share)
    allowed = (gain > -np.inf) & (gain < np.inf)
    with np.errstate(over="ignore", invalid="ignore"):  # forbidden candidates may have any number
        priced = gain - (prices[:, None, None] * amounts).sum(axis=0)
    chosen = np.full(len(gain), -1, dtype=np.int32)
    rows = np.arange(len(gain))
    while len(rows) and gain.shape[1]:
        left = plan.ledger.amounts(remaining)[:, None, None]
        here = amounts[:, rows]
        fits = allowed[rows] & ((here >= 0) & (here <= left)).all(axis=0)
        scores = np.where(fits, priced[rows], -np.inf)
        best = scores.argmax(axis=1)
        places = np.arange(len(rows))
        takes = scores[places, best] > 0
        units = np.where(takes, plan.ledger.units_of_all(here[:, places, best]), 0)
        spent = np.cumsum(units, axis=1)
        over = np.flatnonzero((spent > remaining[:, None]).any(axis=0))
        served = int(over[0]) if len(over) else len(rows)  # never 0: each alone was checked against what remains
        chosen[rows[:served]] = np.where(takes, best, -1)[:served]
        remaining = remaining - spent[:, served - 1]
        rows = rows[served:]
    return chosen, remaining


def spend(plan: DayPlan, remaining: Units, amounts: Array) -> Units:
    """Subtract amounts of each resource, shape (K,), from what remains; never below zero.

    Used for spending elsewhere, or more than expected.

    Raises:
        DataError: If an amount is negative or not finite.
    """
    amounts = np.asarray(amounts, dtype=np.float64)
    if amounts.shape != remaining.shape or not (np.isfinite(amounts) & (amounts >= 0)).all():
        raise DataError(
            "invalid amounts to spend",
            got=str(amounts.tolist()),
            expected=f"{len(remaining)} finite numbers of at least 0",
        )
    after: Units = np.maximum(remaining - plan.ledger.units_of_all(amounts[:, None])[:, 0], 0)
    return after


def _stacked(gain: Array, consumption: Sequence[Array], resources: int) -> Array:
    if gain.ndim != 2 or len(consumption) != resources:
        raise DataError(
            "arrivals do not match the day's plan",
            got=f"gains of shape {gain.shape} and {len(consumption)} consumption arrays",
            expected=f"gains of shape (n, m) and {resources} consumption arrays",
        )
    amounts = np.empty((resources, *gain.shape))
    for resource, one in enumerate(consumption):
        if one.shape not in {gain.shape, gain.shape[1:]}:
            raise DataError(
                f"consumption of resource {resource} has the wrong shape",
                got=f"shape {one.shape}",
                expected=f"{gain.shape[1:]} or {gain.shape}",
            )
        amounts[resource] = one
    return amounts
