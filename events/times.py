"""Converts moments as sources write them to microseconds in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - for local times; their zone is applied to whole columns
_MICROSECOND = timedelta(microseconds=1)
_GRID = 900_000_000
"""A quarter of an hour: since 1972 every change of clocks in the world has been at a multiple of it."""

TimeUnit = Literal["s", "ms", "us", "ns"]

UTC_ZONE: Final = ZoneInfo("UTC")
_PER: Final = {"s": Fraction(1_000_000), "ms": Fraction(1_000), "us": Fraction(1), "ns": Fraction(1, 1_000)}
"""Microseconds in each unit."""
_INT64: Final = np.iinfo(np.int64)
_DAY: Final = Fraction(86_400_000_000)
_FIRST: Final = (datetime.min - _EPOCH) // _MICROSECOND  # noqa: DTZ901 - local
_LAST: Final = (datetime.max - _EPOCH) // _MICROSECOND  # noqa: DTZ901 - local

_OFFSET: Final = r"(?:Z|[+-](?:0[0-9]|1[0-9]|2[0-3])(?::?[0-5][0-9])?)"
_HAS_OFFSET: Final = r":[0-9.]+" + _OFFSET + "$"
_LISTED: Final = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?" + _OFFSET + r"?)?$"
)


@dataclass(frozen=True, slots=True)
class MomentColumn:
    """A column of moments.

    Attributes:
        microseconds: Shape (n,), since 1970 in UTC; 0 if there is none.
        missing: Shape (n,), rows without a value.
        unreadable: Shape (n,), rows with a value that is no moment.
    """

    microseconds: NDArray[np.int64]
    missing: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]


def is_moment_type(kind: pa.DataType, unit: TimeUnit | None = None) -> bool:
    """Return whether a column type can be read as moments: timestamps, dates, texts; with a unit, also integers."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    others = (pa.types.is_integer,) if unit else (pa.types.is_timestamp, pa.types.is_date)
    return any(test(plain) for test in (*texts, *others))


def moments_of(column: pa.Array, zone: ZoneInfo, unit: TimeUnit | None = None) -> MomentColumn:
    """Read timestamps, dates, and texts of the forms below; everything else is unreadable, never another moment.

    `2026-03-29`, `2026-03-29 10:15`, `2026-03-29 10:15:00`, `2026-03-29 10:15:00.5` (1 to 9 digits, cut to
    microseconds), with `T` instead of the blank, and after a time an offset: `Z`, `+02`, `+0200`, `+02:00`.

    Without an offset, a moment is local time in the zone. An hour that comes twice in autumn counts as the earlier one.
    In the hour that is skipped in spring, the clock is read as if it had not been put forward: 02:30 is the moment that
    clocks call 03:30. A date is its midnight.

    Args:
        column: Column of a type for which `is_moment_type` holds; texts are trimmed, and null if blank.
        zone: Time zone of moments without an offset.
        unit: Unit of numbers since 1970 in UTC; if given, only whole numbers are read.

    Example:
        >>> zone = ZoneInfo("Europe/Berlin")
        >>> moments_of(pa.array(["2026-03-29T10:15Z", "20260329101500"]), zone).unreadable.tolist()
        [False, True]
        >>> moments_of(pa.array(["1774775700"]), zone, "s").microseconds.tolist()
        [1774775700000000]
    """
    missing = np.asarray(column.is_null())
    if unit is not None:
        return _counted(column, missing, unit)
    kind = column.type
    if pa.types.is_date(kind):
        days = column.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64())
        return _stored(days, missing, _DAY, zone)
    if pa.types.is_timestamp(kind):
        return _stored(column.cast(pa.int64()), missing, _PER[kind.unit], zone if kind.tz is None else UTC_ZONE)
    return _written(column, missing, zone)


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


def _stored(numbers: pa.Array, missing: NDArray[np.bool_], per: Fraction, zone: ZoneInfo) -> MomentColumn:
    """Scale moments stored as numbers; those beyond the calendar are unreadable."""
    values: NDArray[np.int64] = numbers.fill_null(0).to_numpy(zero_copy_only=False)
    inside = (values >= max(int(_FIRST / per), _INT64.min)) & (values <= min(int(_LAST / per), _INT64.max))
    kept = np.where(inside, values, 0)
    scaled = kept * per.numerator if per.denominator == 1 else kept // per.denominator
    return MomentColumn(np.where(missing | ~inside, 0, local_to_utc(scaled, zone)), missing, ~inside & ~missing)


def _counted(column: pa.Array, missing: NDArray[np.bool_], unit: TimeUnit) -> MomentColumn:
    if pa.types.is_integer(column.type):
        written = column.cast(pa.int64(), safe=False)
        lost = np.asarray(pc.and_(pc.less(written, 0), pc.greater_equal(column, 0)).fill_null(False))
    else:
        whole = pc.match_substring_regex(column, r"^[+-]?[0-9]{1,18}$").fill_null(False)
        digits = pc.if_else(whole, pc.replace_substring_regex(column, r"^\+", ""), pa.scalar(None, pa.string()))
        written, lost = digits.cast(pa.int64()), ~np.asarray(whole) & ~missing
    moments = _stored(written, missing | lost, _PER[unit], UTC_ZONE)
    return MomentColumn(moments.microseconds, missing, (moments.unreadable | lost) & ~missing)


def _written(texts: pa.Array, missing: NDArray[np.bool_], zone: ZoneInfo) -> MomentColumn:
    values = np.zeros(len(texts), dtype=np.int64)
    listed = np.asarray(pc.match_substring_regex(texts, _LISTED).fill_null(False)) if len(texts) else missing
    unreadable = ~listed & ~missing
    with_offset = np.asarray(pc.match_substring_regex(texts, _HAS_OFFSET).fill_null(False)) if listed.any() else ~listed
    for rows, target, applied in (
        (listed & ~with_offset, pa.timestamp("us"), zone),
        (listed & with_offset, pa.timestamp("us", "UTC"), UTC_ZONE),
    ):
        places = np.flatnonzero(rows)
        if not len(places):
            continue
        portion = texts.take(pa.array(places))
        try:
            local = pc.cast(portion, target).cast(pa.int64()).to_numpy(zero_copy_only=False)
            bad = np.zeros(len(portion), dtype=bool)
        except pa.ArrowInvalid:  # more digits than microseconds have, or the 30th of February
            local, bad = _one_by_one(portion)
        bad = bad | (local < _FIRST) | (local > _LAST)
        unreadable[places[bad]] = True
        values[places] = np.where(bad, 0, local_to_utc(np.where(bad, 0, local), applied))
    return MomentColumn(values, missing, unreadable)


def _one_by_one(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read texts of the listed forms one by one: those with an offset in UTC, the others unchanged."""
    values = np.zeros(len(texts), dtype=np.int64)
    bad = np.zeros(len(texts), dtype=bool)
    for position, text in enumerate(texts.to_pylist()):
        try:
            moment = datetime.fromisoformat(text)
            plain = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
            values[position] = (plain - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            bad[position] = True
    return values, bad
