"""Convert tables and moments from callers to the kernel's inputs."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.calendar import Calendar
from features.kernel.arrays import Int64Array
from features.kernel.columns import EVENT_COLUMNS, EventColumns
from features.kernel.history import CodedMoments, History
from features.moments import Moments

SHARE_OF_FEW: Final = 0.5
"""Below this share, the events of the requested customers are copied out; that costs about as much as computing."""


def history_of(
    events: pa.Table, calendar: Calendar, *, before: np.datetime64, customer_ids: NDArray[np.object_] | None = None
) -> History:
    """Read events, without those that no requested moment can see yet.

    Args:
        events: Events of any customers.
        calendar: The bank's local days.
        before: The latest requested moment.
        customer_ids: Requested customers; others may be left out.
    """
    read = events.select([name for name in EVENT_COLUMNS if name in events.column_names])
    if customer_ids is not None and "customer_id" in read.column_names:
        read = _of_few(read, customer_ids)
    if "available_at" in read.column_names:
        limit = pa.scalar(before.astype("datetime64[us]"), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        latest = pc.max(read.column("available_at"))
        if latest.is_valid and pc.greater_equal(latest, limit).as_py():
            read = read.filter(pc.less(read.column("available_at"), limit))
    return History(EventColumns.from_table(read), calendar)


def _of_few(events: pa.Table, customer_ids: NDArray[np.object_]) -> pa.Table:
    """Leave out the events of other customers if these are the majority, so that a few moments cost little."""
    wanted = pa.array(customer_ids, pa.string()).unique()
    of_wanted = pc.is_in(events.column("customer_id").cast(pa.string()), value_set=wanted)
    few = (pc.sum(of_wanted).as_py() or 0) < SHARE_OF_FEW * len(events)
    return events.filter(of_wanted) if few else events


def coded_moments(history: History, moments: Moments) -> CodedMoments:
    """Look up the customers of moments in a history, and their local days.

    Raises:
        DataError: For a moment outside the calendar.
    """
    as_of = _microseconds(moments)
    return CodedMoments(
        history.columns.customer_codes(moments.customer_ids), as_of, history.calendar.checked_day_index(as_of)
    )


def moments_without_events(moments: Moments, calendar: Calendar) -> CodedMoments:
    """Look up the local days of moments of customers without any events.

    Raises:
        DataError: For a moment outside the calendar.
    """
    as_of = _microseconds(moments)
    return CodedMoments(np.zeros(len(moments), dtype=np.int64), as_of, calendar.checked_day_index(as_of))


def _microseconds(moments: Moments) -> Int64Array:
    return moments.as_of.astype("datetime64[us]").astype(np.int64)
