"""Reads CSV files, compressed or not, as chunks."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from events.chunks import Chunk, columns_among
from events.columns import columns_of
from events.csv_records import Cut, Records, cut_header
from events.csv_text import csv_text, delimiter_of, quotes_of
from events.quarantine import Reason, Rejection
from events.source_files import SourceFile


def read_csv(file: SourceFile) -> Iterator[Chunk]:
    """Read a CSV file; every value is a text, blank lines do not count.

    Rows are set apart that have too many or too few fields, a quote that does not close its field, or a byte that is
    zero or not UTF-8. In another declared encoding, an invalid byte is an error of the file; so is broken UTF-8 in more
    than half of the rows.
    """
    blocks = csv_text(file)
    text, done = next(blocks)
    header, text = _header(file, text)
    file.require_columns(columns_of(file.source), header)
    records = _records(file, header)
    for block, now_done in blocks:
        cut = records.cut(text, last=False)
        yield from _chunks(file, header, cut, done)
        text, done = cut.rest + block, now_done
    yield from _chunks(file, header, records.cut(text, last=True), done)


def _records(file: SourceFile, header: list[str]) -> Records:
    source = file.source
    column = next((part.columns["occurred_at"] for part in source.parts if "occurred_at" in part.columns), None)
    style = source.time_style(column if isinstance(column, str) else None)

    def is_time(text: bytes) -> bool:
        read = style.moments(pa.array([text.decode(errors="replace")]))
        return not (read.unreadable[0] or read.missing[0])

    time = header.index(column) if isinstance(column, str) and column in header else None
    ignored = tuple(line.encode() for line in source.ignore_lines)
    return Records(delimiter_of(source).encode(), len(header), quotes_of(source), time, is_time, ignored)


def _header(file: SourceFile, text: bytes) -> tuple[list[str], bytes]:
    """Return the names of the columns (nameless ones by their place), and the text that follows."""
    source = file.source
    if isinstance(source.header, tuple):
        return list(source.header), text
    delimiter = delimiter_of(source)
    first, rest = cut_header(text, delimiter.encode())
    while first.startswith(tuple(line.encode() for line in source.ignore_lines)):
        first, rest = cut_header(rest, delimiter.encode())
    row = next(csv.reader([first.decode()], delimiter=delimiter), [])
    names = row if source.header == "first_line" else [""] * len(row)
    header = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    return header, rest if source.header == "first_line" else text


def _chunks(file: SourceFile, header: list[str], cut: Cut, bytes_done: int) -> Iterator[Chunk]:
    """Parse the good records of a cut; yield nothing if there are no records at all."""
    if not len(cut.numbers) and not cut.broken and not cut.ignored:
        return
    wrong: list[tuple[int, str, str]] = []

    def set_apart(row: Any) -> str:
        wrong.append((row.number - 1, f"got {row.actual_columns} fields, expected {row.expected_columns}", row.text))
        return "skip"

    table = pa.table({name: pa.array([], pa.string()) for name in header})
    if len(cut.numbers):
        table = pa.csv.read_csv(
            pa.BufferReader(cut.good),
            read_options=pa.csv.ReadOptions(column_names=header, use_threads=False, block_size=len(cut.good)),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter_of(file.source),
                quote_char='"' if quotes_of(file.source) else False,
                newlines_in_values=quotes_of(file.source),
                invalid_row_handler=set_apart,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, null_values=[], strings_can_be_null=False
            ),
        ).combine_chunks()
    if table.num_rows + len(wrong) != len(cut.numbers):
        raise ValueError(f"{table.num_rows + len(wrong)} rows of {len(cut.numbers)} records")
    broken = [
        Rejection(part.number, part.reason, part.why, _shown(file, header, part.line, part.reason))
        for part in cut.broken
    ]
    undecodable = sum(part.reason is Reason.ENCODING_BROKEN for part in cut.broken)
    if 2 * undecodable > len(cut.numbers) + len(cut.broken):
        raise UnicodeError(f"{undecodable} of {len(cut.numbers) + len(cut.broken)} rows that are not UTF-8")
    broken += [Rejection(int(cut.numbers[place]), Reason.FIELD_COUNT_WRONG, why, raw) for place, why, raw in wrong]
    yield Chunk(
        table=table,
        numbers=np.delete(cut.numbers, [place for place, _, _ in wrong]),
        raw=lambda position: table.slice(position, 1).to_pylist()[0],
        as_read=partial(columns_among, table),
        broken=broken,
        ignored=cut.ignored,
        bytes_done=bytes_done,
    )


def _shown(file: SourceFile, header: list[str], line: bytes, reason: Reason) -> object:
    """Return a record for the quarantine: by column if the number of fields fits, else as text."""
    text = line.decode(errors="backslashreplace")
    if reason is Reason.QUOTE_BROKEN:
        return text
    fields = next(csv.reader([text], delimiter=delimiter_of(file.source)), [])
    return dict(zip(header, fields, strict=True)) if len(fields) == len(header) else text
