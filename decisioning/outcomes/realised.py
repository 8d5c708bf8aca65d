"""Realised over expected value: whether an offer earns what its propensity and value promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from decisioning.off_policy.intervals import ratio_estimate
from decisioning.outcomes.groups import expect_columns
from domain.errors import DataError
from domain.estimate import Estimate

LEAST_RATIO: Final = 0.8
MOST_RATIO: Final = 1.25
"""Between these, an offer earns about what was expected of it."""


@dataclass(frozen=True, slots=True)
class Realisation:
    """What impressions of an offer realised of what was expected of them.

    Attributes:
        impressions: Impressions whose windows have ended.
        expected: Expected value of an impression.
        realised: Realised value of an impression.
        ratio: Realised over expected value, with its interval by customer; NaN if nothing was expected.
    """

    impressions: int
    expected: float
    realised: float
    ratio: Estimate

    @property
    def is_off(self) -> bool:
        """Whether it is outside 0.8 to 1.25, and not by chance: an interval that does not tell raises no alarm."""
        outside = not LEAST_RATIO <= self.ratio.value <= MOST_RATIO
        return bool(outside and (self.ratio.low > 1.0 or self.ratio.high < 1.0))


def realisation(realised: ArrayLike, expected: ArrayLike, *, customer: ArrayLike | None = None) -> Realisation:
    """Compare realised with expected value.

    Args:
        realised: What came of each impression, shape (n,).
        expected: What was expected of it (propensity times value), shape (n,), at least 0.
        customer: Ids, shape (n,); by default every impression is a customer's only one.

    Raises:
        DataError: Shapes differ, or a number is not finite or an expectation negative.

    Example:
        >>> found = realisation([60.0, 0.0, 0.0, 0.0] * 300, [10.0] * 1200)
        >>> found.ratio.value, found.is_off
        (1.5, True)
    """
    came, promised = np.asarray(realised, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    expect_columns(len(came), realised=came, expected=promised)
    if not (np.isfinite(came).all() and np.isfinite(promised).all() and (promised >= 0.0).all()):
        raise DataError("a value is not usable", expected="finite numbers, and expectations of at least 0")
    place = np.arange(len(came)) if customer is None else np.unique(np.asarray(customer), return_inverse=True)[1]
    expect_columns(len(came), customer=place)
    ratio = Estimate(float("nan"), float("nan"), float("nan"))
    if promised.sum() > 0.0:
        ratio = ratio_estimate(came, promised, place, int(place.max()) + 1)
    return Realisation(len(came), float(promised.mean()), float(came.mean()), ratio)
