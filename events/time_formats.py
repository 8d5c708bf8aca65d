"""Reads moments in the formats that a source declares, such as `%d.%m.%Y` or Excel's serial numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.numbers import PLAIN, Marks
from events.texts import texts_of
from events.times import MomentColumn, TimeUnit, is_moment_type, local_to_utc, moments_of

EPOCHS: Final[dict[str, TimeUnit]] = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us", "epoch_ns": "ns"}
NAMED_FORMATS: Final = ("iso", *EPOCHS, "excel")
_MONTHS: Final = (
    ("jan", "january", "januar", "jän"), ("feb", "february", "februar"), ("mar", "march", "mär", "mrz", "märz"),
    ("apr", "april"), ("may", "mai"), ("jun", "june", "juni"), ("jul", "july", "juli"), ("aug", "august"),
    ("sep", "sept", "september"), ("oct", "october", "okt", "oktober"), ("nov", "november"),
    ("dec", "december", "dez", "dezember"),
)  # fmt: skip
_MONTH_OF: Final = {name: f"{month:02d}" for month, names in enumerate(_MONTHS, start=1) for name in names}
_ANY_MONTH: Final = "(?i:" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\.?"
_DIGITS: Final = {"m", "d", "H", "I"}
"""Directives of one or two digits, unless they touch another directive."""
_DIRECTIVES: Final = {
    "Y": "[0-9]{4}", "y": "[0-9]{2}", "m": "[0-9]{2}", "d": "[0-9]{2}", "H": "[0-9]{2}", "I": "[0-9]{2}",
    "M": "[0-9]{2}", "S": "[0-9]{2}", "f": "[0-9]{1,9}", "b": _ANY_MONTH, "B": _ANY_MONTH,
    "p": r"(?i:[ap]\.?m\.?)", "z": "Z|[+-][0-9]{2}(?::?[0-9]{2})?", "a": r"\pL+\.?", "A": r"\pL+",
}  # fmt: skip
_DAY: Final = 86_400_000_000
_EXCEL_TO_1970: Final = 25_569
_EXCEL_LAST: Final = 2_958_465
"""31 December 9999."""
_FIRST_YEAR_OF_19: Final = "69"
"""Two digits from 69 on belong to the 20th century, as POSIX has it."""


def format_mistake(written: str) -> str | None:
    """Say what is wrong with a time format; None if it can be used.

    Example:
        >>> format_mistake("%d.%m.%Y %H:%M"), format_mistake("excel")
        (None, None)
        >>> format_mistake("DD.MM.YYYY")
        'a year, a month and a day, such as %d.%m.%Y, or one of iso, epoch_s, epoch_ms, epoch_us, epoch_ns, excel'
    """
    parts = re.findall("%(.)", written)
    has = set(parts)
    hour = bool(has & {"H", "I"})
    rules = (
        (has <= _DIRECTIVES.keys(), "only %Y %y %m %b %d %H %I %p %M %S %f %z, and %a for a day that is ignored"),
        (len(has) == len(parts), "every directive once"),
        (
            has & {"Y", "y"} and has & {"m", "b", "B"} and "d" in has,
            f"a year, a month and a day, such as %d.%m.%Y, or one of {', '.join(NAMED_FORMATS)}",
        ),
        (not {"Y", "y"} <= has and len(has & {"m", "b", "B"}) == 1 and not {"H", "I"} <= has, "each part once"),
        (("I" in has) == ("p" in has), "%I together with %p"),
        (
            (hour or "M" not in has) and ("M" in has or "S" not in has) and ("S" in has or "f" not in has),
            "minutes only with hours, seconds only with minutes",
        ),
        (hour or "z" not in has, "a time of day with %z"),
    )
    return None if written in NAMED_FORMATS else next((expected for holds, expected in rules if not holds), None)


@dataclass(frozen=True)
class TimeStyle:
    """How the moments of a column are written.

    Attributes:
        zone: Time zone of moments without an offset.
        unit: Unit of numbers since 1970, if no formats are given.
        formats: Formats that are tried in order; empty for those of `events.times.moments_of`.
        marks: Marks of numbers, for Excel's serial numbers.

    Example:
        >>> style = TimeStyle(ZoneInfo("Europe/Berlin"), formats=("%d.%m.%Y %H:%M", "%d.%m.%Y"))
        >>> read = style.moments(pa.array(["29.03.2026 10:15", "1.4.2026", "31.02.2026", None]))
        >>> read.microseconds.astype("datetime64[us]").astype("datetime64[m]").astype(str).tolist()[:2]
        ['2026-03-29T08:15', '2026-03-31T22:00']
        >>> read.unreadable.tolist(), read.missing.tolist()
        ([False, False, True, False], [False, False, False, True])
    """

    zone: ZoneInfo
    unit: TimeUnit | None = None
    formats: tuple[str, ...] = ()
    marks: Marks = PLAIN

    def reads(self, kind: pa.DataType) -> bool:
        """Return whether a column of a type can be read."""
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        number = pa.types.is_integer(plain) or pa.types.is_floating(plain)
        return is_moment_type(kind, self.unit) or is_moment_type(kind) or bool(self.formats and number)

    def moments(self, column: pa.Array) -> MomentColumn:
        """Read a column for whose type `reads` holds; what is stored as a moment needs no format."""
        kind = column.type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return moments_of(column, self.zone)
        if not self.formats:
            return moments_of(column if pa.types.is_integer(kind) else texts_of(column), self.zone, self.unit)
        texts = texts_of(column)
        missing = np.asarray(texts.is_null())
        values, open_ = np.zeros(len(texts), dtype=np.int64), ~missing
        for written in self.formats:
            if not open_.any():
                break
            places = np.flatnonzero(open_)
            read = self._read(texts.take(pa.array(places)), written)
            good = places[~(read.missing | read.unreadable)]
            values[good] = read.microseconds[~(read.missing | read.unreadable)]
            open_[good] = False
        return MomentColumn(values, missing, open_)

    @property
    def expectation(self) -> str:
        """Description of how a moment should be written."""
        if self.formats:
            return f"the format {' or '.join(self.formats)}"
        if self.unit:
            return f"a whole number of {self.unit} since 1970"
        return "for example 2026-03-29, 2026-03-29 10:15:00 or 2026-03-29T10:15:00+02:00, or set `time_format`"

    def _read(self, texts: pa.Array, written: str) -> MomentColumn:
        if written == "iso":
            return moments_of(texts, self.zone)
        if written in EPOCHS:
            return moments_of(texts, self.zone, EPOCHS[written])
        if written == "excel":
            return _serial(self.marks.numbers(texts), self.zone)
        return moments_of(_as_iso(texts, written), self.zone)


def _serial(days: pa.Array, zone: ZoneInfo) -> MomentColumn:
    """Read days since 30 December 1899, rounded to milliseconds: a fraction of a day is rarely exact."""
    numbers = days.fill_null(np.nan).to_numpy(zero_copy_only=False)
    good = (numbers >= 1) & (numbers <= _EXCEL_LAST)
    local = np.round((np.where(good, numbers, 1) - _EXCEL_TO_1970) * (_DAY / 1000)).astype(np.int64) * 1000
    return MomentColumn(np.where(good, local_to_utc(local, zone), 0), np.zeros(len(good), dtype=bool), ~good)


def _as_iso(texts: pa.Array, written: str) -> pa.Array:
    """Rewrite texts of a format as `2026-03-29T10:15:00.5+02:00`; null if they are not in it."""
    found = pc.extract_regex(texts, _pattern(written))
    fits, none = found.is_valid(), pa.scalar(None, pa.string())
    part = {field.name: pc.if_else(fits, found.field(place), none) for place, field in enumerate(found.type)}
    year = part["Y"] if "Y" in part else _full_year(part["y"])
    month = _two(part["m"]) if "m" in part else _month(part.get("b", part.get("B")))
    pieces: list[pa.Array | str] = [year, "-", month, "-", _two(part["d"])]
    if "H" in part or "I" in part:
        hour = _two(part["H"]) if "H" in part else _hour_of_24(part["I"], part["p"])
        pieces += ["T", hour, ":", part.get("M", "00"), ":", part.get("S", "00")]
        pieces += [".", part["f"]] if "f" in part else []
        pieces += [part["z"]] if "z" in part else []
    return pc.binary_join_element_wise(*pieces, "")


@cache
def _pattern(written: str) -> str:
    """Return the format as a regular expression with a group for each directive."""
    pieces: Sequence[str] = re.split("(%.)", written)
    touching = [
        any(pieces[near] == "" for near in (place - 1, place + 1) if 0 < near < len(pieces) - 1)
        for place in range(len(pieces))
    ]
    pattern = "".join(
        f"(?P<{piece[1]}>{'[0-9]{1,2}' if piece[1] in _DIGITS and not touching[place] else _DIRECTIVES[piece[1]]})"
        if piece.startswith("%") and len(piece) == 2
        else re.escape(piece)
        for place, piece in enumerate(pieces)
    )
    return f"^{pattern}$"


def _two(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")


def _full_year(digits: pa.Array) -> pa.Array:
    century = pc.if_else(pc.greater_equal(digits, _FIRST_YEAR_OF_19), "19", "20")
    return pc.binary_join_element_wise(century, digits, "")


def _month(names: pa.Array) -> pa.Array:
    distinct = names.dictionary_encode()
    numbers = [_MONTH_OF[name.lower().rstrip(".")] for name in distinct.dictionary.to_pylist()]
    return pa.array(numbers, pa.string()).take(distinct.indices)


def _hour_of_24(hours: pa.Array, halves: pa.Array) -> pa.Array:
    numbers: NDArray[np.int64] = hours.fill_null("0").cast(pa.int64()).to_numpy(zero_copy_only=False)
    afternoon = np.asarray(pc.starts_with(pc.utf8_lower(halves), "p").fill_null(False))
    in_24 = np.where((numbers >= 1) & (numbers <= 12), numbers % 12 + 12 * afternoon, 99)
    return _two(pa.array(in_24).cast(pa.string()))
