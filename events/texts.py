"""Converts columns of any type to texts, trimmed, null if blank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from events.schema import AMOUNT_DECIMALS


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts as positions in the list of their distinct values; -1 is null."""

    codes: NDArray[np.int64]
    values: tuple[str, ...]

    @classmethod
    def of(cls, texts: pa.Array) -> Coded:
        """Encode a column of texts."""
        encoded = texts.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(codes, tuple(encoded.dictionary.to_pylist()))

    def renamed(self, names: Mapping[str, str]) -> Coded:
        """Replace each value that has another name; the name of "" replaces null."""
        renamed = Coded(self.codes, tuple(names.get(value, value) for value in self.values))
        return renamed.with_value(self.codes < 0, names[""]) if "" in names else renamed

    def with_value(self, rows: NDArray[np.bool_], value: str) -> Coded:
        """Set one value in some rows."""
        return Coded(np.where(rows, len(self.values), self.codes), (*self.values, value))

    def among(self, accepted: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return rows whose value is present and accepted, shape (n,)."""
        good = np.array([*(accepted(value) for value in self.values), False])
        rows: NDArray[np.bool_] = good[self.codes]  # code -1, for null, selects the last entry
        return rows

    def at(self, position: int) -> str | None:
        """Return the text of a row."""
        code = int(self.codes[position])
        return None if code < 0 else self.values[code]

    def to_arrow(self, rows: NDArray[np.int64]) -> pa.Array:
        """Return the texts of some rows as a dictionary array."""
        codes = self.codes[rows]
        indices = pa.array(codes.astype(np.int32), mask=codes < 0)
        plain = pa.DictionaryArray.from_arrays(indices, pa.array(self.values, pa.string()))
        distinct = len(set(self.values)) == len(self.values)
        return plain if distinct else plain.dictionary_decode().dictionary_encode()


def is_text_type(kind: pa.DataType) -> bool:
    """Return whether a column type can be read as texts: no lists, structures or raw bytes."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (pa.types.is_nested(plain) or pa.types.is_binary(plain) or pa.types.is_large_binary(plain))


def texts_of(column: pa.Array) -> pa.Array:
    """Convert every value to text; numbers in their shortest form, so that 7.0 in one file equals 7 in another.

    Example:
        >>> texts_of(pa.array([" a ", "  ", None])).to_pylist(), texts_of(pa.array([7.0, 2.5, None])).to_pylist()
        (['a', None, None], ['7', '2.5', None])
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        distinct = column.dictionary_encode()
        written = pa.array([number_text(value) for value in distinct.dictionary.to_pylist()], pa.string())
        return written.take(distinct.indices)
    texts = column.cast(pa.string())
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return texts
    trimmed = pc.utf8_trim_whitespace(texts)
    blank = pc.equal(trimmed, "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), trimmed) if pc.any(blank).as_py() else trimmed


def joined_texts(columns: Sequence[pa.Array], separator: str, *, null: str | None) -> pa.Array:
    """Join the texts of each row; a missing part makes the whole missing, or is replaced by `null`."""
    handling = (
        {"null_handling": "emit_null"} if null is None else {"null_handling": "replace", "null_replacement": null}
    )
    return pc.binary_join_element_wise(*columns, separator, **handling)


def number_text(value: float) -> str | None:
    """Format a number in its shortest form with at most 4 decimals; None if undefined.

    Example:
        >>> number_text(1980.0), number_text(0.25), number_text(-0.00001)
        ('1980', '0.25', '0')
    """
    if np.isnan(value):
        return None
    if np.isinf(value):
        return str(value)
    text = f"{value:.{AMOUNT_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
