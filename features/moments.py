"""Moments: the customers whose features are requested, and as of when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Pairs of a customer and a moment, in any order; a customer may occur several times.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        as_of: Shape (n,), datetime64[us], UTC.
    """

    customer_ids: NDArray[np.object_]
    as_of: NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: NDArray[np.integer]) -> Moments:
        """Select moments by position."""
        return Moments(self.customer_ids[rows], self.as_of[rows])

    @property
    def digest(self) -> str:
        """Hash of the moments and their order."""
        times = self.as_of.astype("datetime64[us]").astype("<i8").tobytes()
        return blake2b("\0".join(self.customer_ids).encode() + times, digest_size=16).hexdigest()

    @classmethod
    def at(cls, customer_ids: Sequence[str] | NDArray[np.object_], as_of: datetime | np.datetime64) -> Moments:
        """Pair every customer with the same moment.

        Example:
            >>> len(Moments.at(["c1", "c2"], datetime(2026, 1, 1, tzinfo=UTC)))
            2
        """
        moment = utc_microseconds(as_of)
        return cls(np.asarray(customer_ids, dtype=object), np.full(len(customer_ids), moment))


def utc_microseconds(moment: datetime | np.datetime64) -> np.datetime64:
    """Convert a timezone-aware datetime to numpy's, in UTC.

    Example:
        >>> str(utc_microseconds(datetime(2026, 1, 1, 12, tzinfo=UTC)))
        '2026-01-01T12:00:00.000000'
    """
    if isinstance(moment, np.datetime64):
        microseconds: np.datetime64 = moment.astype("datetime64[us]")
        return microseconds
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone, got {moment!r}")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
