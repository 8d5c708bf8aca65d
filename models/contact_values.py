"""Reads single columns of a table of contacts: answers, features, moments and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import DataError
from expressions.types import Array, Boolean, Category, ColumnType, Number

Objects: TypeAlias = NDArray[np.object_]

_MOST_VALUES: Final = 1_000
"""Values of a category that are told apart, the most frequent ones; the rest count as missing."""
_LEAST_ROWS_OF_A_VALUE: Final = 2.0
"""Rows per value below which a text column names rows rather than describing them, and is left out."""
_FEW_VALUES: Final = 50
_YES: Final = frozenset({"1", "1.0", "true", "yes", "y", "t"})
_NO: Final = frozenset({"0", "0.0", "false", "no", "n", "f"})
START: Final = np.datetime64("1970-01-01", "us")
_NOTHING: Final = np.empty(0)


def answers_of(answers: pd.Series, column: str) -> Array:
    """Return 1.0, 0.0 or NaN for every row.

    Raises:
        DataError: A word is neither yes nor no.
    """
    missing = answers.isna().to_numpy()
    words = answers.astype(str).str.strip().str.lower()
    accepted, refused = words.isin(_YES).to_numpy(), words.isin(_NO).to_numpy()
    strange = ~(missing | accepted | refused)
    if strange.any():
        raise DataError(
            f"an answer in column '{column}' is neither yes nor no",
            got=f"{answers[strange].iloc[0]!r} in {int(strange.sum()):,} rows",
            expected="booleans, 0 and 1, or yes and no; nothing where it is not known",
        )
    return np.where(missing, np.nan, accepted.astype(np.float64))


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column as a feature.

    Attributes:
        kind: Its type; None if it cannot be a feature.
        values: Shape (n,); empty without a type.
        reason: Why it is none: "is empty", "is constant".
    """

    kind: ColumnType | None
    values: Array
    reason: str = ""


def read_column(values: pd.Series, column: str, notes: list[str]) -> ReadColumn:
    """Find the type of a column as a feature, and its values; what is noticed is added to the notes."""
    present = values.dropna()
    if not len(present):
        return ReadColumn(None, _NOTHING, "is empty")
    if pd.api.types.is_bool_dtype(present) or set(map(type, present.head(1_000))) <= {bool, np.bool_}:
        kind: ColumnType = Boolean()
    elif (numbers := _numbers(present)) is not None:
        kind, infinite = Number(), int(np.isinf(numbers).sum())
        if infinite:
            notes.append(f"{infinite:,} infinite values of column '{column}' count as missing")
    else:
        category, reason = _category_of(present, column, notes)
        if category is None:
            return ReadColumn(None, _NOTHING, reason)
        kind = category
    found = values_of(values, kind)
    known = found[~np.isnan(found)]
    constant = not len(known) or (len(known) == len(found) and known.min() == known.max())
    return ReadColumn(None, _NOTHING, "is constant") if constant else ReadColumn(kind, found)


def _category_of(present: pd.Series, column: str, notes: list[str]) -> tuple[Category | None, str]:
    try:
        counts = present.astype(str).value_counts()
    except (TypeError, ValueError) as error:
        raise DataError(f"column '{column}' cannot be a feature", got=str(error), remedy="exclude it") from error
    if len(counts) > _FEW_VALUES and len(present) < _LEAST_ROWS_OF_A_VALUE * len(counts):
        return None, f"names rows rather than describing them: {len(counts):,} values in {len(present):,} rows"
    if len(counts) > _MOST_VALUES:
        rest = f"all but the {_MOST_VALUES:,} most frequent count as missing"
        notes.append(f"column '{column}' has {len(counts):,} values; {rest}")
    kept = sorted(counts.index[:_MOST_VALUES])
    note_cases(kept, column, notes)
    return Category(tuple(kept)), ""


