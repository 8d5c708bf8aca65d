"""Cuts CSV into records, so that a misplaced quote costs only its own lines and hides no others.

A quoted field may span several lines, which is legal and is how a lone quote swallows records. So every record with
quotes is matched as a whole. A quote that does not close its field sets its line apart, and reading resumes at the
next. A quote that closes, but encloses what looks like records, sets all its lines apart: they may be text or records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from events.quarantine import Reason
from events.reading_text import LONGEST_RECORD

_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+'
_NOT_CLOSED = "a quote opens a field and does not close it"
_HIDDEN = "a quote opens a field, and the text up to the closing quote looks like records"


@dataclass(frozen=True, slots=True)
class Broken:
    """Lines or records that are set apart before fields are parsed."""

    number: int
    reason: Reason
    why: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a CSV file, cut into records.

    Attributes:
        good: Well-formed records in UTF-8, one after the other.
        numbers: Shape (n,), number of each record in the file, from 1.
        broken: Lines that belong to no record, and records with a byte that is zero or not UTF-8.
        ignored: Number of lines that are no records by the mapping.
        rest: Start of a record that ends in the next part.
    """

    good: bytes
    numbers: NDArray[np.int64]
    broken: list[Broken]
    ignored: int
    rest: bytes


class Records:
    """Cuts the parts of a file one after the other.

    Args:
        delimiter: Delimiter, one byte.
        columns: Number of columns of a record.
        quotes: False if quotes are ordinary characters.
        time: Column of the time, which shows that a line is a record; None if there is none.
        is_time: Returns whether a text can be read as a time.
        ignored: Beginnings of lines that are no records.
    """

    def __init__(
        self,
        delimiter: bytes,
        columns: int,
        quotes: bool,
        time: int | None,
        is_time: Callable[[bytes], bool],
        ignored: tuple[bytes, ...] = (),
    ) -> None:
        self._field, self._record, self._open = _patterns(delimiter)
        self._delimiter = delimiter
        self._columns = columns
        self._quotes = quotes
        self._time = time
        self._is_time = is_time
        self._ignored = ignored
        self._count = 0

    def cut(self, text: bytes, last: bool) -> Cut:
        """Cut text that begins with a record; blank lines do not count.

        Args:
            text: Rest of the previous part, and the next part.
            last: Whether this is the last part.

        Raises:
            ValueError: A line is longer than any record.
        """
        end = len(text) if last else max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        if end == 0 and len(text) > LONGEST_RECORD:
            raise ValueError(f"a line of more than {LONGEST_RECORD // 2**20} MB")
        text, rest = text[:end], text[end:]
        starts, ends = _lines(text)
        broken: dict[int, str] = {}
        inside = np.zeros(len(starts), dtype=bool)
        if self._quotes and b'"' in text:
            opened = self._walk(text, starts, ends, last, broken, inside)
            if opened is not None:
                place = int(starts[opened])
                text, rest = text[:place], text[place:] + rest
                starts, ends, inside = starts[:opened], ends[:opened], inside[:opened]
        heads = np.flatnonzero(~inside)
        begins, ends = starts[heads], ends[np.append(heads[1:], len(starts))[: len(heads)] - 1]
        numbers = self._count + 1 + np.arange(len(heads))
        self._count += len(heads)
        apart = {int(np.searchsorted(heads, line)): (Reason.QUOTE_BROKEN, why) for line, why in broken.items()}
        apart.update(_undecodable(text, begins, ends, apart))
        ignored = self._ignored_records(text, begins)
        found = [
            Broken(int(numbers[place]), reason, why, text[begins[place] : ends[place]])
            for place, (reason, why) in sorted(apart.items())
            if place not in ignored
        ]
        out = sorted({*apart, *ignored})
        return Cut(_without(text, begins, ends, out), np.delete(numbers, out), found, len(ignored), rest)

    def _ignored_records(self, text: bytes, begins: NDArray[np.int64]) -> set[int]:
        if not any(start in text for start in self._ignored):
            return set()
        return {place for place, begin in enumerate(begins.tolist()) if text.startswith(self._ignored, begin)}

    def _walk(
        self,
        text: bytes,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        last: bool,
        broken: dict[int, str],
        inside: NDArray[np.bool_],
    ) -> int | None:
        """Match the lines with quotes; return the line of a record that is still open at the end."""
        quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord('"'))
        owners = np.searchsorted(starts, quotes, side="right") - 1
        lines = owners[np.diff(owners, prepend=-1) > 0]
        done = -1
        for line, start, end in zip(lines.tolist(), starts[lines].tolist(), ends[lines].tolist(), strict=True):
            if line <= done:
                continue
            found = self._record.match(text, start)
            if found is None:
                if not last and len(text) - start <= LONGEST_RECORD and self._open.match(text, start):
                    return int(line)
                broken[line] = _NOT_CLOSED
            elif found.end() > end:
                done = int(np.searchsorted(starts, found.end(), side="right")) - 1
                if self._hides_records(text, start, found.end()):
                    broken.update(dict.fromkeys(range(line, done + 1), _HIDDEN))
                else:
                    inside[line + 1 : done + 1] = True
        return None

    def _hides_records(self, text: bytes, start: int, end: int) -> bool:
        column = 0
        while True:
            found = self._field.match(text, start)
            assert found is not None, "every text begins with a field, possibly an empty one"
            parts = [part.split(self._delimiter) for part in re.split(rb"[\r\n]+", found.group())]
            if len(parts) > 1 and self._looks_like_records(parts, column):
                return True
            if found.end() >= end:
                return False
            column, start = column + 1, found.end() + len(self._delimiter)

    def _looks_like_records(self, parts: list[list[bytes]], column: int) -> bool:
        """Return whether records seem to end and begin within a quoted field, given its lines split into fields."""
        first, *between, last = parts
        if any(len(fields) == self._columns and self._has_time(fields, self._time) for fields in between):
            return True
        if len(first) != self._columns - column or len(last) != column + 1:
            return False
        if self._time is None or self._time == column:
            return True
        return self._has_time(first, self._time - column) if self._time > column else self._has_time(last, self._time)

    def _has_time(self, fields: list[bytes], place: int | None) -> bool:
        return place is None or self._is_time(fields[place].strip(b'"'))


