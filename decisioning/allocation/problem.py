"""The allocation problem: which candidate each customer gets when all share budgets and capacities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError
from expressions.types import Array

Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class CustomerChunk:
    """Some of the customers.

    Attributes:
        gain: Shape (n, m), priority of each candidate before prices, in currency; -inf or NaN where it is not allowed.
        consumption: For each of the K resources, shape (m,) if a candidate consumes the same for every customer (a call
            slot on contact), or (n, m) if not (propensity x cost, charged on acceptance); in the resource's unit,
            finite and not negative wherever the candidate is allowed.
        keys: Shape (n,), stable hashes of the customers, which break ties; None to use their positions.
    """

    gain: Array
    consumption: tuple[Array, ...]
    keys: Keys | None = None

    def __len__(self) -> int:
        return len(self.gain)

    def taken(self, resource: int, rows: NDArray[np.intp], candidates: NDArray[np.intp]) -> Array:
        """Return what each of these rows consumes of a resource with its candidate: shape (r,)."""
        amounts = self.consumption[resource]
        return amounts[candidates] if amounts.ndim == 1 else amounts[rows, candidates]


@dataclass(frozen=True, slots=True, eq=False)
class AllocationProblem:
    """All customers, and the capacities that they share.

    Attributes:
        chunks: Can be iterated repeatedly with the same content; each chunk may be read from a file in turn and is not
            kept. All chunks have the same candidates in the same order.
        capacity: Shape (K,), in the resources' units.
        names: Names of the K resources for reports; numbered if left out.

    Raises:
        DataError: If there is no resource, if a capacity is not a finite number of at least 0, if `chunks` is an
            iterator (exhausted after the first pass), or if the number of names differs from that of resources.

    Example:
        >>> chunk = CustomerChunk(np.array([[5.0], [3.0]]), (np.ones(1),))
        >>> calls = AllocationProblem([chunk], np.array([1.0]), ("call slots",))
        >>> calls.resources
        1
    """

    chunks: Iterable[CustomerChunk]
    capacity: Array
    names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        capacity = checked_capacity(self.capacity)
        object.__setattr__(self, "capacity", capacity)
        if not self.names:
            object.__setattr__(self, "names", tuple(f"resource {number}" for number in range(len(capacity))))
        if len(self.names) != len(capacity):
            raise DataError(
                "the number of names differs from that of resources",
                got=f"{len(self.names)}",
                expected=f"{len(capacity)}",
            )
        if isinstance(self.chunks, Iterator):
            raise DataError(
                "customers must be iterable more than once",
                got=f"a {type(self.chunks).__name__}, which ends with the first pass",
                expected="an object that can be iterated again, such as a list or a class with __iter__",
            )

    @property
    def resources(self) -> int:
        """Number of resources."""
        return len(self.capacity)


def checked_capacity(capacity: Array) -> Array:
    """Check that there is at least one capacity and that all are finite and not negative.

    Example:
        >>> checked_capacity(np.array([-1.0]))
        Traceback (most recent call last):
        domain.errors.DataError: capacity 0 is invalid: got -1.0, expected a finite number of at least 0; leave out a \
resource without a limit
    """
    capacity = np.asarray(capacity, dtype=np.float64)
    if capacity.ndim != 1 or not len(capacity):
        raise DataError(
            "there is nothing to allocate",
            got=f"capacities of shape {capacity.shape}",
            expected="one number for each resource, at least one",
            remedy="without budgets everybody simply gets the best candidate",
        )
    wrong = np.flatnonzero(~(np.isfinite(capacity) & (capacity >= 0)))
    if len(wrong):
        raise DataError(
            f"capacity {wrong[0]} is invalid",
            got=str(capacity[wrong[0]]),
            expected="a finite number of at least 0",
            remedy="leave out a resource without a limit",
        )
    return capacity
