"""Counts and shares in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, in the plural unless it is 1.

    Example:
        >>> counted(1, "row"), counted(1_200, "row"), counted(0, "party", "parties")
        ('1 row', '1,200 rows', '0 parties')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


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
