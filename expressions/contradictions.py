"""Finds conditions that can never hold, because parts joined by AND ask for values of a column that no value has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from expressions.compiler import flattened
from expressions.parsing import parse


@dataclass(slots=True)
class _Allowed:
    """Values of one column that all parts read so far allow: an interval of numbers, or a set of texts.

    Attributes:
        low: Lower bound.
        high: Upper bound.
        without_low: Whether the lower bound itself is excluded.
        without_high: Whether the upper bound itself is excluded.
        texts: Allowed texts; None while any is allowed.
    """

    low: float = -math.inf
    high: float = math.inf
    without_low: bool = False
    without_high: bool = False
    texts: frozenset[str] | None = None

    def at_least(self, bound: float, *, excluded: bool = False) -> None:
        self.low, self.without_low = max((self.low, self.without_low), (bound, excluded))

    def at_most(self, bound: float, *, excluded: bool = False) -> None:
        if (-bound, excluded) > (-self.high, self.without_high):
            self.high, self.without_high = bound, excluded

    def one_of(self, texts: frozenset[str]) -> None:
        self.texts = texts if self.texts is None else self.texts & texts

    @property
    def is_empty(self) -> bool:
        if self.texts is not None and not self.texts:
            return True
        return self.low > self.high or (self.low == self.high and (self.without_low or self.without_high))


_BOUNDS: Final[Mapping[type[exp.Expr], Callable[[_Allowed, float], None]]] = {
    exp.GTE: lambda allowed, bound: allowed.at_least(bound),
    exp.GT: lambda allowed, bound: allowed.at_least(bound, excluded=True),
    exp.LTE: lambda allowed, bound: allowed.at_most(bound),
    exp.LT: lambda allowed, bound: allowed.at_most(bound, excluded=True),
}
_TURNED: Final[Mapping[type[exp.Expr], type[exp.Expr]]] = {
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
    exp.EQ: exp.EQ,
}
"""The comparison that says the same with its sides exchanged."""


def contradiction(text: str) -> str | None:
    """Return the column of which a condition asks the impossible; None if none is found.

    Only comparisons of one column with constants, joined by AND, are looked at: a condition that never holds for
    another reason is not found, and one that can hold is never reported.

    Args:
        text: A condition that compiles.

    Example:
        >>> contradiction("age >= 18 AND age < 10"), contradiction("age >= 18 AND age < 60")
        ('age', None)
        >>> contradiction("stage = 'lost' AND balance > 0 AND stage IN ('growth', 'mature')")
        'stage'
    """
    columns: dict[str, _Allowed] = {}
    for part in flattened(parse(text), exp.And):
        _restrict(part, columns)
    return next((name for name, allowed in columns.items() if allowed.is_empty), None)


def _restrict(part: exp.Expr, columns: dict[str, _Allowed]) -> None:
    kind, left = type(part), part.this
    if isinstance(part, exp.Between) and isinstance(left, exp.Column):
        low, high = _number(part.args["low"]), _number(part.args["high"])
        allowed = columns.setdefault(left.name, _Allowed())
        if low is not None:
            allowed.at_least(low)
        if high is not None:
            allowed.at_most(high)
    elif isinstance(part, exp.In) and isinstance(left, exp.Column):
        texts = [_text(item) for item in part.expressions]
        if all(text is not None for text in texts):
            columns.setdefault(left.name, _Allowed()).one_of(frozenset(text for text in texts if text is not None))
    elif kind in _TURNED:
        right = part.expression
        if isinstance(right, exp.Column) and not isinstance(left, exp.Column):
            kind, left, right = _TURNED[kind], right, left
        if isinstance(left, exp.Column):
            _compare(kind, right, columns.setdefault(left.name, _Allowed()))


def _compare(kind: type[exp.Expr], right: exp.Expr, allowed: _Allowed) -> None:
    number, text = _number(right), _text(right)
    if kind is exp.EQ:
        if number is not None:
            allowed.at_least(number)
            allowed.at_most(number)
        elif text is not None:
            allowed.one_of(frozenset([text]))
    elif number is not None:
        _BOUNDS[kind](allowed, number)


def _number(node: exp.Expr) -> float | None:
    sign = 1.0
    node = node.unnest()
    while isinstance(node, exp.Neg):
        sign, node = -sign, node.this.unnest()
    if isinstance(node, exp.Literal) and not node.is_string:
        return sign * float(node.this)
    return None


def _text(node: exp.Expr) -> str | None:
    node = node.unnest()
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None
