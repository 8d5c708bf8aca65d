"""What a column of texts holds: its type, how it is written, its range and its most frequent values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from events.numbers import Marks
from events.time_formats import TimeStyle

Kind = Literal["empty", "boolean", "number", "time", "text"]
_BOOLEANS: Final = (
    ("true", "false"), ("yes", "no"), ("y", "n"), ("ja", "nein"), ("j", "n"), ("t", "f"), ("1", "0"), ("oui", "non"),
    ("si", "no"), ("x", ""),
)  # fmt: skip
_TIME_NAME: Final = re.compile(
    r"(?i)(date|datum|time|zeit|stamp|tag$|day$|_at$|(^|[_ ])am$|(^|[_ ])ts$|created|updated|seit|since|"
    r"beginn?$|start$|valid|when)"
)
_TIMES: Final = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%d-%b-%Y",
    "%d-%b-%y", "%d %b %Y", "%d/%m/%y", "%m/%d/%y", "%Y-%m-%d %H.%M.%S", "%b %d, %Y",
)  # fmt: skip
_DIGITS: Final = ("%Y%m%d", "%Y%m%d%H%M%S", "%y%m%d", "%y%m%d %H:%M:%S", "epoch_s", "epoch_ms", "excel")
"""Formats that plain numbers may also be in: considered only if the column's name speaks of a time."""
_FIRST, _LAST = (np.datetime64(day, "us").astype(np.int64) for day in ("1900-01-01", "2100-01-01"))
_RECENT: Final = np.datetime64("1975-01-01", "us").astype(np.int64)
_MARKS: Final = (Marks(".", ""), Marks(",", "."), Marks(".", ","), Marks(",", ""), Marks(".", "'"), Marks(",", " "))
SHOWN: Final = 30
"""Values that are listed of a column; more make it no category."""
_SAMPLE: Final = 5_000
_WRONG_TIMES: Final = 0.2
"""Share of values that may be no time in a column whose name speaks of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What a column holds.

    Attributes:
        name: Name of the column.
        rows: Number of rows.
        blanks: Number of blank fields.
        distinct: Number of distinct values.
        kind: Type that all values fit.
        settings: How numbers or times are written, as settings of a source, where not as by default.
        values: Most frequent values with their counts, at most `SHOWN`.
        minimum: Smallest number or earliest time, as written.
        maximum: Greatest number or latest time, as written.
        earliest: Day of the earliest time.
        latest: Day of the latest time.
        yes: For a boolean, the value that means yes.
        ambiguous: Another way to read the same values that gives other moments, such as month before day.
    """

    name: str
    rows: int
    blanks: int
    distinct: int
    kind: Kind
    settings: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)
    minimum: str | None = None
    maximum: str | None = None
    earliest: date | None = None
    latest: date | None = None
    yes: str | None = None
    ambiguous: str | None = None

    @property
    def is_category(self) -> bool:
        """Whether it has few enough values to list them."""
        return 0 < self.distinct <= SHOWN and self.rows > 2 * self.distinct

    @property
    def is_unique(self) -> bool:
        """Whether every row has another value."""
        return self.rows > 0 and self.blanks == 0 and self.distinct == self.rows


def profile_of(name: str, counts: Counter[str], blanks: int, *, stored_as_time: bool = False) -> ColumnProfile:
    """Describe a column, given how often each of its values occurs.

    Args:
        name: Name of the column.
        counts: Trimmed values that are not blank, with their counts.
        blanks: Number of blank fields.
        stored_as_time: Whether the file itself says that the values are times.

    Example:
        >>> found = profile_of("Betrag", Counter(["1.234,50", "-12,00"]), blanks=0)
        >>> found.kind, found.settings, found.minimum
        ('number', {'decimal_mark': ',', 'thousands_mark': '.'}, '-12,00')
        >>> profile_of("Datum", Counter(["31.03.2026", "01.04.2026"]), blanks=0).settings
        {'time_format': '%d.%m.%Y'}
    """
    rows = counts.total() + blanks
    sample = list(counts)[:_SAMPLE]
    found: dict[str, Any] = {"kind": "text"}
    if not sample:
        found = {"kind": "empty"}
    elif stored_as_time:
        found = _range(list(counts), TimeStyle(ZoneInfo("UTC")))
    elif yes := _yes(sample):
        found = {"kind": "boolean", "yes": yes}
    else:
        found = _time(name, list(counts)) or _number(list(counts)) or found
    values = dict(counts.most_common(SHOWN))
    return ColumnProfile(name=name, rows=rows, blanks=blanks, distinct=len(counts), values=values, **found)


