"""What is left of each resource, kept in whole numbers, so that no rounding ever overdraws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.problem import checked_capacity
from expressions.types import Array

Units = NDArray[np.int64]

BITS = 44
"""A capacity is between 2^43 and 2^44 units: fine enough that rounding up a million amounts costs a resource some
ten-millionth of itself at most, coarse enough that 2^18 amounts add up in 64 bits."""
NEVER = 1 << BITS
"""Units of an amount that is larger than the whole capacity."""
MOST_TERMS = 1 << 18
"""How many amounts may be summed in 64 bits, NEVER included."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Amounts as multiples of a power of two, one for each resource.

    Consumption is rounded up and capacity down. So the consumption of what fits in units, added up in real numbers
    rather than floating-point ones, is within the capacity. Whole amounts, such as one call, are exact.

    Attributes:
        exponents: Shape (K,): a unit of a resource is 2^exponent of it.
        capacity: Shape (K,), in units.
        limits: Shape (K,), the capacity as it was given: one amount of just that fits, whatever its last digits are.

    Example:
        >>> ledger = Ledger.of(np.array([5.0]))
        >>> int(ledger.capacity[0] - 5 * ledger.units(0, np.array([1.0]))[0])
        0
    """

    exponents: NDArray[np.int64]
    capacity: Units
    limits: Array

    @classmethod
    def of(cls, capacity: Array) -> Ledger:
        """Open a ledger: capacities of shape (K,).

        Raises:
            DataError: A capacity is not a finite number from 0.
        """
        limits = checked_capacity(capacity)
        mantissas, exponents = np.frexp(limits)
        shifted = exponents.astype(np.int64) - BITS
        return cls(shifted, np.floor(np.ldexp(mantissas, BITS)).astype(np.int64), limits)

    def units(self, resource: int, amounts: Array) -> Units:
        """Round amounts of a resource up to units; `NEVER` where they do not fit at all, or are no amounts."""
        return _rounded_up(amounts, self.exponents[resource], self.limits[resource], self.capacity[resource])

    def units_of_all(self, amounts: Array) -> Units:
        """Round amounts of all resources up to units: shape (K, n)."""
        return _rounded_up(amounts, self.exponents[:, None], self.limits[:, None], self.capacity[:, None])

    def amounts(self, units: Units) -> Array:
        """Say what units of each resource, shape (K,), are in its own unit."""
        amounts = np.ldexp(units.astype(np.float64), self.exponents)
        return np.where(units == self.capacity, self.limits, amounts)


def _rounded_up(
    amounts: Array, exponents: NDArray[np.int64] | np.int64, limits: Array | np.float64, capacity: Units | np.int64
) -> Units:
    with np.errstate(over="ignore"):
        scaled = np.maximum(np.ceil(np.ldexp(amounts, -exponents)), amounts > 0)
    fits = (amounts >= 0) & (amounts <= limits)
    return np.where(fits, np.minimum(scaled, capacity), float(NEVER)).astype(np.int64)