def _numbers(present: pd.Series) -> Array | None:
    """Return a column's present values as numbers, moments as days; None if it is not of numbers."""
    if pd.api.types.is_datetime64_any_dtype(present):
        moments = pd.to_datetime(present, utc=True).dt.tz_localize(None)
        days: Array = (moments.to_numpy().astype("datetime64[us]") - START).astype(np.float64) / 86_400e6
        return days
    if pd.api.types.is_timedelta64_dtype(present):
        length: Array = present.dt.total_seconds().to_numpy(np.float64) / 86_400.0
        return length
    if pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_complex_dtype(present):
        numbers: Array = present.to_numpy(np.float64)
        return numbers
    found = pd.to_numeric(present.astype(object), errors="coerce") if present.dtype == object else None
    return None if found is None or found.isna().any() else found.to_numpy(np.float64)


def values_of(values: pd.Series, kind: ColumnType) -> Array:
    """Return a column as numbers: the codes of a category, 1.0 and 0.0 of a yes or no; NaN where there is no value.

    Raises:
        DataError: A value is not of the type.
    """
    present = values.notna().to_numpy()
    result = np.full(len(values), np.nan)
    kept = values[present]
    if isinstance(kind, Category):
        codes = pd.Categorical(kept.astype(str), categories=list(kind.values)).codes.astype(np.float64)
        result[present] = np.where(codes < 0, np.nan, codes)
    elif isinstance(kind, Boolean):
        result[present] = answers_of(kept, str(values.name))
    else:
        numbers = _numbers(kept)
        if numbers is None:
            raise DataError(
                f"column '{values.name}' has another type than in training", got=str(kept.iloc[0]), expected="numbers"
            )
        result[present] = np.where(np.isfinite(numbers), numbers, np.nan)
    return result


def moments_of(frame: pd.DataFrame, column: str | None) -> NDArray[np.datetime64]:
    """Return a column of moments in UTC; numbers are days since 1970.

    Raises:
        DataError: A moment is missing or cannot be read.
    """
    assert column is not None
    values = frame[column]
    if pd.api.types.is_numeric_dtype(values):
        values = pd.Series(START + (values * 86_400e6).round().astype("timedelta64[us]"))
    # pandas would take the precision of the first moment for all, and overflow where a later one is far away
    readable = values if pd.api.types.is_datetime64_any_dtype(values) else values.astype(object)
    moments = pd.to_datetime(readable, utc=True, errors="coerce")
    if moments.isna().any():
        row = int(np.flatnonzero(moments.isna())[0])
        raise DataError(
            f"a moment in column '{column}' is missing or cannot be read",
            got=f"{frame[column].iloc[row]!r} in row {row}, and {int(moments.isna().sum()):,} rows in all",
            expected="times, or numbers of days",
        )
    return moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def texts_of(values: pd.Series, column: str | None) -> Objects:
    """Return a column as texts.

    Raises:
        DataError: A row has none.
    """
    if values.isna().any():
        row = int(np.flatnonzero(values.isna())[0])
        raise DataError(
            f"column '{column}' is missing in some rows",
            got=f"nothing in row {row}, and in {int(values.isna().sum()):,} rows in all",
            expected="a value in every row",
            remedy="drop these rows, or leave the column out",
        )
    texts: Objects = values.astype(str).to_numpy(dtype=object)
    return texts


def texts_or_none(frame: pd.DataFrame, column: str | None) -> Objects:
    """Return a column as texts, None where there is none; all None without the column."""
    if column is None or column not in frame.columns:
        return np.full(len(frame), None, dtype=object)
    values = frame[column]
    texts: Objects = values.astype(str).to_numpy(dtype=object)
    texts[values.isna().to_numpy()] = None
    return texts


def note_cases(values: Sequence[str], column: str, notes: list[str]) -> None:
    """Note values that differ in nothing but case or blanks around them."""
    alike: dict[str, str] = {}
    for value in values:
        other = alike.setdefault(value.strip().lower(), value)
        if other != value:
            notes.append(f"column '{column}' has '{other}' and '{value}', which are taken for two different values")
