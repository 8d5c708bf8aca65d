"""CSV files, also zipped, as chunks."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from domain.errors import SourceError
from events.chunks import Chunk
from events.quarantine import Reason, Rejection
from events.schema import one_chunk
from events.source_files import SourceFile, columns_of

_BYTES_PER_CHUNK = 16 * 2**20
_UTF_8 = ("utf-8", "utf8", "utf-8-sig", "ascii")


def read_csv(file: SourceFile) -> Iterator[Chunk]:
    """Read a CSV file with a header; every value is a text, blank lines do not count.

    Rows with too many or too few fields, and rows that are not UTF-8, are set apart. In another declared encoding
    a byte that it does not have is an error of the file, as is UTF-8 that is broken in more than half of the rows.
    """
    header = _header(file)
    file.require_columns(columns_of(file.source), header)
    numbering = _Numbering()
    with pa.OSFile(str(file.path)) as stored, _stream(file, stored) as stream:
        reader = pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=_BYTES_PER_CHUNK),
            parse_options=pa.csv.ParseOptions(
                delimiter=file.source.delimiter, newlines_in_values=True, invalid_row_handler=numbering.set_apart
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.binary() for name in header}, null_values=[], strings_can_be_null=False
            ),
        )
        for batch in reader:
            yield _chunk(file, pa.Table.from_batches([batch]), numbering, stored.tell())
        if broken := numbering.new_rejections():
            empty = pa.table({name: pa.array([], pa.string()) for name in header})
            yield _finished(empty, np.zeros(0, dtype=np.int64), broken, stored.tell())


class _Numbering:
    """Knows the number of each good row from the numbers of the rows set apart before it."""

    def __init__(self) -> None:
        self._good_rows = 0
        self._apart: list[int] = []
        self._new: list[Rejection] = []

    def set_apart(self, row: Any) -> str:
        number = row.number - 1  # the header is counted as the first
        self._apart.append(number)
        detail = f"got {row.actual_columns} fields, expected {row.expected_columns}"
        self._new.append(Rejection(number, Reason.FIELD_COUNT_WRONG, detail, row.text))
        return "skip"

    def next_rows(self, count: int) -> NDArray[np.int64]:
        good = np.arange(self._good_rows + 1, self._good_rows + count + 1)
        self._good_rows += count
        good_before = np.array(self._apart, dtype=np.int64) - np.arange(1, len(self._apart) + 1)
        return good + np.searchsorted(good_before, good, side="left")

    def new_rejections(self) -> list[Rejection]:
        new, self._new = self._new, []
        return new


def _header(file: SourceFile) -> list[str]:
    encoding = "utf-8-sig" if file.source.encoding.lower() in _UTF_8 else file.source.encoding
    with gzip.open(file.path) if file.compressed else file.path.open("rb") as stream:
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        rows = csv.reader(text, delimiter=file.source.delimiter)
        header = next((row for row in rows if row), None)
    if not header:
        raise SourceError(f"file '{file.name}' is empty", remedy="have it delivered again, or remove it")
    for name in header:
        name.encode()  # of the header, unlike of rows, broken bytes are an error
    return header


def _stream(file: SourceFile, stored: pa.NativeFile) -> pa.NativeFile:
    stream = pa.CompressedInputStream(stored, "gzip") if file.compressed else stored
    if file.source.encoding.lower() in _UTF_8:
        return stream
    return pa.transcoding_input_stream(stream, file.source.encoding, "utf8")


def _chunk(file: SourceFile, table: pa.Table, numbering: _Numbering, bytes_done: int) -> Chunk:
    numbers = numbering.next_rows(table.num_rows)
    broken = numbering.new_rejections()
    try:
        texts = _decoded(table)
    except pa.ArrowInvalid:
        readable = np.ones(table.num_rows, dtype=bool)
        for column in table.columns:
            readable &= np.array([_is_utf_8(value) for value in column.to_pylist()])
        bad = np.flatnonzero(~readable)
        if 2 * len(bad) > table.num_rows:
            raise UnicodeError(f"{len(bad)} of {table.num_rows} rows that are not UTF-8") from None
        for position in bad.tolist():
            row = table.slice(position, 1).to_pylist()[0]
            raw = {name: value.decode(errors="backslashreplace") for name, value in row.items()}
            broken.append(Rejection(int(numbers[position]), Reason.ENCODING_BROKEN, "not UTF-8", raw))
        texts, numbers = _decoded(table.filter(pa.array(readable))), numbers[readable]
    return _finished(texts, numbers, broken, bytes_done)


def _finished(table: pa.Table, numbers: NDArray[np.int64], broken: list[Rejection], bytes_done: int) -> Chunk:
    return Chunk(
        table=table,
        numbers=numbers,
        raw=lambda position: table.slice(position, 1).to_pylist()[0],
        broken=broken,
        bytes_done=bytes_done,
    )


def _decoded(table: pa.Table) -> pa.Table:
    return pa.table({name: one_chunk(table.column(name)).cast(pa.string()) for name in table.column_names})


def _is_utf_8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
