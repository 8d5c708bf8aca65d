"""A ledger of remaining capacities in whole units, so that rounding never overdraws a resource."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.problem import checked_capacity
from expressions.types import Array

Units = NDArray[np.int64]

BITS = 44
"""A capacity is between 2^43 and 2^44 units: fine enough that rounding up a million amounts costs at most about a
ten-millionth of the resource, coarse enough that 2^18 amounts add up in 64 bits."""
NEVER = 1 << BITS
"""Units of an amount larger than the whole capacity."""
MOST_TERMS = 1 << 18
"""How many amounts may be summed in 64 bits, `NEVER` included."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Amounts as multiples of a power of two, one for each resource.

    Consumption is rounded up and capacity down, so consumption that fits in units also fits the capacity when summed
    exactly, without floating-point error. Whole amounts, such as one call, are exact.

    Attributes:
        exponents: Shape (K,): one unit is 2^exponent of the resource's own unit.
        capacity: Shape (K,), in units.
        limits: Shape (K,), the exact capacities: a single amount equal to the capacity fits despite rounding.

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
        """Create a ledger for capacities of shape (K,).

        Raises:
            DataError: If a capacity is not a finite number of at least 0.
        """
        limits = checked_capacity(capacity)
        mantissas, exponents = np.frexp(limits)
        shifted = exponents.astype(np.int64) - BITS
        return cls(shifted, np.floor(np.ldexp(mantissas, BITS)).astype(np.int64), limits)

    def units(self, resource: int, amounts: Array) -> Units:
        """Round amounts of a resource up to units; `NEVER` where they exceed the capacity or are invalid."""
        return _rounded_up(amounts, self.exponents[resource], self.limits[resource], self.capacity[resource])

    def units_of_all(self, amounts: Array) -> Units:
        """Round amounts of all resources up to units: shape (K, n)."""
        return _rounded_up(amounts, self.exponents[:, None], self.limits[:, None], self.capacity[:, None])

    def amounts(self, units: Units) -> Array:
        """Convert units of each resource, shape (K,), to its own unit."""
        amounts = np.ldexp(units.astype(np.float64), self.exponents)
        return np.where(units == self.capacity, self.limits, amounts)


def _rounded_up(
    amounts: Array, exponents: NDArray[np.int64] | np.int64, limits: Array | np.float64, capacity: Units | np.int64
) -> Units:
    with np.errstate(over="ignore"):
        scaled = np.maximum(np.ceil(np.ldexp(amounts, -exponents)), amounts > 0)
    fits = (amounts >= 0) & (amounts <= limits)
    return np.where(fits, np.minimum(scaled, capacity), float(NEVER)).astype(np.int64)
