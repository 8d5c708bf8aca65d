"""Three-valued logic and comparison. A condition is a pair of masks, TRUE and FALSE; where neither is set it is NULL.

With pairs every rule of SQL's logic is one or two mask operations and NOT costs nothing; NaN compares as neither
less, equal nor greater, which is just what NULL asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from expressions.operand import Columns, Mask, Truth, TruthOf, Values
from expressions.types import Array

Comparison = Callable[[Values, Values], TruthOf]


def conjunction(parts: Sequence[TruthOf]) -> TruthOf:
    """AND: TRUE where all are, FALSE where any is."""

    def truth(columns: Columns) -> Truth:
        true, false = parts[0](columns)
        for part in parts[1:]:
            also_true, also_false = part(columns)
            true, false = true & also_true, false | also_false
        return true, false

    return truth


def disjunction(parts: Sequence[TruthOf]) -> TruthOf:
    """OR: TRUE where any is, FALSE where all are."""

    def truth(columns: Columns) -> Truth:
        true, false = parts[0](columns)
        for part in parts[1:]:
            also_true, also_false = part(columns)
            true, false = true | also_true, false & also_false
        return true, false

    return truth


def negation(part: TruthOf) -> TruthOf:
    """NOT: TRUE and FALSE change places, NULL stays."""

    def truth(columns: Columns) -> Truth:
        true, false = part(columns)
        return false, true

    return truth


def equal(left: Values, right: Values) -> TruthOf:
    """`=` of numbers, or of categories with the same values."""

    def truth(columns: Columns) -> Truth:
        one, other = left(columns), right(columns)
        return one == other, (one < other) | (one > other)

    return truth


def less(left: Values, right: Values) -> TruthOf:
    """`<`."""

    def truth(columns: Columns) -> Truth:
        one, other = left(columns), right(columns)
        return one < other, one >= other

    return truth


def less_or_equal(left: Values, right: Values) -> TruthOf:
    """`<=`."""

    def truth(columns: Columns) -> Truth:
        one, other = left(columns), right(columns)
        return one <= other, one > other

    return truth


def same_truth(left: TruthOf, right: TruthOf) -> TruthOf:
    """`=` of two conditions."""

    def truth(columns: Columns) -> Truth:
        true, false = left(columns)
        other_true, other_false = right(columns)
        return (true & other_true) | (false & other_false), (true & other_false) | (false & other_true)

    return truth


def among(values: Values, listed: Sequence[float]) -> TruthOf:
    """`IN` a list of constants; a NaN in the list is a NULL, after which nothing is certainly not in it."""
    certain = [number for number in listed if not np.isnan(number)]
    has_null = len(certain) < len(listed)

    def truth(columns: Columns) -> Truth:
        found = values(columns)
        known = found == found  # noqa: PLR0124  # NaN is the one value that differs from itself
        if not certain:
            return known & False, known & False
        true: Mask = reduce(np.logical_or, [found == number for number in certain])
        return true, known & (true & False if has_null else ~true)

    return truth


def unknown(values: Values) -> TruthOf:
    """`IS NULL` of a number or category."""

    def truth(columns: Columns) -> Truth:
        missing = np.isnan(values(columns))
        return missing, ~missing

    return truth


def undecided(part: TruthOf) -> TruthOf:
    """`IS NULL` of a condition."""

    def truth(columns: Columns) -> Truth:
        true, false = part(columns)
        decided = true | false
        return ~decided, decided

    return truth


def decided_as(part: TruthOf, answer: bool) -> TruthOf:
    """`IS TRUE` and `IS FALSE`, which are never NULL."""

    def truth(columns: Columns) -> Truth:
        mask = part(columns)[0 if answer else 1]
        return mask, ~mask

    return truth


def choose(branches: Sequence[tuple[TruthOf, Values]], otherwise: Values) -> Values:
    """CASE: the value of the first branch whose condition is TRUE."""

    def values(columns: Columns) -> Array:
        chosen = otherwise(columns)
        for condition, value in reversed(branches):
            chosen = np.where(condition(columns)[0], value(columns), chosen)
        return chosen

    return values
