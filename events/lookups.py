"""Columns that rows get from another source, by a key, and the number of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import SourceError
from events.chunks import Chunk
from events.conditions import rows_where
from events.fields import Fields
from events.mapping import ROW_NUMBER, Lookup, Source
from events.reading import read_chunks
from events.source_files import SourceFile


class LookupTable:
    """The columns of a source of kind `lookup` that another source reads, in memory.

    Args:
        lookup: What is read.
        files: Files of the source that is read.

    Attributes:
        digest: Digest of the files: rows are read again when it changes.

    Raises:
        SourceError: A file cannot be read, or a key occurs twice.
    """

    def __init__(self, lookup: Lookup, files: Sequence[SourceFile]) -> None:
        self._lookup = lookup
        names = (lookup.key, *lookup.adds)
        parts = [_texts(chunk, file, names) for file in files for chunk in read_chunks(_reading(file, names))]
        whole = pa.concat_tables(parts).filter(pc.field(lookup.key).is_valid())
        self._keys = whole[lookup.key].combine_chunks()
        counts = self._keys.value_counts()
        twice = counts.filter(pc.greater(counts.field("counts"), 1))
        if len(twice):
            key, count = twice[0].as_py().values()
            raise SourceError(
                f"a key of source '{lookup.source}' occurs more than once, so that rows cannot be looked up by it",
                got=f"{lookup.key} '{key}' {count} times, and {len(twice) - 1} other keys",
                expected="each value of the key once",
                remedy="choose the rows that are meant with `when` in that source, or another key",
            )
        self._columns = {name: whole[name].combine_chunks() for name in lookup.adds}
        self.digest = blake2b("".join(file.digest() for file in files).encode(), digest_size=16).hexdigest()

    def join(self, table: pa.Table, keys: pa.Array) -> pa.Table:
        """Add the looked-up columns to a table, given its keys as texts; null for a key that is not there."""
        places = pc.index_in(keys, value_set=self._keys)
        for name, column in self._columns.items():
            if name in table.column_names:
                raise SourceError(
                    "a looked-up column has the name of a column of the file",
                    got=f"'{name}'",
                    remedy="leave it out of `adds`, or have one of them renamed",
                )
            table = table.append_column(name, column.take(places))
        return table


def completed(chunk: Chunk, file: SourceFile, lookup: LookupTable | None) -> Chunk:
    """Add the row numbers, and the looked-up columns, to a chunk; what identifies its rows stays."""
    table = chunk.table.append_column(ROW_NUMBER, pa.array(chunk.numbers))
    if lookup is None or file.source.lookup is None:
        return replace(chunk, table=table)
    keys = Fields(table, file.source, file.name).column_texts(file.source.lookup.own_column)
    joined = lookup.join(table, keys)
    added = joined.select(file.source.lookup.adds)
    return replace(chunk, table=joined, raw=lambda row: _with(chunk.raw(row), added.slice(row, 1).to_pylist()[0]))


def lookups_of(sources: Sequence[Source], files: Sequence[SourceFile]) -> Mapping[str, LookupTable]:
    """Read what sources look up, by the name of the reading source."""
    return {
        source.name: LookupTable(source.lookup, [file for file in files if file.source.name == source.lookup.source])
        for source in sources
        if source.lookup
    }


def _reading(file: SourceFile, names: Sequence[str]) -> SourceFile:
    return replace(file, source=replace(file.source, columns={}, properties={name: name for name in names}))


def _texts(chunk: Chunk, file: SourceFile, names: Sequence[str]) -> pa.Table:
    fields = Fields(chunk.table, file.source, file.name)
    rows = rows_where(file.source.when, fields.column_texts, file.source.marks, chunk.table.num_rows)
    texts = {name: fields.column_texts(name).cast(pa.string()) for name in names}
    return pa.table(texts).filter(pa.array(rows))


def _with(raw: object, added: Mapping[str, Any]) -> object:
    return {**raw, **added} if isinstance(raw, dict) else raw