def _yes(sample: Sequence[str]) -> str | None:
    words = {value.lower(): value for value in sample}
    if len(words) != 2:
        return None
    return next((words[yes] for yes, no in _BOOLEANS if set(words) == {yes, no}), None)


def _time(name: str, distinct: Sequence[str]) -> dict[str, Any] | None:
    sample = distinct[:_SAMPLE]
    named = _TIME_NAME.search(name) is not None
    comma = any("," in value for value in sample[:50])
    digits = all(value.replace("," if comma else ".", "", 1).isdigit() for value in sample[:50])
    if digits and not named:
        return None
    candidates = _DIGITS if digits else ("iso", *_TIMES)
    marks = Marks(",", "") if digits and comma else Marks()
    style = {written: TimeStyle(ZoneInfo("UTC"), formats=(written,), marks=marks) for written in candidates}
    texts = pa.array(sample)
    reads = {written: _read(one, texts, _RECENT if digits else _FIRST) for written, one in style.items()}
    chosen: list[str] = []
    left = np.ones(len(sample), dtype=bool)
    while left.any() and len(chosen) < 3:
        best = max(reads, key=lambda written: int((reads[written] & left).sum()))
        if (reads[best] & left).sum() * 20 < len(sample):
            break
        chosen.append(best)
        left &= ~reads[best]
    if not chosen or left.mean() > (_WRONG_TIMES if named else 0):
        return None  # a few days that do not exist make no other column of it
    other = next((w for w in reads if w not in chosen and "%" in w and reads[w].all() and _swapped(w, chosen[0])), None)
    settings: dict[str, Any] = {} if chosen == ["iso"] else {"time_format": chosen[0] if len(chosen) == 1 else chosen}
    if digits and comma:
        settings["decimal_mark"] = ","
    formats = () if chosen == ["iso"] else tuple(chosen)
    read = TimeStyle(ZoneInfo("UTC"), formats=formats, marks=marks)
    return {**_range(distinct, read), "settings": settings, "ambiguous": other}


def _swapped(one: str, other: str) -> bool:
    return one != other and sorted(one) == sorted(other)


def _read(style: TimeStyle, texts: pa.Array, first: np.int64) -> np.ndarray[Any, np.dtype[np.bool_]]:
    read = style.moments(texts)
    good = ~(read.missing | read.unreadable) & (read.microseconds >= first) & (read.microseconds <= _LAST)
    return np.asarray(good)


def _range(distinct: Sequence[str], style: TimeStyle) -> dict[str, Any]:
    read = style.moments(pa.array(distinct))
    moments = read.microseconds[~read.unreadable]
    good = np.flatnonzero(~read.unreadable)
    return {
        "kind": "time",
        "minimum": distinct[int(good[np.argmin(moments)])],
        "maximum": distinct[int(good[np.argmax(moments)])],
        "earliest": _day(moments.min()),
        "latest": _day(moments.max()),
    }


def _number(distinct: Sequence[str]) -> dict[str, Any] | None:
    for marks in _MARKS:
        sample = pc.all(marks.numbers(pa.array(distinct[:_SAMPLE])).is_valid()).as_py()
        numbers = marks.numbers(pa.array(distinct)).to_numpy(zero_copy_only=False) if sample else np.array([np.nan])
        if np.isfinite(numbers).all():
            order = np.argsort(numbers)
            settings: dict[str, Any] = {} if marks.decimal == "." else {"decimal_mark": marks.decimal}
            if marks.thousands or any(Marks(marks.decimal, None).is_ambiguous(value) for value in distinct):
                settings["thousands_mark"] = marks.thousands
            ends = {"minimum": distinct[int(order[0])], "maximum": distinct[int(order[-1])]}
            return {"kind": "number", "settings": settings, **ends}
    return None


def _day(microseconds: np.int64) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))).date()
