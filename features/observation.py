"""From what callers bring, tables and moments, to what the kernel works on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.calendar import Calendar
from features.kernel.arrays import Int64Array
from features.kernel.columns import EVENT_COLUMNS, EventColumns
from features.kernel.history import CodedMoments, History
from features.moments import Moments


def history_of(events: pa.Table, calendar: Calendar, *, before: np.datetime64) -> History:
    """Read events, without those that nobody asked for could see yet."""
    read = events.select([name for name in EVENT_COLUMNS if name in events.column_names])
    if "available_at" in read.column_names:
        limit = pa.scalar(before.astype("datetime64[us]"), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        latest = pc.max(read.column("available_at"))
        if latest.is_valid and pc.greater_equal(latest, limit).as_py():
            read = read.filter(pc.less(read.column("available_at"), limit))
    return History(EventColumns.from_table(read), calendar)


def coded_moments(history: History, moments: Moments) -> CodedMoments:
    """Find the customers of moments in a history, and their local days.

    Raises:
        DataError: For a moment out of the calendar.
    """
    as_of: Int64Array = moments.as_of.astype("datetime64[us]").astype(np.int64)
    return CodedMoments(
        history.columns.customer_codes(moments.customer_ids), as_of, history.calendar.checked_day_index(as_of)
    )
