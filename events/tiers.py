"""Decides when to merge the parts of a log."""

from __future__ import annotations

from collections.abc import Sequence


def parts_to_merge(sizes: Sequence[int]) -> int:
    """Return how many of the newest parts should be merged into one; 1 if all should stay.

    A part joins the merge while it is at most twice as large as everything after it. So the number of parts, and how
    often an event is rewritten, grow with the logarithm of the log.

    Args:
        sizes: Sizes of the parts, oldest first.

    Example:
        >>> parts_to_merge([1_000_000, 100])
        1
        >>> parts_to_merge([1_000_000, 300, 120, 100])
        3
    """
    count, size = 1, sizes[-1]
    while count < len(sizes) and sizes[-count - 1] <= 2 * size:
        count += 1
        size += sizes[-count]
    return count
