"""Reads columns of any type as ids, in the one form that an id has everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError
from domain.ids import LONGEST_ID, fit_id
from events.texts import joined_texts

JOINED_BY = "-"
_PLAIN = r"^[!-~]([ -~]*[!-~])?$"
"""Matches texts that are valid ids as they are, unless too long or a folder name (`.`, `..`)."""
FLOAT_TELLS = 2**53
"""Below it, a 64-bit float can distinguish every whole number from the next one."""
_FLOATS_TELL = {"halffloat": 2**11, "float": 2**24, "double": FLOAT_TELLS}


_SUSPECTS = {
    r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$": "as a spreadsheet writes large numbers (1.2E+11), whose last digits are lost",
    r"^[0-9]+\.0+$": "as a column of numbers with gaps is written (1001.0), which is another id than 1001",
    r"(?i)^(nan|null|none|n/a|undefined|#[a-z/0]+[!?]?)$": "with a word for none, which makes many customers one",
}
"""Patterns of texts that can be ids but hardly ever are."""


@dataclass(frozen=True, slots=True)
class Ids:
    """A column of ids.

    Attributes:
        values: Texts; null if there is none or it does not fit.
        missing: Shape (n,), rows without a value.
        unfit: Shape (n,), rows with a value that cannot be an id.
        why: Returns the reason for an unfit row.
    """

    values: pa.Array
    missing: NDArray[np.bool_]
    unfit: NDArray[np.bool_]
    why: Callable[[int], str]


def is_id_type(kind: pa.DataType) -> bool:
    """Return whether a column type can be read as ids: texts and numbers, but not booleans, moments or containers."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return _is_text(plain) or any(test(plain) for test in tests)


def ids_of(column: pa.Array, name: str) -> Ids:
    r"""Read a column as ids: texts by the rule of `domain.ids`, whole numbers in decimal digits.

    A float that is so large that it may have been another number, or that has a fraction, is no id: files that store
    64-bit integers in such a column have lost the last digits.

    Args:
        column: Column of a type for which `is_id_type` holds.
        name: Name in errors, for example `customer id`.

    Example:
        >>> ids = ids_of(pa.array([1001.0, 2.0**53, 0.5, None]), "customer id")
        >>> ids.values.to_pylist(), ids.unfit.tolist()
        (['1001', None, None, None], [False, True, True, False])
        >>> ids_of(pa.array([" a ", "", "b\x00"]), "customer id").values.to_pylist()
        ['a', None, None]
    """
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    kind = plain.type
    if pa.types.is_floating(kind):
        return _numbers(plain, name, lambda value: _of_float(value, _FLOATS_TELL[str(kind)], str(kind)))
    if pa.types.is_decimal(kind):
        return _numbers(plain, name, _of_decimal)
    texts = plain.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(texts) if _is_text(kind) else texts
    missing = np.asarray(pc.or_kleene(trimmed.is_null(), pc.equal(trimmed, "")).fill_null(True))
    trimmed = pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), trimmed)
    plain_rows = pc.and_(
        pc.match_substring_regex(trimmed, _PLAIN), pc.less_equal(pc.binary_length(trimmed), LONGEST_ID)
    )
    plain_rows = pc.and_(plain_rows, pc.invert(pc.is_in(trimmed, value_set=pa.array([".", ".."]))))
    rows = np.flatnonzero(~np.asarray(plain_rows.fill_null(True)))
    unfit = np.zeros(len(texts), dtype=bool)
    if not len(rows):
        return Ids(trimmed, missing, unfit, _never)
    fitted = [_fitted(text, name) for text in trimmed.take(pa.array(rows)).to_pylist()]
    unfit[rows] = [isinstance(fit, DataError) for fit in fitted]
    whole = np.asarray(trimmed.to_pylist(), dtype=object)
    whole[rows] = [None if isinstance(fit, DataError) else fit for fit in fitted]
    return Ids(pa.array(whole, pa.string()), missing, unfit, lambda row: str(_fitted(texts[row].as_py(), name)))


def suspects_among(ids: pa.Array) -> dict[str, int]:
    """Count ids that were probably damaged in transit, by the form that reveals it.

    Example:
        >>> list(suspects_among(pa.array(["1.23457E+11", "K1", "1001"])).values())
        [1]
    """
    counts = {words: int(pc.sum(pc.match_substring_regex(ids, form)).as_py() or 0) for form, words in _SUSPECTS.items()}
    return {words: count for words, count in counts.items() if count}


def joined_ids(parts: Sequence[Ids], name: str) -> Ids:
    """Join the ids of each row by "-"; a missing part makes the whole missing, an unfit one unfit.

    In a customer id only the last part may contain "-": otherwise `1-2` and `3` would be the same as `1` and `2-3`.
    """
    missing = np.logical_or.reduce([part.missing for part in parts])
    bad = np.logical_or.reduce([part.unfit for part in parts])
    torn = np.zeros_like(bad)
    if name == "customer id":
        for part in parts[:-1]:
            torn |= np.asarray(pc.match_substring(part.values, JOINED_BY).fill_null(False))
    whole = ids_of(joined_texts([part.values for part in parts], JOINED_BY, null=None), name)
    unfit = (bad | torn | whole.unfit) & ~missing

    def why(row: int) -> str:
        for part in parts:
            if part.unfit[row]:
                return part.why(row)
        if torn[row]:
            return (
                f"a part contains '{JOINED_BY}', which joins the parts: {[part.values[row].as_py() for part in parts]}"
            )
        return whole.why(row)

    none = pa.array(missing | unfit)
    return Ids(pc.if_else(none, pa.scalar(None, pa.string()), whole.values), missing, unfit, why)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _numbers(column: pa.Array, name: str, text_of: Callable[[Any], str | DataError]) -> Ids:
    known = cache(text_of)
    values = column.to_pylist()
    missing = np.array([value is None or value != value for value in values], dtype=bool)  # noqa: PLR0124 - not a number
    texts = [None if none else known(value) for value, none in zip(values, missing.tolist(), strict=True)]
    unfit = np.array([isinstance(text, DataError) for text in texts], dtype=bool)
    fitting = pa.array([None if isinstance(text, DataError) else text for text in texts], pa.string())
    return Ids(fitting, missing, unfit, lambda row: f"{name}: {texts[row]}")


def _of_float(value: float, bound: int, kind: str) -> str | DataError:
    if abs(value) >= bound:
        return DataError(
            f"a {kind} cannot tell this id from the next one", got=f"{value:.0f}", expected=f"below {bound}"
        )
    return _of_decimal(Decimal(value))


def _of_decimal(value: Decimal) -> str | DataError:
    whole = int(value)
    return str(whole) if whole == value else DataError("not a whole number", got=str(value), expected="an id")


def _fitted(text: str, name: str) -> str | DataError:
    try:
        return fit_id(text, name)
    except DataError as error:
        return error


def _never(row: int) -> str:
    raise AssertionError(f"row {row} fits")
