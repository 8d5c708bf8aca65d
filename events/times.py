"""Moments as sources write them -> microseconds in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of local times, whose zone is applied to whole columns
_MICROSECOND = timedelta(microseconds=1)
_GRID = 900_000_000
"""A quarter of an hour: since 1972 every clock in the world has changed on one."""


@dataclass(frozen=True, slots=True)
class Moments:
    """A column of moments.

    Attributes:
        microseconds: Shape (n,), since 1970 in UTC; 0 where there is none.
        missing: Shape (n,), where nothing was written.
        unreadable: Shape (n,), where something was that is no moment.
    """

    microseconds: NDArray[np.int64]
    missing: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]


def is_moment_type(kind: pa.DataType) -> bool:
    """Whether a column of the type can be read as moments: timestamps, dates, texts."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_timestamp, pa.types.is_date, pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
    return any(test(plain) for test in tests)


def moments_of(column: pa.Array, zone: ZoneInfo) -> Moments:
    """Read timestamps, dates, and texts in ISO 8601 (`2026-03-29`, `2026-03-29 10:15:00.5`, `...T10:15Z`).

    What has no offset is local time in the zone. Of an hour that comes twice in autumn the earlier is meant; in
    the hour that is left out in spring the clock is read as if it had not been put forward: 02:30 is the moment
    that clocks call 03:30. A date is its midnight.

    Args:
        column: Of a type for which `is_moment_type` holds; texts are trimmed, and null where blank.
        zone: Of what has no offset.
    """
    kind = column.type
    missing = np.asarray(column.is_null())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        local = not pa.types.is_timestamp(kind) or kind.tz is None
        return _known(column.cast(pa.timestamp("us", None if local else kind.tz), safe=False), missing, zone, local)
    if missing.all():
        return Moments(np.zeros(len(column), dtype=np.int64), missing, np.zeros(len(column), dtype=bool))
    for local, target in ((True, pa.timestamp("us")), (False, pa.timestamp("us", "UTC"))):
        try:
            return _known(pc.cast(column, target), missing, zone, local)
        except pa.ArrowInvalid:
            continue  # offsets in some rows only, or texts that Arrow does not read: one by one
    return _one_by_one(column, missing, zone)


def local_to_utc(local: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Convert local microseconds since 1970 to UTC; see `moments_of` for hours that come twice or never.

    Example:
        >>> half_past_two = np.array([np.datetime64("2026-10-25T02:30"), np.datetime64("2026-03-29T02:30")])
        >>> utc = local_to_utc(half_past_two.astype("datetime64[us]").astype(np.int64), ZoneInfo("Europe/Amsterdam"))
        >>> utc.astype("datetime64[us]").astype("datetime64[m]").astype(str).tolist()
        ['2026-10-25T00:30', '2026-03-29T01:30']
    """
    if zone.key == "UTC":
        return local
    quarters, places = np.unique(local // _GRID, return_inverse=True)
    offsets = np.array([_offset(quarter, zone) for quarter in quarters.tolist()], dtype=np.int64)
    utc: NDArray[np.int64] = local - offsets[places]
    return utc


def _offset(quarter: int, zone: ZoneInfo) -> int:
    moment = (_EPOCH + timedelta(microseconds=quarter * _GRID)).replace(tzinfo=zone)  # fold 0: the earlier
    offset = moment.utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


def _known(moments: pa.Array, missing: NDArray[np.bool_], zone: ZoneInfo, local: bool) -> Moments:
    values: NDArray[np.int64] = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if local:
        values = np.where(missing, 0, local_to_utc(values, zone))
    return Moments(values, missing, np.zeros(len(values), dtype=bool))


def _one_by_one(column: pa.Array, missing: NDArray[np.bool_], zone: ZoneInfo) -> Moments:
    texts: list[Any] = column.to_pylist()
    values = np.zeros(len(texts), dtype=np.int64)
    unreadable = np.zeros(len(texts), dtype=bool)
    local = np.zeros(len(texts), dtype=bool)
    for position in np.flatnonzero(~missing).tolist():
        try:
            moment = datetime.fromisoformat(texts[position])
            if moment.tzinfo is None:
                local[position] = True
            else:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            values[position] = (moment - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            unreadable[position] = True
    values[local] = local_to_utc(values[local], zone)
    return Moments(values, missing, unreadable)