def cut_header(text: bytes, delimiter: bytes) -> tuple[bytes, bytes]:
    """Return the first line that is not blank, and what follows it.

    Raises:
        ValueError: It has a quote that does not close its field.
    """
    _, record, _ = _patterns(delimiter)
    found = record.match(text, len(text) - len(text.lstrip(b"\r\n")))
    if found is None:
        raise ValueError("a header with a quote that does not close its field")
    return found.group(), text[found.end() :]


def _patterns(delimiter: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Return patterns of a field, of a record, and of the start of a record whose last field has not closed."""
    mark = re.escape(delimiter)
    field = rb"(?>" + _QUOTED + rb'"|[^"' + mark + rb"\r\n][^" + mark + rb"\r\n]*+|)"
    record = field + rb"(?:" + mark + field + rb")*+(?=[\r\n]|\Z)"
    unclosed = rb"(?:" + field + mark + rb")*+" + _QUOTED + rb"\Z"
    return re.compile(field), re.compile(record), re.compile(unclosed)


def _lines(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where lines that are not blank begin and end."""
    letters = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero((letters == ord("\n")) | (letters == ord("\r")))
    starts = np.concatenate([[0], ends + 1])
    ends = np.append(ends, len(text))
    filled = ends > starts
    return starts[filled], ends[filled]


def _undecodable(
    text: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64], known: Container[int]
) -> dict[int, tuple[Reason, str]]:
    if b"\0" not in text and _is_utf_8(text):
        return {}
    found: dict[int, tuple[Reason, str]] = {}
    for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        record = text[begin:end]
        if place not in known and (b"\0" in record or not _is_utf_8(record)):
            found[place] = (Reason.ENCODING_BROKEN, "a zero byte" if b"\0" in record else "not UTF-8")
    return found


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without(text: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64], apart: list[int]) -> bytes:
    kept, place = [], 0
    for record in apart:
        kept.append(text[place : begins[record]])
        place = int(ends[record])
    return b"".join([*kept, text[place:]])
