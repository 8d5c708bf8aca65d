"""An estimate: a value with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.counts import figure

LEVEL: Final = 0.95
"""Confidence level of every interval: what readers expect of one without a label."""

NORMAL: Final = 1.959963984540054
"""Standard errors on each side of a normal interval of `LEVEL`: the 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; NaN if undefined, or if there is too little to tell.

    Attributes:
        low: Lower bound at `LEVEL`.
        high: Upper bound at `LEVEL`.

    Example:
        >>> str(Estimate(0.25, 0.2, 0.3))
        '0.25 (0.2 to 0.3)'
    """

    value: float
    low: float
    high: float

    def as_gain(self, of: str = "") -> str:
        """Return it with signs; `of` says what is gained, between the value and its interval.

        Example:
            >>> Estimate(0.25, -0.2, 0.7).as_gain("for each decision")
            '+0.25 for each decision (-0.2 to +0.7)'
        """
        value = f"{self.value:+.4g} {of}" if of else f"{self.value:+.4g}"
        return f"{value} ({self.low:+.4g} to {self.high:+.4g})"

    def __str__(self) -> str:
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"
