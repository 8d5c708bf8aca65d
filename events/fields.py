"""Reads the fields of the contract from the columns of a source's file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from domain.errors import SourceError
from events.amounts import Amounts, amounts_of, signed
from events.columns import columns_of_field
from events.durations import duration_texts
from events.ids import Ids, ids_of, is_id_type, joined_ids
from events.mapping import Sign, Source
from events.numbers import Marks
from events.schema import one_chunk
from events.texts import Coded, is_text_type, joined_texts, texts_of
from events.times import MomentColumn


class Fields:
    """A table of a source's file, seen through the source's mapping.

    Every method raises SourceError if a column has a type from which its field cannot be read.

    Args:
        table: Table with the columns of the file.
        source: Source of the file.
        file: Name of the file in errors.
    """

    def __init__(self, table: pa.Table, source: Source, file: str) -> None:
        self._table = table
        self._source = source
        self._file = file

    def fills(self, field: str) -> bool:
        """Return whether the mapping fills a field."""
        mappings = (self._source.columns, self._source.constants, self._source.value_columns)
        return any(field in filled for filled in mappings)

    def field(self, field: str) -> pa.Array:
        """Return the raw values of a field: a column, joined columns, a constant, or nulls."""
        source = self._source
        if field in source.value_columns:
            parts = [self.column_texts(name) for name in source.value_columns[field]]
            return joined_texts(parts, "/", null="")
        if field in source.columns:
            columns = source.columns[field]
            if isinstance(columns, str):
                return one_chunk(self._table.column(columns))
            return joined_texts([self.column_texts(name) for name in columns], "-", null=None)
        return pa.array([source.constants.get(field)] * self._table.num_rows, pa.string())

    def column_texts(self, column: str) -> pa.Array:
        """Read a column of the file as texts."""
        return self._as_texts(one_chunk(self._table.column(column)), column)

    def _as_texts(self, array: pa.Array, column: str) -> pa.Array:
        if not is_text_type(array.type):
            raise self._wrong_type(column, array.type, "texts or numbers")
        try:
            return texts_of(array)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self._wrong_type(column, array.type, "texts or numbers") from error

    def ids(self, field: str) -> Ids:
        """Read a field as ids, renamed as the mapping says."""
        name = field.replace("_id", " id")
        columns = self._source.columns.get(field)
        if columns is None or isinstance(columns, str):
            return self._renamed(self._ids(self.field(field), field, name), field, name)
        parts = [self._ids(one_chunk(self._table.column(column)), column, name) for column in columns]
        return self._renamed(joined_ids(parts, name), field, name)

    def _ids(self, column: pa.Array, called: str, name: str) -> Ids:
        if not is_id_type(column.type):
            raise self._wrong_type(called, column.type, "texts or whole numbers")
        return ids_of(column, name)

    def _renamed(self, ids: Ids, field: str, name: str) -> Ids:
        names = self._source.values.get(field)
        if not names:
            return ids
        renamed = Coded.of(ids.values).renamed(names).to_arrow(np.arange(len(ids.values))).cast(pa.string())
        again = ids_of(renamed, name)
        return Ids(
            again.values,
            ids.missing,
            ids.unfit | again.unfit,
            lambda row: ids.why(row) if ids.unfit[row] else again.why(row),
        )

    def coded(self, field: str) -> Coded:
        """Read a field with few distinct texts, renamed as the mapping says."""
        texts = self._as_texts(self.field(field), field)
        return Coded.of(texts).renamed(self._source.values.get(field, {}))

    def moments(self, field: str) -> MomentColumn:
        """Read a field as moments; local times are in the time zone of its column or source."""
        return self._moments(self.field(field), field, columns_of_field(self._source, field))

    def _moments(self, column: pa.Array, called: str, columns: Sequence[str]) -> MomentColumn:
        style = self._source.time_style(columns[0] if columns else None)
        if not style.reads(column.type):
            unit = style.unit
            raise self._wrong_type(called, column.type, f"numbers of {unit}" if unit else "timestamps, dates or texts")
        return style.moments(column)

    def amounts(self) -> Amounts:
        """Read the amounts, with the sign that the mapping says."""
        source, column = self._source, self.field("amount")
        if not is_text_type(column.type):
            raise self._wrong_type("amount", column.type, "numbers or texts")
        amounts = amounts_of(column, self.marks("amount"))
        if source.sign == "keep":
            return amounts
        if isinstance(source.sign, Sign):
            side = Coded.of(self.column_texts(source.sign.column))
            negative, positive = (side.among(set(v).__contains__) for v in (source.sign.negative, source.sign.positive))
            return signed(amounts, negative, positive)
        size = np.zeros(len(column), dtype=bool)
        return signed(amounts, size, ~size) if source.sign == "absolute" else amounts.reversed()

    def marks(self, field: str) -> Marks:
        """Return the marks of the numbers of a field or property."""
        columns = columns_of_field(self._source, field) or (self._source.properties.get(field),)
        return self._source.marks(columns[0])

    def property_texts(self, name: str) -> Coded:
        """Read a property, renamed as the mapping says: a column, a duration or a constant."""
        source = self._source
        if name in source.durations:
            return Coded.of(self._duration(name))
        if name in source.properties:
            texts = self.column_texts(source.properties[name])
        else:
            texts = pa.array([source.constants[name]] * self._table.num_rows, pa.string())
        return Coded.of(texts).renamed(source.values.get(name, {}))

    def _duration(self, name: str) -> pa.Array:
        duration = self._source.durations[name]
        start, end = (
            self._moments(one_chunk(self._table.column(column)), column, (column,))
            for column in (duration.start, duration.end)
        )
        return duration_texts(start, end, duration.unit)

    def _wrong_type(self, column: str, kind: pa.DataType, expected: str) -> SourceError:
        return SourceError(
            f"'{column}' in file '{self._file}' of source '{self._source.name}' has a type that does not fit",
            got=str(kind),
            expected=expected,
            remedy="correct the mapping in sources.yaml, or have the file delivered with another type",
        )
