"""What a channel says of the moment in which it asks, checked and laid out as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from decisioning.policies.symbol_table import REQUEST
from domain.errors import DataError, nearest
from expressions.types import Array, Boolean, Category, Number, Schema

Said = str | float | bool | None
"""One word of a request."""


def request_columns(requests: Sequence[Mapping[str, Said]], schema: Schema) -> dict[str, Array]:
    """Make a column of every word of a request that the bank declares; NULL where it was not said.

    Args:
        requests: Of each customer, or one for all: name as in events.yaml -> category's name, number or truth.
        schema: Of `SymbolTable.request`: names as expressions write them.

    Raises:
        DataError: A name is not declared, or a value is none of its type.

    Example:
        >>> declared = {"request_intent": Category(("browse", "borrow")), "request_amount": Number()}
        >>> request_columns([{"intent": "borrow"}], declared)
        {'request_intent': array([1.]), 'request_amount': array([nan])}
    """
    for said in requests:
        for name in said:
            if REQUEST + name not in schema:
                known = [declared.removeprefix(REQUEST) for declared in schema]
                raise DataError(
                    "a request says something that the bank does not declare",
                    got=f"'{name}'",
                    expected=nearest(name, known),
                    remedy="declare it under `request` in events.yaml, or leave it out",
                )
    columns = {}
    for name, kind in schema.items():
        word = name.removeprefix(REQUEST)
        columns[name] = np.array(
            [number_of(word, said.get(word), kind, of=" of a request") for said in requests], dtype=np.float64
        )
    return columns


def number_of(name: str, value: Said, kind: Category | Boolean | Number, of: str = "") -> float:
    """Give a value as columns hold it, NaN for none.

    Args:
        name: As the error tells it.
        value: As people write it.
        kind: What it has to be.
        of: Whose it is, as the error tells it.

    Raises:
        DataError: It is none of its type.

    Example:
        >>> number_of("region", "south", Category(("north", "south"))), number_of("adult", True, Boolean())
        (1.0, 1.0)
    """
    if value is None:
        return float("nan")
    match kind:
        case Category(values):
            if isinstance(value, str) and value in values:
                return kind.code(value)
            expected = nearest(str(value), values)
        case Boolean():
            if isinstance(value, bool):
                return float(value)
            expected = "true or false"
        case Number():
            if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
                return float(value)
            expected = "a finite number"
    raise DataError(f"'{name}'{of} has no such value", got=f"'{value}'", expected=expected)
