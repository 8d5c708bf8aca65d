"""Profiles whole files, column by column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.errors import SourceError
from events.mapping import Source
from events.profiling.columns import ColumnProfile, profile_of
from events.profiling.dialect import dialect_of
from events.reading import read_chunks
from events.reading_json_lines import paths_of
from events.schema import one_chunk
from events.source_files import SourceFile, source_file
from events.texts import is_text_type, texts_of

MOST_DISTINCT: Final = 1_000_000
"""Distinct values that are counted of a column; of further ones, only the number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProfile:
    """What a file holds.

    Attributes:
        name: Name of the file.
        settings: How it is written, as settings of a source.
        rows: Rows that could be read.
        broken: Rows that could not.
        columns: What each column holds, in the file's order.
    """

    name: str
    settings: dict[str, Any]
    rows: int
    broken: int
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile:
        """Return a column by name."""
        return next(column for column in self.columns if column.name == name)


def profile_path(path: Path, name: str) -> FileProfile:
    """Profile a file of which nothing is known but its name.

    Raises:
        SourceError: It cannot be read.
    """
    source = Source(name="profile", files=(name,))
    file = source_file(source, path, name)
    settings: dict[str, Any] = {}
    try:
        match file.format:
            case "csv":
                dialect = dialect_of(path)
                settings, header = dialect.settings, dialect.header
            case "parquet":
                header = tuple(pq.read_schema(path).names)
            case "jsonl":
                header = _keys(file)
    except OSError as error:
        raise file.unreadable(error) from error
    tuples: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return profile_file(replace(file, source=replace(source, **tuples)), header, settings)


def profile_file(file: SourceFile, header: tuple[str, ...], settings: dict[str, Any] | None = None) -> FileProfile:
    """Profile the columns of a file, written as its source says.

    Raises:
        SourceError: It cannot be read, or lacks a column.
    """
    reading = replace(file, source=replace(
        file.source, columns={}, constants={}, values={}, value_columns={}, durations={}, when=(), events=(),
        lookup=None, sign="keep", formats={}, properties={name: name for name in header},
    ))  # fmt: skip
    counts: dict[str, Counter[str]] = {name: Counter() for name in header}
    blanks = dict.fromkeys(header, 0)
    times: set[str] = set()
    rows = broken = 0
    for chunk in read_chunks(reading):
        rows, broken = rows + chunk.table.num_rows, broken + len(chunk.broken)
        for name in header:
            column = one_chunk(chunk.table.column(name))
            if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
                times.add(name)
            if not is_text_type(column.type):
                continue
            texts = texts_of(column)
            blanks[name] += texts.null_count
            if len(counts[name]) < MOST_DISTINCT:
                found = pc.value_counts(texts.drop_null())
                pairs = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
                counts[name].update(dict(pairs))
    profiles = (profile_of(name, counts[name], blanks[name], stored_as_time=name in times) for name in header)
    return FileProfile(name=file.name, settings=settings or {}, rows=rows, broken=broken, columns=tuple(profiles))


def _keys(file: SourceFile) -> tuple[str, ...]:
    """Return the keys and paths of the first lines of a file of JSON lines, in the order in which they come."""
    names: dict[str, None] = {}
    for chunk in read_chunks(file):
        for row in range(min(len(chunk.numbers), 1000)):
            names.update(dict.fromkeys(paths_of(chunk.raw(row))))
        break
    if not names:
        raise SourceError(f"no line of file '{file.name}' is a JSON object", remedy="have it delivered again")
    return tuple(names)
