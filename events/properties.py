"""Brings property values of events into the one form that their declared type has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.errors import nearest
from events.numbers import PLAIN, Marks
from events.schema import LARGEST_AMOUNT
from events.texts import Coded, number_text
from events.vocabulary import OTHER, Property

_BOOLEANS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


@dataclass(frozen=True, slots=True)
class PropertyColumn:
    """One property of n rows.

    Attributes:
        values: Values in canonical form; null if a row has none.
        unfit: Shape (n,), rows whose value does not fit the declaration.
    """

    values: Coded
    unfit: NDArray[np.bool_]


def canonical(text: str, declared: Property, marks: Marks = PLAIN) -> str | None:
    """Return a value in the canonical form of its type; None if it does not fit.

    Args:
        text: Value as it was read.
        declared: Declaration of the property.
        marks: Marks of numbers.

    Example:
        >>> canonical("YES", Property(type="boolean")), canonical("1980.0", Property(type="number"))
        ('true', '1980')
        >>> canonical("west", Property(values=("north", "south")))
        >>> canonical("west", Property(values=("north", "south"), other=True))
        'other'
    """
    if declared.type == "number":
        number = marks.number(text)
        return None if number is None or not abs(number) <= LARGEST_AMOUNT else number_text(number)
    if declared.type == "boolean":
        return _BOOLEANS.get(text.lower())
    if declared.type == "category":
        return text if text in declared.values else OTHER if declared.other else None
    return None if "\0" in text else text


def expectation(declared: Property, marks: Marks = PLAIN) -> str:
    """Return a description of valid values."""
    if declared.type == "number":
        return f"{marks.expectation}, at most {LARGEST_AMOUNT:g}"
    if declared.type == "text":
        return "a text without a zero byte"
    return "true or false" if declared.type == "boolean" else nearest("", declared.allowed)


def read_property(
    texts: Coded, declarations: Sequence[tuple[Property, NDArray[np.bool_] | None]], marks: Marks = PLAIN
) -> PropertyColumn:
    """Read a column as a property.

    Args:
        texts: The column, n rows.
        declarations: Declarations of the property and the rows of each (None for all). A value in a row without a
            declaration is no property of that event: a wide table has columns for every type.
        marks: Marks of numbers.
    """
    forms: dict[str, int] = {}
    codes = np.full(len(texts.codes), -1, dtype=np.int64)
    unfit = np.zeros(len(texts.codes), dtype=bool)
    for declared, rows in declarations:
        lookup = np.empty(len(texts.values) + 1, dtype=np.int64)
        lookup[-1] = -1
        for code, text in enumerate(texts.values):
            form = canonical(text, declared, marks)
            lookup[code] = -2 if form is None else forms.setdefault(form, len(forms))
        found = lookup[texts.codes]
        declared_rows = slice(None) if rows is None else rows
        codes[declared_rows] = np.maximum(found, -1)[declared_rows]
        unfit[declared_rows] = (found == -2)[declared_rows]
    return PropertyColumn(Coded(codes, tuple(forms)), unfit)


def property_maps(columns: Mapping[str, Coded], rows: NDArray[np.int64]) -> pa.MapArray:
    """Collect the properties of some rows in maps, by name, without nulls.

    Example:
        >>> region = Coded(np.array([0, -1]), ("north",))
        >>> property_maps({"region": region}, np.array([0, 1])).to_pylist()
        [[('region', 'north')], []]
    """
    names = sorted(columns)
    if not names:
        return pa.MapArray.from_arrays(pa.array(np.zeros(len(rows) + 1, np.int32)), _texts([]), _texts([]))
    codes = np.stack([columns[name].codes[rows] for name in names], axis=1)
    starts = np.cumsum([0, *(len(columns[name].values) for name in names)])
    places, owners = np.nonzero(codes >= 0)
    values = _texts([value for name in names for value in columns[name].values])
    offsets = np.concatenate([[0], np.cumsum((codes >= 0).sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(
        pa.array(offsets),
        _texts(names).take(pa.array(owners)),
        values.take(pa.array(codes[places, owners] + starts[owners])),
    )


def _texts(values: Sequence[str]) -> pa.Array:
    return pa.array(values, pa.string())
