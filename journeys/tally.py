"""Exact counts by keys: tables of names and whole numbers, which add up over buckets of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.kernel.arrays import BoolArray, Int64Array

LARGEST_SPACE = 1 << 22
"""Up to so many combinations of keys, counts are made in an array; above, by sorting the rows."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of n rows: positions in its names."""

    codes: NDArray[np.integer]
    names: Sequence[str]

    def take(self, rows: NDArray[np.int64] | BoolArray) -> Key:
        """Select rows by position or mask."""
        return Key(self.codes[rows], self.names)

    @classmethod
    def of_days(cls, days: Int64Array) -> Key:
        """Name local days, counted from 1970, by date."""
        return cls._of_units(days, "D")

    @classmethod
    def of_months(cls, months: Int64Array) -> Key:
        """Name months, counted from January 1970, as `2026-05`."""
        return cls._of_units(months, "M")

    @classmethod
    def of_numbers(cls, numbers: Int64Array) -> Key:
        """Name whole numbers from 0 by themselves."""
        return cls(numbers, [str(number) for number in range(int(numbers.max(initial=-1)) + 1)])

    @classmethod
    def _of_units(cls, numbers: Int64Array, unit: str) -> Key:
        if not len(numbers):
            return cls(numbers, ())
        first = int(numbers.min())
        names = np.arange(first, int(numbers.max()) + 1).astype(f"datetime64[{unit}]").astype(str)
        return cls(numbers - first, names.tolist())


def tally(keys: Mapping[str, Key], measures: Mapping[str, NDArray[np.integer] | BoolArray | None]) -> pa.Table:
    """Add up rows with the same keys.

    Args:
        keys: Each of n rows.
        measures: Whole numbers to add, shape (n,); None counts rows.

    Returns:
        A row for each combination of keys that occurs, with the keys as text and the measures as int64.

    Example:
        >>> channel = Key(np.array([0, 1, 0]), ("app", "web"))
        >>> tally({"channel": channel}, {"events": None}).to_pylist()
        [{'channel': 'app', 'events': 2}, {'channel': 'web', 'events': 1}]
    """
    combined = flat(keys)
    shape = [max(len(key.names), 1) for key in keys.values()]
    if prod(shape) <= LARGEST_SPACE:
        occurs = np.bincount(combined, minlength=0)
        present = np.flatnonzero(occurs)
        place = np.zeros(len(occurs), dtype=np.int64)
        place[present] = np.arange(len(present))
        inverse, counts = place[combined], occurs[present]
    else:
        present, inverse, counts = np.unique(combined, return_inverse=True, return_counts=True)
    columns: dict[str, pa.Array] = {}
    for (name, key), codes in zip(keys.items(), np.unravel_index(present, shape), strict=True):
        columns[name] = pa.array(list(key.names), pa.string()).take(pa.array(codes))
    for name, numbers in measures.items():
        columns[name] = pa.array(counts.astype(np.int64) if numbers is None else _sums(inverse, numbers, len(present)))
    return pa.table(columns)


def flat(keys: Mapping[str, Key]) -> Int64Array:
    """Combine the keys of each row to one number."""
    combined: Int64Array = np.zeros(len(next(iter(keys.values())).codes), dtype=np.int64)
    for key in keys.values():
        combined = combined * max(len(key.names), 1) + key.codes
    return combined


def first_of_each(customer: Int64Array, keys: Mapping[str, Key]) -> BoolArray:
    """Mark one row of each customer with each combination of keys; adding the marks up counts distinct customers.

    Example:
        >>> first_of_each(np.array([0, 0, 1]), {"all": Key(np.zeros(3, dtype=np.int64), ("all",))})
        array([ True, False,  True])
    """
    marks = np.zeros(len(customer), dtype=bool)
    if len(customer):
        size = prod(max(len(key.names), 1) for key in keys.values())
        marks[np.unique(customer * size + flat(keys), return_index=True)[1]] = True
    return marks


def merged(parts: Sequence[pa.Table]) -> pa.Table:
    """Add up the counts of buckets, in the order of the keys.

    Example:
        >>> part = pa.table({"channel": ["app"], "events": [2]})
        >>> merged([part, part]).to_pylist()
        [{'channel': 'app', 'events': 4}]
    """
    whole = pa.concat_tables(parts).combine_chunks()
    keys = [field.name for field in whole.schema if pa.types.is_string(field.type)]
    measures = [name for name in whole.column_names if name not in keys]
    summed = whole.group_by(keys).aggregate([(name, "sum") for name in measures])
    named = summed.rename_columns(
        [name.removesuffix("_sum") if name not in keys else name for name in summed.column_names]
    )
    return named.select(whole.column_names).sort_by([(name, "ascending") for name in keys])


def _sums(groups: Int64Array, numbers: NDArray[np.integer] | BoolArray, size: int) -> Int64Array:
    total = np.zeros(size, dtype=np.int64)  # not bincount, whose weights are floating point
    np.add.at(total, groups, numbers.astype(np.int64))
    return total
