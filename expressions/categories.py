"""Operations on categories. Values are matched by name; positions in one category are translated to another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from domain.errors import ExpressionError, nearest
from expressions.operand import Columns, Operand, Values
from expressions.types import Array, Category


def merged(categories: Iterable[Category]) -> Category:
    """Combine the values of several categories, in order of appearance.

    Example:
        >>> merged([Category(("low", "high")), Category(("none", "low"))])
        Category(values=('low', 'high', 'none'))
    """
    return Category(tuple(dict.fromkeys(value for kind in categories for value in kind.values)))


def translated(operand: Operand, target: Category) -> Values:
    """Compute an operand's values as positions in `target`; a bare NULL stays NULL."""
    values, source = operand.values, operand.type
    if not isinstance(source, Category) or target.values[: len(source.values)] == source.values:
        return values
    moved = [(code, target.code(value)) for code, value in enumerate(source.values) if target.code(value) != code]
    if operand.is_constant:
        known = np.array(dict(moved).get(int(values({})), values({})))
        return lambda _: known

    def translate(columns: Columns) -> Array:
        codes = found = values(columns)
        for code, position in moved:
            found = np.where(codes == code, position, found)
        return found

    return translate


def check_literal(literal: Operand, other: Operand, text: Callable[[], str]) -> None:
    """Refuse a text literal that is not a value of the category it is compared with.

    Raises:
        ExpressionError: If it is not; the error names the nearest value.
    """
    if literal.literal is None or other.literal is not None or not isinstance(other.type, Category):
        return
    if literal.literal not in other.type.values:
        raise ExpressionError(
            f"unknown value in {text()}",
            got=f"'{literal.literal}'",
            expected=nearest(literal.literal, other.type.values),
        )
