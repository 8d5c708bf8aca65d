"""Counts and shares in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import Final

SIGNIFICANT: Final = 4
"""Digits of a number that people read; more say nothing to them."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, in the plural unless it is 1.

    Example:
        >>> counted(1, "row"), counted(1_200, "row"), counted(0, "party", "parties")
        ('1 row', '1,200 rows', '0 parties')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def figure(value: float) -> str:
    """Return a number with four significant digits, its thousands apart, and never with an exponent.

    Example:
        >>> figure(70_590.4), figure(1.5), figure(0.076031), figure(-12.3456), figure(0.00001234), figure(0.0)
        ('70,590', '1.5', '0.07603', '-12.35', '0.00001234', '0')
        >>> figure(float("nan")), figure(float("inf")), figure(99_999.6)
        ('nan', 'inf', '100,000')
    """
    if not isfinite(value) or value == 0.0:
        return f"{value:.0f}"
    digits = max(0, SIGNIFICANT - 1 - floor(log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def whole_percents(shares: Sequence[float]) -> list[int]:
    """Round shares of a whole to percents that add up to 100 if the shares add up to 1 (largest remainders).

    Example:
        >>> whole_percents([1 / 3, 1 / 3, 1 / 3]), whole_percents([0.005, 0.995]), whole_percents([])
        ([34, 33, 33], [1, 99], [])
    """
    exact = [share * 100 for share in shares]
    # what binary fractions lose must not become a whole percent
    percents = [int(value + 1e-9) for value in exact]
    missing = round(sum(exact)) - sum(percents)
    by_remainder = sorted(range(len(exact)), key=lambda place: (percents[place] - exact[place], place))
    for place in by_remainder[:missing]:
        percents[place] += 1
    return percents
