"""Feature tables: what the kernel produces, models and rules read, and stores keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from expressions.types import Array, Boolean, Category, ColumnType, Number, Schema

CUSTOMER_ID = "customer_id"
AS_OF = "as_of"
FEW_ROWS = 4_096
"""Up to this many rows, columns are stacked in one assignment, which copies twice but takes half as long."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Named columns for n pairs of customer and moment.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        as_of: Shape (n,), datetime64[us], UTC.
        columns: Name -> shape (n,), float64; NaN is NULL, categories are positions in their values.
        schema: Type of every column.
    """

    customer_ids: NDArray[np.object_]
    as_of: NDArray[np.datetime64]
    columns: Mapping[str, Array]
    schema: Schema

    def __len__(self) -> int:
        return len(self.customer_ids)

    def select(self, names: Iterable[str]) -> FeatureTable:
        """Select columns by name, in the given order."""
        wanted = tuple(names)
        for name in wanted:
            if name not in self.columns:
                raise DataError("no such feature", got=f"'{name}'", expected=nearest(name, self.columns))
        return FeatureTable(
            self.customer_ids,
            self.as_of,
            {name: self.columns[name] for name in wanted},
            {name: self.schema[name] for name in wanted},
        )

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> FeatureTable:
        """Select rows by position or mask."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return FeatureTable(self.customer_ids[rows], self.as_of[rows], columns, self.schema)

    def matrix(self, names: Sequence[str]) -> Array:
        """Stack columns into shape (n, len(names)), C order."""
        stacked = np.empty((len(self), len(names)), dtype=np.float64)
        if len(self) <= FEW_ROWS:
            stacked.T[...] = [self.columns[name] for name in names]
            return stacked
        for position, name in enumerate(names):
            stacked[:, position] = self.columns[name]
        return stacked

    def row(self, position: int) -> dict[str, float | str | bool | None]:
        """Return one row with readable values: categories by name, yes and no as booleans, NULL as None."""
        schema = self.schema
        return {name: in_words(values.item(position), schema[name]) for name, values in self.columns.items()}

    def to_arrow(self) -> pa.Table:
        """Convert to Arrow: customer_id, as_of, then the columns; categories are dictionary-encoded names."""
        arrays: dict[str, pa.Array] = {
            CUSTOMER_ID: pa.array(self.customer_ids, pa.string()),
            AS_OF: pa.array(self.as_of.astype("datetime64[us]"), pa.timestamp("us", "UTC")),
        }
        for name, values in self.columns.items():
            missing = np.isnan(values)
            match self.schema[name]:
                case Category(names):
                    codes = pa.array(np.where(missing, 0, values).astype(np.int32), mask=missing)
                    arrays[name] = pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))
                case Boolean():
                    arrays[name] = pa.array(values == 1.0, mask=missing)
                case Number():
                    arrays[name] = pa.array(values, mask=missing)
        return pa.table(arrays)

    @classmethod
    def from_arrow(cls, table: pa.Table, schema: Schema) -> FeatureTable:
        """Read what `to_arrow` wrote, or any table with these columns and string or dictionary categories.

        Example:
            >>> one = FeatureTable(np.array(["c1"], dtype=object), np.array(["2026-01-01"], "datetime64[us]"),
            ...                    {"region": np.array([1.0])}, {"region": Category(("north", "south"))})
            >>> FeatureTable.from_arrow(one.to_arrow(), one.schema).row(0)
            {'region': 'south'}
        """
        as_of = table.column(AS_OF).combine_chunks().cast(pa.timestamp("us", "UTC"))
        columns = {name: _from_arrow(table.column(name), kind) for name, kind in schema.items()}
        return cls(
            np.array(table.column(CUSTOMER_ID).to_pylist(), dtype=object),
            as_of.to_numpy(zero_copy_only=False).astype("datetime64[us]"),
            columns,
            dict(schema),
        )

    @classmethod
    def concatenate(cls, tables: Sequence[FeatureTable]) -> FeatureTable:
        """Concatenate the rows of tables with the same schema."""
        if not tables:
            raise DataError("there are no feature tables to concatenate", expected="at least one")
        first = tables[0]
        return cls(
            np.concatenate([table.customer_ids for table in tables]),
            np.concatenate([table.as_of for table in tables]),
            {name: np.concatenate([table.columns[name] for table in tables]) for name in first.columns},
            first.schema,
        )


def in_words(value: float, kind: ColumnType) -> float | str | bool | None:
    """Convert a value for readers: a category by name, yes and no as a boolean, NULL as None."""
    if value != value:  # noqa: PLR0124  NaN
        return None
    # called for hundreds of features of one customer, so the most common type comes first
    if type(kind) is Number:
        return value
    if isinstance(kind, Category):
        return kind.values[int(value)]
    return value == 1.0


def _from_arrow(column: pa.ChunkedArray, kind: Number | Boolean | Category) -> Array:
    whole = column.combine_chunks()
    if isinstance(kind, Category):
        strings = whole.cast(pa.string()) if not pa.types.is_dictionary(whole.type) else whole.dictionary_decode()
        encoded = strings.dictionary_encode()
        lookup = np.array([kind.code(value) for value in encoded.dictionary.to_pylist()], dtype=np.float64)
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found = codes >= 0
        values = np.full(len(codes), np.nan)
        values[found] = lookup[codes[found]]
        return values
    return np.asarray(whole.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
