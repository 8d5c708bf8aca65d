"""Files of JSON lines as chunks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from domain.errors import SourceError
from events.chunks import Chunk
from events.quarantine import Reason, Rejection
from events.source_files import SourceFile, columns_of

_LINES_PER_CHUNK = 100_000
_NEEDED_FIELDS = ("customer_id", "occurred_at", "type", "event_id")
_SHOWN_CHARACTERS = 500
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
"""Numbers stay as they are written: an id of 20 digits must not become a float."""


def read_json_lines(file: SourceFile) -> Iterator[Chunk]:
    """Read a file with one JSON object a line; numbers keep the text they have there, blank lines do not count.

    A key may be missing in a line; one that no line of the first chunk has, and that no event can do without, is
    an error of the file.
    """
    columns = columns_of(file.source)
    with file.path.open("rb") as stored:
        lines = gzip.GzipFile(fileobj=stored) if file.compressed else stored
        done = 0
        while batch := list(islice(lines, _LINES_PER_CHUNK)):
            if done == 0:
                batch[0] = batch[0].removeprefix(b"\xef\xbb\xbf")
            chunk = _chunk(file, batch, columns, first_number=done + 1, bytes_done=stored.tell())
            if done == 0:
                _require_keys(file, chunk)
            done += len(batch)
            yield chunk
        if done == 0:
            raise SourceError(f"file '{file.name}' is empty", remedy="have it delivered again, or remove it")


def _chunk(
    file: SourceFile, lines: list[bytes], columns: Sequence[str], *, first_number: int, bytes_done: int
) -> Chunk:
    rows: list[dict[str, Any]] = []
    texts: list[str] = []
    numbers: list[int] = []
    broken: list[Rejection] = []
    for number, line in enumerate(lines, start=first_number):
        if not line.strip():
            continue
        try:
            text = line.decode(file.source.encoding)
            row = _parse(text)
        except UnicodeError as error:
            shown = line[:_SHOWN_CHARACTERS].decode("ascii", errors="backslashreplace").rstrip()
            broken.append(Rejection(number, Reason.ENCODING_BROKEN, str(error), shown))
        except (ValueError, RecursionError) as error:
            broken.append(Rejection(number, Reason.LINE_BROKEN, str(error), text[:_SHOWN_CHARACTERS].rstrip()))
        else:
            rows.append(row)
            texts.append(text)
            numbers.append(number)
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in columns})
    return Chunk(
        table=table,
        numbers=np.array(numbers, dtype=np.int64),
        raw=lambda position: json.loads(texts[position]),
        broken=broken,
        bytes_done=bytes_done,
    )


def _parse(text: str) -> dict[str, Any]:
    row = _DECODER.decode(text)
    if not isinstance(row, dict):
        raise ValueError("a line must be a JSON object")
    if "\\ud" in text or "\\uD" in text:
        json.dumps(row, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    return row


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except pa.ArrowException:
        return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)  # true, false, and what is nested


def _require_keys(file: SourceFile, chunk: Chunk) -> None:
    needed = [file.source.columns[name] for name in _NEEDED_FIELDS if name in file.source.columns]
    names = [name for columns in needed for name in ((columns,) if isinstance(columns, str) else columns)]
    rows = chunk.table.num_rows
    if rows and any(chunk.table.column(name).null_count == rows for name in names):
        keys = {key for position in range(rows) for key in _parse_keys(chunk.raw(position))}
        file.require_columns(names, sorted(keys))


def _parse_keys(raw: object) -> tuple[str, ...]:
    return tuple(raw) if isinstance(raw, dict) else ()
