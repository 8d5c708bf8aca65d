import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ExpressionError
from expressions.expression import compile_expression
from expressions.types import Boolean, Category, Number

SCHEMA = {"age": Number(), "rate": Number(), "held": Boolean(), "channel": Category(("app", "web"))}
TEXT = "age >= 18 AND rate < 5 AND NOT held OR channel = 'web'"


def test_customers_and_candidates_broadcast() -> None:
    rule = compile_expression(TEXT, SCHEMA)
    grid = rule.evaluate(
        {
            "age": np.array([[17.0], [30.0], [np.nan]]),
            "rate": np.array([[2.0, 9.0]]),
            "held": np.array([[0.0], [0.0], [0.0]]),
            "channel": np.array([[0.0, 0.0]]),
        }
    )
    np.testing.assert_array_equal(grid, [[0.0, 0.0], [1.0, 0.0], [np.nan, 0.0]])


def test_a_constant_has_no_shape_and_reads_nothing() -> None:
    constant = compile_expression("1 + 2 * 3", SCHEMA)
    assert constant.evaluate({}).shape == ()
    assert constant.names == frozenset()
    assert float(constant.evaluate({})) == 7.0


@given(
    ages=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=30),
    seed=st.integers(0, 1_000),
)
def test_one_row_at_a_time_gives_what_all_rows_give(ages: list[float | None], seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {
        "age": np.array([np.nan if age is None else age for age in ages]),
        "rate": random.choice([1.0, 9.0, np.nan], len(ages)),
        "held": random.choice([0.0, 1.0, np.nan], len(ages)),
        "channel": random.choice([0.0, 1.0, np.nan], len(ages)),
    }
    rule = compile_expression(TEXT, SCHEMA)
    together = rule.evaluate(columns)
    alone = [float(rule.evaluate({name: column[row] for name, column in columns.items()})) for row in range(len(ages))]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(rule.holds(columns), together == 1.0)


def test_the_columns_stay_as_they_are() -> None:
    ages = np.array([17.0, np.nan])
    result = compile_expression("age", SCHEMA).evaluate({"age": ages})
    result[:] = 0.0
    np.testing.assert_array_equal(ages, [17.0, np.nan])


def test_conjuncts_are_the_parts_joined_by_and() -> None:
    rule = compile_expression("(age > 1 AND (rate > 2 AND held)) AND (age > 3 OR held)", SCHEMA)
    assert [part.text for part in rule.conjuncts] == ["age > 1", "rate > 2", "held", "age > 3 OR held"]
    alone = compile_expression("age > 1", SCHEMA)
    assert alone.conjuncts == (alone,)


def test_a_long_chain_of_and_is_not_deep() -> None:
    rule = compile_expression(" AND ".join(["age > 1"] * 700), SCHEMA)
    assert len(rule.conjuncts) == 700
    assert rule.holds({"age": 2.0})


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ExpressionError, match=r"is missing: got no 'rate', expected 'rates'"):
        compile_expression("rate > 1", SCHEMA).evaluate({"rates": np.zeros(1)})


def test_a_number_does_not_hold() -> None:
    with pytest.raises(ExpressionError, match="not a condition"):
        compile_expression("age + 1", SCHEMA).holds({"age": np.zeros(1)})
