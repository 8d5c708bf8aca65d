"""Request fields: what a channel sends about the moment of a request, validated and encoded as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from decisioning.policies.symbol_table import REQUEST
from domain.errors import DataError, nearest
from expressions.types import Array, Boolean, Category, Number, Schema

Said = str | float | bool | None
"""Value of one request field."""


def request_columns(requests: Sequence[Mapping[str, Said]], schema: Schema) -> dict[str, Array]:
    """Build a column for every declared request field; NULL where a request does not have it.

    Args:
        requests: One request for each customer, or one for all: field name as in events.yaml -> category name, number
            or Boolean.
        schema: `SymbolTable.request`: types by the names that expressions use.

    Raises:
        DataError: If a field is not declared, or a value is not of its type.

    Example:
        >>> declared = {"request_intent": Category(("browse", "borrow")), "request_amount": Number()}
        >>> request_columns([{"intent": "borrow"}], declared)
        {'request_intent': array([1.]), 'request_amount': array([nan])}
    """
    for request in requests:
        for name in request:
            if REQUEST + name not in schema:
                known = [declared.removeprefix(REQUEST) for declared in schema]
                raise DataError(
                    "a request has a field that the bank does not declare",
                    got=f"'{name}'",
                    expected=nearest(name, known),
                    remedy="declare it under `request` in events.yaml, or leave it out",
                )
    columns = {}
    for name, kind in schema.items():
        word = name.removeprefix(REQUEST)
        columns[name] = np.array(
            [number_of(word, request.get(word), kind, of=" of a request") for request in requests], dtype=np.float64
        )
    return columns


def number_of(name: str, value: Said, kind: Category | Boolean | Number, of: str = "") -> float:
    """Encode a value as a number, NaN for None.

    Args:
        name: Name for the error message.
        value: Value as people write it.
        kind: Expected type.
        of: Suffix for the name in the error message, such as " of a request".

    Raises:
        DataError: If the value is not of the type.

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
    raise DataError(f"'{name}'{of} has an invalid value", got=f"'{value}'", expected=expected)
