"""Numbers computed from two columns of times."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pyarrow as pa

from events.texts import texts_of
from events.times import MomentColumn

_MICROSECONDS: Final = {"days": 86_400e6, "hours": 3_600e6, "minutes": 60e6, "seconds": 1e6}


def duration_texts(
    start: MomentColumn, end: MomentColumn, unit: Literal["days", "hours", "minutes", "seconds"]
) -> pa.Array:
    """Write the time from one moment to another as numbers.

    Returns:
        Texts, shape (n,), with at most 4 decimals and a decimal point; null if one of the two is missing, and the text
        "unreadable", which is no number, if one cannot be read.

    Example:
        >>> none = np.zeros(1, dtype=bool)
        >>> start, end = (MomentColumn(np.array([hours * 3_600_000_000]), none, none) for hours in (10, 34))
        >>> duration_texts(start, end, "days").to_pylist()
        ['1']
    """
    numbers = (end.microseconds - start.microseconds) / _MICROSECONDS[unit]
    written = texts_of(pa.array(numbers, mask=start.missing | end.missing))
    return pa.array(np.where(start.unreadable | end.unreadable, "unreadable", written.to_numpy(zero_copy_only=False)))
