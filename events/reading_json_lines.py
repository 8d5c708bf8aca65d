"""Reads files of JSON lines as chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from events.chunks import Chunk
from events.columns import columns_of, columns_of_field, id_columns
from events.ids import FLOAT_TELLS
from events.numbers import Marks
from events.quarantine import Reason, Rejection
from events.reading_text import LONGEST_RECORD, read_blocks
from events.rejections import got_expected
from events.source_files import SourceFile

_NEEDED_FIELDS = ("customer_id", "occurred_at", "type", "event_id")
_SHOWN_CHARACTERS = 500
_INTEGER = re.compile(r"-?[0-9]+")
_UNFIT = {
    "customer_id": Reason.CUSTOMER_ID_UNFIT,
    "event_id": Reason.EVENT_ID_UNFIT,
    "decision_id": Reason.DECISION_ID_UNFIT,
}


def read_json_lines(file: SourceFile) -> Iterator[Chunk]:
    """Read a file with one JSON object per line; blank lines do not count.

    Numbers keep the text that they have in the file. A number used as an id must be whole; containers, true and false
    are no ids. A line with the same key twice is broken, because either may be meant. A key may be missing in a line; a
    key that every event needs and that is missing from the whole first chunk is an error of the file. `visitor.login`
    is the key `login` of the object at the key `visitor`, unless the line has a key of that name.
    """
    lines = _Lines(file)
    for block, bytes_done in _whole_lines(file):
        chunk = lines.chunk(block, bytes_done)
        if lines.count == len(block):
            _require_keys(file, chunk)
        yield chunk


def _whole_lines(file: SourceFile) -> Iterator[tuple[list[bytes], int]]:
    rest, done = b"", 0
    for block, done in read_blocks(file):
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST_RECORD:
            raise ValueError(f"a line of more than {LONGEST_RECORD // 2**20} MB; each line should be one object")
        if lines:
            yield lines, done
    if rest:
        yield [rest], done


class _Number(str):
    """A number as it is written: an id of 20 digits must not become a float."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """A readable line.

    Attributes:
        number: Number of the line, from 1.
        values: Values as they were read.
        ids: Texts of the values that are ids.
    """

    number: int
    values: dict[str, Any]
    ids: dict[str, str | None]


class _Lines:
    """Reads the lines of one file, block by block."""

    def __init__(self, file: SourceFile) -> None:
        self._columns = columns_of(file.source)
        self._ids = {column: _UNFIT[field] for column, field in id_columns(file.source).items()}
        self._marks = file.source.marks
        self.count = 0

    def chunk(self, lines: Sequence[bytes], bytes_done: int) -> Chunk:
        """Read the next lines."""
        rows: list[_Row] = []
        broken: list[Rejection] = []
        for number, line in enumerate(lines, start=self.count + 1):
            if line.strip():
                read = self._read(number, line)
                if isinstance(read, _Row):
                    rows.append(read)
                else:
                    broken.append(read)
        self.count += len(lines)
        return Chunk(
            table=pa.table({name: self._column(name, rows) for name in self._columns}),
            numbers=np.array([row.number for row in rows], dtype=np.int64),
            raw=lambda position: rows[position].values,
            as_read=lambda names: [
                pa.array([_as_read(_at(row.values, name)) for row in rows], pa.string()) for name in names
            ],
            broken=broken,
            bytes_done=bytes_done,
        )

    def _read(self, number: int, line: bytes) -> _Row | Rejection:
        try:
            text = line.decode()
        except UnicodeError as error:
            shown = line[:_SHOWN_CHARACTERS].decode("ascii", errors="backslashreplace").rstrip()
            return Rejection(number, Reason.ENCODING_BROKEN, str(error), shown)
        try:
            values = _parse(text)
        except UnicodeError as error:
            return Rejection(number, Reason.ENCODING_BROKEN, str(error), text[:_SHOWN_CHARACTERS].rstrip())
        except (ValueError, RecursionError) as error:
            return Rejection(number, Reason.LINE_BROKEN, str(error), text[:_SHOWN_CHARACTERS].rstrip())
        ids: dict[str, str | None] = {}
        for name, reason in self._ids.items():
            try:
                ids[name] = _id_text(_at(values, name))
            except ValueError as error:
                return Rejection(number, reason, f"{name}: {got_expected(error, 'a text or a whole number')}", values)
        return _Row(number, values, ids)

    def _column(self, name: str, rows: Sequence[_Row]) -> pa.Array:
        if name in self._ids:
            return pa.array([row.ids[name] for row in rows], pa.string())
        marks = self._marks(name)
        return pa.array([self._text(_at(row.values, name), marks) for row in rows], pa.string())

    def _text(self, value: Any, marks: Marks) -> str | None:
        if value is None or type(value) is str:
            return value
        if not isinstance(value, _Number):
            return json.dumps(value)  # true, false, and nested values
        # with the source's decimal mark, although a JSON number cannot be ambiguous
        text = value.replace(".", marks.decimal)
        return f"{text}0" if marks.is_ambiguous(text) else text


def _at(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a key, or at a path of keys."""
    if name in values or "." not in name:
        return values.get(name)
    found: Any = values
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def paths_of(raw: object) -> tuple[str, ...]:
    """Return the keys of a line, those of objects within it as paths.

    Example:
        >>> paths_of({"id": 7, "visitor": {"login": "ann", "place": {"city": "Ulm"}}, "tags": [1, 2], "none": {}})
        ('id', 'visitor.login', 'visitor.place.city', 'tags', 'none')
    """
    found: list[str] = []
    for key, value in raw.items() if isinstance(raw, dict) else ():
        within = paths_of(value)
        found += [f"{key}.{path}" for path in within] or [key]
    return tuple(found)


def _as_read(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)


def _id_text(value: Any) -> str | None:
    """Return an id as text; a number with a point or an exponent has been through a float.

    Raises:
        ValueError: The value is no id; its message is the value.
    """
    if value is None or type(value) is str or (isinstance(value, _Number) and _INTEGER.fullmatch(value)):
        return value
    if isinstance(value, _Number):
        number = float(value)
        if abs(number) < FLOAT_TELLS and number.is_integer():
            return str(int(number))
        raise ValueError(value)
    raise ValueError(json.dumps(value))


def _parse(text: str) -> dict[str, Any]:
    row = _DECODER.decode(text)
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")
    if "\\ud" in text or "\\uD" in text:
        json.dumps(row, ensure_ascii=False).encode()  # fails for half of a surrogate pair
    return row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"a key occurs twice: '{next(name for name in names if names.count(name) > 1)}'")
    return found


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=_object)


def _require_keys(file: SourceFile, chunk: Chunk) -> None:
    own = columns_of(file.source)
    names = [name for field in _NEEDED_FIELDS for name in columns_of_field(file.source, field) if name in own]
    rows = chunk.table.num_rows
    if rows and any(chunk.table.column(name).null_count == rows for name in names):
        keys = {key for position in range(rows) for key in paths_of(chunk.raw(position))}
        file.require_columns(names, sorted(keys))
