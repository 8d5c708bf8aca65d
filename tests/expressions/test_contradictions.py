from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expressions.contradictions import contradiction
from expressions.expression import compile_expression
from expressions.types import Number

BOUNDS = (-2, -1, 0, 1, 2)
comparisons = st.tuples(st.sampled_from(("<", "<=", "=", ">=", ">")), st.sampled_from(BOUNDS), st.booleans())


def condition(parts: list[tuple[str, int, bool]]) -> str:
    return " AND ".join(f"{bound} {sign} a" if turned else f"a {sign} {bound}" for sign, bound, turned in parts)


@given(st.lists(comparisons, min_size=1, max_size=5))
def test_exactly_the_comparisons_of_one_column_that_no_number_meets_are_found(
    parts: list[tuple[str, int, bool]],
) -> None:
    text = condition(parts)
    # every interval between the bounds, the bounds, and both sides
    values = np.arange(-3.0, 3.25, 0.25)
    possible = bool(compile_expression(text, {"a": Number()}).holds({"a": values}).any())
    assert (contradiction(text) is None) is possible, text


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("age >= 18 AND age < 10", "age"),
        ("(age BETWEEN 30 AND 20)", "age"),
        ("stage = 'lost' AND stage IN ('growth', 'mature')", "stage"),
        ("age >= 18 OR age < 10", None),
        ("NOT (age >= 18 AND age < 10)", None),
        ("age + 1 >= 18 AND age < 10", None),
        ("age >= limit AND age < 10", None),
        ("age > -5 AND age < -3", None),
    ],
)
def test_only_conjunctions_of_comparisons_with_constants_are_looked_at(text: str, column: str | None) -> None:
    assert contradiction(text) == column
