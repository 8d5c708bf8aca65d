"""Sums of event fingerprints by month of availability: they identify what was known at the end of each month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from events.fingerprints import Lanes, event_fingerprints
from events.manifest import News, Segment
from events.schema import one_chunk


def news_of(events: pa.Table, contents: Lanes) -> dict[str, News]:
    """Count events and sum their fingerprints by the month (UTC) in which they became available.

    Args:
        events: Events, n rows.
        contents: Their fingerprints, shape (n, 2).
    """
    available = one_chunk(events["available_at"]).cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    months, month = np.unique(available.astype("datetime64[M]"), return_inverse=True)
    sums = np.zeros((len(months), 2), dtype=np.uint64)
    np.add.at(sums, month, contents)
    counts = np.bincount(month, minlength=len(months))
    return {
        str(name): (int(count), int(first), int(second))
        for name, count, (first, second) in zip(months, counts, sums, strict=True)
    }


def news_together(segments: Sequence[Segment]) -> dict[str, News]:
    """Sum the news of segments, month by month."""
    months = sorted({month for segment in segments for month in segment.news})
    return {month: total(segment.news[month] for segment in segments if month in segment.news) for month in months}


def total(news: Iterable[News]) -> News:
    """Sum news, the content modulo 2^64.

    Example:
        >>> total([(1, 2**64 - 1, 5), (2, 3, 0)])
        (3, 2, 5)
    """
    rows, first, second = 0, 0, 0
    for count, low, high in news:
        rows, first, second = rows + count, (first + low) % 2**64, (second + high) % 2**64
    return rows, first, second


def news_in(events: pa.Table) -> News:
    """Count events and sum their fingerprints; the table has all columns of the log."""
    if not len(events):
        return 0, 0, 0
    first, second = event_fingerprints(events).sum(axis=0, dtype=np.uint64).tolist()
    return len(events), first, second


def less(news: News, other: News) -> News:
    """Subtract a part from a sum.

    Example:
        >>> less((3, 2, 5), (1, 2**64 - 1, 5))
        (2, 3, 0)
    """
    (rows, first, second), (fewer, low, high) = news, other
    return rows - fewer, (first - low) % 2**64, (second - high) % 2**64
