"""Three-valued logic and comparison. A condition is a pair of masks, TRUE and FALSE; where neither is set it is NULL.

With a pair of masks, every rule of SQL's logic takes one or two mask operations, and NOT costs nothing. NaN compares
as neither less, equal nor greater, which is what NULL requires. Callers that need only where a condition is TRUE, as
rules do, pay for that mask alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from expressions.operand import Columns, Condition, Mask, Truth, Values
from expressions.types import Array

Comparison = Callable[[Values, Values], Condition]


def conjunction(parts: Sequence[Condition]) -> Condition:
    """AND: TRUE where all are, FALSE where any is."""
    trues, falses = [part.true for part in parts], [part.false for part in parts]

    def both(columns: Columns) -> Truth:
        true, false = parts[0].both(columns)
        for part in parts[1:]:
            also_true, also_false = part.both(columns)
            true, false = true & also_true, false | also_false
        return true, false

    return Condition(
        both,
        lambda columns: reduce(np.logical_and, [true(columns) for true in trues]),
        lambda columns: reduce(np.logical_or, [false(columns) for false in falses]),
    )


def disjunction(parts: Sequence[Condition]) -> Condition:
    """OR: TRUE where any is, FALSE where all are."""
    return negation(conjunction([negation(part) for part in parts]))


def negation(part: Condition) -> Condition:
    """NOT: swaps TRUE and FALSE; NULL stays NULL."""

    def both(columns: Columns) -> Truth:
        true, false = part.both(columns)
        return false, true

    return Condition(both, part.false, part.true)


def equal(left: Values, right: Values) -> Condition:
    """`=` of numbers, or of categories with the same values."""

    def both(columns: Columns) -> Truth:
        one, other = left(columns), right(columns)
        return one == other, (one < other) | (one > other)

    def false(columns: Columns) -> Mask:
        return both(columns)[1]

    return Condition(both, lambda columns: left(columns) == right(columns), false)


def less(left: Values, right: Values) -> Condition:
    """`<`."""

    def both(columns: Columns) -> Truth:
        one, other = left(columns), right(columns)
        return one < other, one >= other

    return Condition(
        both, lambda columns: left(columns) < right(columns), lambda columns: left(columns) >= right(columns)
    )


def less_or_equal(left: Values, right: Values) -> Condition:
    """`<=`."""
    return negation(less(right, left))


def same_truth(left: Condition, right: Condition) -> Condition:
    """`=` of two conditions."""

    def both(columns: Columns) -> Truth:
        true, false = left.both(columns)
        other_true, other_false = right.both(columns)
        return (true & other_true) | (false & other_false), (true & other_false) | (false & other_true)

    return Condition.of(both)


def among(values: Values, listed: Sequence[float]) -> Condition:
    """`IN` a list of constants. A NaN in the list is a NULL: the result is then never FALSE."""
    certain = [number for number in listed if not np.isnan(number)]
    has_null = len(certain) < len(listed)

    def both(columns: Columns) -> Truth:
        found = values(columns)
        known = found == found  # noqa: PLR0124  # NaN is the only value that differs from itself
        if not certain:
            return known & False, known & False
        true: Mask = reduce(np.logical_or, [found == number for number in certain])
        return true, known & (true & False if has_null else ~true)

    return Condition.of(both)


def unknown(values: Values) -> Condition:
    """`IS NULL` of a number or category."""

    def both(columns: Columns) -> Truth:
        missing = np.isnan(values(columns))
        return missing, ~missing

    return Condition.of(both)


def undecided(part: Condition) -> Condition:
    """`IS NULL` of a condition."""

    def both(columns: Columns) -> Truth:
        true, false = part.both(columns)
        decided = true | false
        return ~decided, decided

    return Condition.of(both)


def decided_as(part: Condition, answer: bool) -> Condition:
    """`IS TRUE` and `IS FALSE`, which are never NULL."""
    wanted = part.true if answer else part.false

    def both(columns: Columns) -> Truth:
        mask = wanted(columns)
        return mask, ~mask

    return Condition(both, wanted, lambda columns: ~wanted(columns))


def choose(branches: Sequence[tuple[Condition, Values]], otherwise: Values) -> Values:
    """CASE: the value of the first branch whose condition is TRUE."""

    def values(columns: Columns) -> Array:
        chosen = otherwise(columns)
        for condition, value in reversed(branches):
            chosen = np.where(condition.true(columns), value(columns), chosen)
        return chosen

    return values
