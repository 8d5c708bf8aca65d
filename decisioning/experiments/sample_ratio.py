"""Sample-ratio mismatch: groups whose sizes chance alone does not explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc

from domain.errors import DataError

LEAST: Final = 100
"""Exposures from which the test is made."""

ALARM: Final = 0.001
"""Probability below which a mismatch is no chance."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether groups have the sizes that their shares ask for.

    Attributes:
        exposures: Exposures of all groups.
        p_value: Probability of sizes at least as far from the shares by chance; None with too few exposures.
    """

    exposures: int
    p_value: float | None

    @property
    def is_mismatch(self) -> bool:
        """Whether results of these groups cannot be compared until somebody has found the cause."""
        return self.p_value is not None and self.p_value < ALARM


def sample_ratio(exposures: Mapping[str, int], shares: Mapping[str, float], least: int = LEAST) -> SampleRatio:
    """Compare the sizes of groups with their shares by the chi-square test (Fabijan et al. 2019).

    Args:
        exposures: Exposures by group; groups that are not named have none.
        shares: Share of each group; they add up to 1, and those of 0 must be empty.
        least: Exposures from which the test is made.

    Raises:
        DataError: Shares do not add up to 1, or an exposed group has no share.

    Example:
        >>> sample_ratio({"control": 4_900, "treated": 5_100}, {"control": 0.5, "treated": 0.5}).is_mismatch
        False
        >>> sample_ratio({"control": 4_800, "treated": 5_200}, {"control": 0.5, "treated": 0.5}).is_mismatch
        True
    """
    if abs(sum(shares.values()) - 1.0) > 1e-9 or min(shares.values(), default=0.0) < 0.0:
        raise DataError("shares of groups do not add up", got=f"{sum(shares.values()):g}", expected="1, none below 0")
    for group, count in exposures.items():
        if count and not shares.get(group):
            raise DataError("a group without a share was exposed", got=f"{group}: {count:,}", expected="none")
    groups = [group for group, share in shares.items() if share > 0.0]
    seen = np.array([exposures.get(group, 0) for group in groups], dtype=np.float64)
    total = int(seen.sum())
    if total < least or len(groups) < 2:
        return SampleRatio(total, None)
    expected = total * np.array([shares[group] for group in groups])
    return SampleRatio(total, float(chdtrc(len(groups) - 1, float(((seen - expected) ** 2 / expected).sum()))))
