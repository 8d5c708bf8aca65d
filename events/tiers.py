"""When to merge the parts that a log is written in."""

from __future__ import annotations

from collections.abc import Sequence


def parts_to_merge(sizes: Sequence[int]) -> int:
    """Count the newest parts that should become one; 1 for leaving all as they are.

    A part is drawn into the merge while it is at most twice as large as what comes after it. So the number of
    parts grows with the logarithm of the log, and an event is written again only that often.

    Args:
        sizes: Of the parts, the oldest first.

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
