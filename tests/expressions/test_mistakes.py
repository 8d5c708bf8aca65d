import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ExpressionError
from expressions.expression import compile_expression
from expressions.types import Boolean, Category, Number

SCHEMA = {
    "age": Number(),
    "spend": Number(),
    "held": Boolean(),
    "stage": Category(("lost", "growth", "mature")),
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agee >= 18", "unknown name: got 'agee', expected 'age' (did you mean it?)"),
        ("AGE >= 18", "unknown name: got 'AGE', expected 'age'"),
        ('stage = "lost"', "write texts in single quotes"),
        ("stage = 'growht'", "unknown value in `stage = 'growht'`: got 'growht', expected 'growth' (did you mean it?)"),
        ("'growht' <> stage", "got 'growht', expected 'growth'"),
        ("stage IN ('lost', 'grow')", "got 'grow', expected 'growth'"),
        ("CASE stage WHEN 'lots' THEN 1 END", "got 'lots', expected 'lost'"),
        ("age = 'young'", "mixes types: got a number and one of young"),
        ("held = 1", "mixes types: got yes or no and a number"),
        ("COALESCE(age, 'x')", "mixes types"),
        ("CASE WHEN held THEN 1 ELSE 'x' END", "mixes types"),
        ("age AND held", "not a condition: got `age`, a number"),
        ("NOT age", "not a condition"),
        ("CASE WHEN age THEN 1 END", "not a condition"),
        ("held + 1", "write CASE WHEN ... THEN 1 ELSE 0 END"),
        ("LN(stage)", "not a number"),
        ("ENTROPY(age, stage)", "not a number"),
        ("ENTROPY()", "the function ENTROPY is not supported here"),
        ("stage < 'lost'", "has no order"),
        ("held < TRUE", "has no order"),
        ("1 < age < 3", "has no order"),
        ("age = NULL", "comparing with NULL is never true: got `age = NULL`, expected IS NULL"),
        ("NULL", "always NULL"),
        ("COALESCE(NULL, NULL)", "always NULL"),
        ("", "an expression is empty"),
        ("   -- only a comment", "an expression is empty"),
        ("age >=", "an expression cannot be read: got `age >=`"),
        ("age IN (1,", "an expression cannot be read"),
        ("(age", "an expression cannot be read"),
        ("'open", "closed quotes"),
        ("age, spend", "an expression cannot be read"),
        ("age AS a", "an expression cannot be read"),
        ("age > 1; DROP TABLE x", "more than one statement"),
        ("SELECT 1", "an expression cannot be read"),
        ("(SELECT 1)", "a query is not supported here"),
        ("age IN (SELECT 1)", "a query is not supported here"),
        ("EXISTS (SELECT 1)", "a query is not supported here"),
        ("age IN ()", "an IN list is empty"),
        ("SUM(age)", "the aggregate SUM is not supported here"),
        ("COUNT(*)", "the aggregate COUNT is not supported here"),
        ("ROW_NUMBER() OVER ()", "not supported here"),
        ("SHOUT(age)", "the function SHOUT is not supported here"),
        ("CAST(age AS INT)", "the function CAST is not supported here"),
        ("stage LIKE 'lo%'", "LIKE is not supported here"),
        ("customers.age > 1", "a name of more than one part is not supported here"),
        ("FLOOR(age, 2)", "not supported here"),
        ("ROUND(age, spend)", "ROUND does not support this number of decimals"),
        ("ROUND(age, 1.5)", "ROUND does not support this number of decimals"),
        ("age > 1e999", "a number is too large"),
        ("(" * 40 + "age" + ")" * 40, "nested too deeply"),
        ("NOT " * 2000 + "held", "nested too deeply"),
        ("+".join(["age"] * 300), "nested too deeply"),
        (
            "age >= 2026-01-01",
            "a date would be read as a calculation: got `2026 - 01 - 01`, which is 2024, expected a num",
        ),
        ("age = 31/1/2026", "a date would be read as a calculation"),
        ("age + (2026-1-31) > 0", "a date would be read as a calculation"),
        ("age BETWEEN 65 AND 18", "nothing is between a number and a smaller one: got `age BETWEEN 65 AND 18`"),
        ("age NOT BETWEEN 2 * 3 AND -1", "nothing is between a number and a smaller one"),
        ("age IN (" + ",".join(["(1)"] * 1500) + ")", "too many parts: got 6003 names, numbers, brackets and signs"),
        ("age" + "[1]" * 1300, "nested too deeply"),
        ("age" + ".b" * 1900, "nested too deeply"),
        ("age" + "::int" * 1900, "nested too deeply"),
        ("age > " + "1" * 20_000, "an expression is too long: got 20006 characters, expected at most 10000"),
    ],
)
def test_a_mistake_is_reported_with_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, SCHEMA)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 800


PIECES = (
    "age spend held stage nobody 'lost' 'x' 1 0.5 1e400 NULL TRUE FALSE + - * / % = <> < <= > >= AND OR NOT IS IN "
    "BETWEEN CASE WHEN THEN ELSE END COALESCE( NULLIF( LEAST( ROUND( LN( SUM( ( ) , ; . :: [ ] { } -> @ ? $1 SELECT "
    "FROM x LIKE INTERVAL DATE \" ' -- /*"
)
WORDS = PIECES.split()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.one_of(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), st.text(max_size=40)))
def test_any_text_compiles_or_is_refused_as_an_expression(text: str) -> None:
    try:
        expression = compile_expression(text, SCHEMA)
    except ExpressionError:
        return
    expression.evaluate(dict.fromkeys(SCHEMA, 0.0))
