import pytest

from expressions.expression import compile_expression
from expressions.types import Boolean, Category, Number

SCHEMA = {
    "age": Number(),
    "income": Number(),
    "held": Boolean(),
    "hardship": Boolean(),
    "stage": Category(("lost", "growth", "mature")),
}
NULL = float("nan")
ROW = {"age": 17.0, "income": NULL, "held": 1.0, "hardship": NULL, "stage": 0.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("age >= 18", "age = 17, needs >= 18"),
        ("18 <= age", "age = 17, needs >= 18"),
        ("NOT age < 18", "age = 17, needs >= 18"),
        ("income >= 3000", "income is unknown, needs >= 3000"),
        ("age BETWEEN 21 AND 74", "age = 17, needs between 21 and 74"),
        ("age = 20", "age = 17, needs 20"),
        ("age <> 17", "age = 17, needs other than 17"),
        ("age NOT IN (16, 17)", "age = 17, needs none of 16, 17"),
        ("stage IN ('growth', 'mature')", "stage = lost, needs one of growth, mature"),
        ("stage = 'growth'", "stage = lost, needs growth"),
        ("NOT held", "held = yes, needs no"),
        ("hardship", "hardship is unknown, needs yes"),
        ("stage IS NULL", "stage = lost, needs to be unknown"),
        ("income IS NOT NULL", "income is unknown, needs to be known"),
        ("age > income", "age = 17, needs > income, which is unknown"),
        ("age * 2 > 100", "age * 2 = 34 (age = 17), needs > 100"),
        ("age > 20 OR hardship", "age > 20 OR hardship does not hold with age = 17, hardship is unknown"),
        ("FALSE", "FALSE never holds"),
    ],
)
def test_a_failure_says_the_value_and_the_need(text: str, reason: str) -> None:
    assert compile_expression(text, SCHEMA).failure(ROW) == reason


def test_the_reason_is_the_smallest_part_that_fails() -> None:
    rule = compile_expression("(age > 20 OR income > 3) AND NOT held AND stage <> 'growth'", SCHEMA)
    assert rule.failure(ROW) == "held = yes, needs no"


def test_a_part_that_holds_is_not_a_reason() -> None:
    assert compile_expression("age > 16 AND income > 3", SCHEMA).failure(ROW) == "income is unknown, needs > 3"


def test_what_holds_has_no_reason() -> None:
    assert compile_expression("age > 16 AND held", SCHEMA).failure(ROW) == ""


def test_a_value_just_below_the_need_is_not_rounded_up_to_it() -> None:
    assert compile_expression("age >= 18", SCHEMA).failure({"age": 17.9999999}) == "age = 17.9999999, needs >= 18"


@pytest.mark.parametrize(
    ("text", "income", "reason"),
    [
        ("0.1 + 0.2 = 0.3", 0.0, "0.1 + 0.2 = 0.30000000000000004, needs 0.3"),
        ("0.3 = 0.1 + 0.2", 0.0, "0.3 = 0.3, needs 0.30000000000000004"),
        ("income = 0.3", 0.1 + 0.2, "income = 0.30000000000000004, needs 0.3"),
        ("income IN (0.3, 7)", 0.1 + 0.2, "income = 0.30000000000000004, needs one of 0.3, 7.0"),
        ("income >= 18", 17.999999999999, "income = 17.999999999999, needs >= 18.0"),
        ("income BETWEEN 18 AND 75", 75.00000000001, "income = 75.00000000001, needs between 18.0 and 75.0"),
        ("income > age", 17.0, "income = 17, needs > age, which is 17"),
    ],
)
def test_the_stated_value_differs_from_the_needed_one(text: str, income: float, reason: str) -> None:
    assert compile_expression(text, SCHEMA).failure({**ROW, "income": income}) == reason
