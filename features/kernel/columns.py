"""Events as numpy columns: the input of everything in the kernel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError
from events.vocabulary import UNKNOWN_TEXT
from expressions.types import Boolean, Category, ColumnType
from features.kernel.arrays import BoolArray, Int64Array

SCALE = 10_000
"""Amounts are int64 in 1/10,000: sums are exact in any order, and merging gives the same bits."""
LARGEST_NUMBER = 1e11
"""Larger or non-finite numbers count as missing, so that sums of thousands of numbers fit int64."""
MISSING = np.iinfo(np.int64).min
"""Stands for "no value" in fixed-point columns; no allowed number is this small."""
UNKNOWN = MISSING + 1
"""Stands for a value reported as unknown, which replaces the last known value."""

EVENT_COLUMNS = (
    "customer_id",
    "occurred_at",
    "available_at",
    "type",
    "channel",
    "product",
    "amount",
    "properties",
)
"""Columns that the kernel reads from an event log; others need not be loaded."""

_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """Names as codes: positions in `names`, -1 for NULL."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    def equal(self, wanted: frozenset[str], rows: Int64Array | None) -> BoolArray:
        """Tell which rows have one of the names; all rows if `rows` is None."""
        codes = self.codes if rows is None else self.codes.take(rows)
        places = [place for place, name in enumerate(self.names) if name in wanted]
        # one more entry, so that -1 maps to False at the end; for one name a comparison takes a tenth of the time
        lookup = np.array([name in wanted for name in self.names] + [False])
        found: BoolArray = codes == places[0] if len(places) == 1 else lookup.take(codes)
        return found


@dataclass(frozen=True, slots=True)
class EventColumns:
    """n events of k customers, ordered by customer, then time.

    Attributes:
        customer_ids: Arrow string array, shape (k,), in the order of the codes.
        starts: First event of each customer, and n at the end, shape (k + 1,).
        customer: Code of each event's customer, ascending.
        occurred: Microseconds UTC; ascending within a customer.
        available: Microseconds UTC.
        amount: Amount in 1/10,000, or MISSING.
    """

    customer_ids: pa.Array
    starts: Int64Array
    customer: Int64Array
    occurred: Int64Array
    available: Int64Array
    type: CodedColumn
    channel: CodedColumn
    product: CodedColumn
    amount: Int64Array
    properties: pa.Array
    _texts: dict[tuple[str, frozenset[str]], CodedColumn] = field(default_factory=dict)
    _values: dict[tuple[str, ColumnType, frozenset[str]], Int64Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.occurred)

    @classmethod
    def from_table(cls, events: pa.Table) -> EventColumns:
        """Read a table that follows the event log's contract, and sort it if necessary.

        Raises:
            DataError: If a column is missing.
        """
        for name in EVENT_COLUMNS:
            if name not in events.column_names:
                raise DataError(
                    "a table of events lacks a column", got=", ".join(events.column_names), expected=f"'{name}'"
                )
        columns = cls._read(events)
        steps = np.diff(columns.customer)
        if not bool(np.all((steps > 0) | ((steps == 0) & (np.diff(columns.occurred) >= 0)))):
            order = pc.sort_indices(
                events.select(["customer_id", "occurred_at"]),
                sort_keys=[("customer_id", "ascending"), ("occurred_at", "ascending")],
            )
            columns = cls._read(events.take(order))
        return columns

    @classmethod
    def _read(cls, events: pa.Table) -> EventColumns:
        # encoded again: codes must be in order of appearance, which a dictionary in the table need not be
        customers = _coded(events.column("customer_id").cast(pa.string()))
        code = customers.codes.astype(np.int64)
        names = pa.array(customers.names, pa.string())
        return cls(
            customer_ids=names,
            starts=np.searchsorted(code, np.arange(len(names) + 1)).astype(np.int64),
            customer=code,
            occurred=_microseconds(events.column("occurred_at")),
            available=_microseconds(events.column("available_at")),
            type=_coded(events.column("type")),
            channel=_coded(events.column("channel")),
            product=_coded(events.column("product")),
            amount=_fixed_point(_whole(events.column("amount")).cast(pa.float64())),
            properties=_whole(events.column("properties")),
        )

    def customer_codes(self, customer_ids: NDArray[np.object_]) -> Int64Array:
        """Look up customers' codes; a customer without events gets the code k, whose range of events is empty."""
        found = pc.index_in(pa.array(customer_ids, pa.string()), value_set=self.customer_ids)
        return np.asarray(found.fill_null(len(self.customer_ids)).to_numpy(zero_copy_only=False), dtype=np.int64)

    def ranges(self, customer: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Return each customer's first event and the one after the last; an empty range for the code k."""
        upper = self.starts[np.minimum(customer + 1, len(self.starts) - 1)]
        lower: Int64Array = self.starts[customer]
        return lower, upper

    def text(self, name: str, types: frozenset[str]) -> CodedColumn:
        """Return a property of the events of some types as text; NULL for other events."""
        key = (name, types)
        if key not in self._texts:
            rows = np.flatnonzero(self.type.equal(types, None))
            codes = np.full(len(self), -1, dtype=np.int32)
            names: tuple[str, ...] = ()
            if len(rows) and pa.types.is_map(self.properties.type):
                texts = pc.map_lookup(self.properties.take(pa.array(rows)), pa.scalar(name), "first")
                found = _coded(texts)
                codes[rows], names = found.codes, found.names
            self._texts[key] = CodedColumn(codes, names)
        return self._texts[key]

    def values(self, of: str, kind: ColumnType, types: frozenset[str]) -> Int64Array:
        """Return the amount, or a property of the events of some types, as int64 or MISSING, shape (n,).

        Numbers are in 1/10,000, yes and no are 1 and 0, a category is the position in its values. An empty text is
        UNKNOWN; any text that cannot be converted is MISSING.
        """
        if of == "amount":
            return self.amount
        key = (of, kind, types)
        if key not in self._values:
            coded = self.text(of, types)
            parsed = np.where(np.array(coded.names, dtype=object) == UNKNOWN_TEXT, UNKNOWN, _parsed(coded.names, kind))
            lookup = np.append(parsed, MISSING)
            self._values[key] = lookup[coded.codes]
        return self._values[key]


def _parsed(names: tuple[str, ...], kind: ColumnType) -> Int64Array:
    match kind:
        case Category(values):
            positions: dict[str, int] = {value: position for position, value in enumerate(values)}
        case Boolean():
            positions = {"false": 0, "true": 1}
        case _:
            texts = pa.array(names, pa.string())
            numeric = pc.if_else(pc.match_substring_regex(texts, _NUMBER), texts, pa.scalar(None, pa.string()))
            return _fixed_point(numeric.cast(pa.float64()))
    return np.array([positions.get(name, MISSING) for name in names], dtype=np.int64)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _coded(column: pa.ChunkedArray | pa.Array) -> CodedColumn:
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
        column = _whole(column)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return CodedColumn(codes, tuple(column.dictionary.to_pylist()))


def _microseconds(column: pa.ChunkedArray) -> Int64Array:
    times = _whole(column).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    return np.asarray(times.to_numpy(zero_copy_only=False), dtype=np.int64)


def _fixed_point(numbers: pa.Array) -> Int64Array:
    values = np.asarray(numbers.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)
    usable = np.abs(values) <= LARGEST_NUMBER  # false for NaN
    return np.where(usable, np.rint(np.where(usable, values, 0.0) * SCALE).astype(np.int64), MISSING)
