import numpy as np
import pytest

from expressions.expression import compile_expression
from expressions.types import Boolean, Category, Number

TRUE, FALSE, NULL = 1.0, 0.0, float("nan")
SCHEMA = {"p": Boolean(), "q": Boolean(), "x": Number(), "stage": Category(("growth", "lost"))}


def value(text: str, **row: float) -> float:
    return float(compile_expression(text, SCHEMA).evaluate(row))


@pytest.mark.parametrize(
    ("p", "q", "both", "either"),
    [
        (TRUE, TRUE, TRUE, TRUE),
        (TRUE, FALSE, FALSE, TRUE),
        (TRUE, NULL, NULL, TRUE),
        (FALSE, FALSE, FALSE, FALSE),
        (FALSE, NULL, FALSE, NULL),
        (NULL, NULL, NULL, NULL),
    ],
)
def test_and_and_or_follow_the_table_of_three_values(p: float, q: float, both: float, either: float) -> None:
    for one, other in ((p, q), (q, p)):
        assert value("p AND q", p=one, q=other) == pytest.approx(both, nan_ok=True)
        assert value("p OR q", p=one, q=other) == pytest.approx(either, nan_ok=True)


def test_not_of_null_is_null() -> None:
    assert np.isnan(value("NOT p", p=NULL))
    assert value("NOT p", p=FALSE) == TRUE


def test_null_never_holds() -> None:
    assert not compile_expression("x > 1", SCHEMA).holds({"x": NULL})
    assert not compile_expression("NOT x > 1", SCHEMA).holds({"x": NULL})


@pytest.mark.parametrize(
    "text",
    [
        "x / 0",
        "x % 0",
        "LN(0 * x)",
        "LN(-x)",
        "SQRT(-x)",
        "EXP(x * 1000)",
        "x * 1e308 * 10",
        "POWER(x - x, -1)",
        "POWER(-x, 0.5)",
        "-(1e308 * x * 10)",
        "1e308 * 100 - 1e308 * 100 + x",
    ],
)
def test_what_has_no_finite_value_is_null(text: str) -> None:
    assert np.isnan(value(text, x=7.0))


def test_an_overflow_does_not_pass_a_comparison() -> None:
    assert np.isnan(value("x * 1e308 > 5", x=1e10))


@pytest.mark.parametrize("infinite", [float("inf"), float("-inf")])
def test_an_infinite_column_is_null(infinite: float) -> None:
    assert value("x IS NULL", x=infinite) == TRUE
    assert np.isnan(value("x > 1", x=infinite))


def test_least_and_greatest_ignore_null() -> None:
    assert value("LEAST(x, 3, NULL)", x=NULL) == 3.0
    assert np.isnan(value("GREATEST(x, NULL)", x=NULL))


@pytest.mark.parametrize(("x", "bits"), [(0.0, 0.0), (6.0, 1.0), (2.0, 0.8112781244591328)])
def test_entropy_is_how_mixed_the_parts_are(x: float, bits: float) -> None:
    assert value("ENTROPY(x, 6, 0)", x=x) == pytest.approx(bits)
    assert value("ENTROPY(1, 1, 1, 1)") == 2.0


@pytest.mark.parametrize("text", ["ENTROPY(x, 0)", "ENTROPY(-1, x + 2)", "ENTROPY(1, NULL)", "ENTROPY(x / 0, 1)"])
def test_entropy_of_nothing_unknown_or_negative_is_null(text: str) -> None:
    assert np.isnan(value(text, x=0.0))


def test_halves_are_rounded_away_from_zero() -> None:
    expression = compile_expression("ROUND(x)", SCHEMA)
    rounded = expression.evaluate({"x": np.array([0.5, 1.5, 2.5, -2.5, 0.49999999999999994])})
    assert rounded.tolist() == [1.0, 2.0, 3.0, -3.0, 0.0]


def test_categories_of_different_order_are_compared_by_name() -> None:
    schema = {"stage": Category(("growth", "lost")), "previous": Category(("lost", "dormant", "growth"))}
    same = compile_expression("stage = previous", schema)
    assert same.evaluate({"stage": np.array([0.0, 1.0, 0.0]), "previous": np.array([2.0, 0.0, 1.0])}).tolist() == [
        1,
        1,
        0,
    ]


def test_a_case_of_texts_is_a_category_in_order_of_appearance() -> None:
    band = compile_expression("CASE WHEN x < 30 THEN 'young' WHEN x < 60 THEN 'middle' ELSE 'senior' END", SCHEMA)
    assert band.type == Category(("young", "middle", "senior"))
    assert band.evaluate({"x": np.array([70.0, 20.0, NULL])}).tolist() == [2.0, 0.0, 2.0]


def test_a_text_beside_a_category_keeps_the_order_of_appearance() -> None:
    assert compile_expression("CASE WHEN p THEN 'none' ELSE stage END", SCHEMA).type == Category(
        ("none", "growth", "lost")
    )
