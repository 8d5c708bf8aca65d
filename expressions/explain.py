"""Names parts of an expression, and explains why a condition did not hold: "age = 17, needs >= 18"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from sqlglot import exp

from domain.errors import ExpressionError
from expressions.operand import Operand
from expressions.parsing import shortened
from expressions.types import Boolean, Category, ColumnType, Number, Schema

SUPPORTED: Final = (
    "numbers, texts, TRUE, FALSE, NULL, names, + - * / %, = <> < <= > >=, AND, OR, NOT, IS NULL, IN, BETWEEN, CASE, "
    "COALESCE, NULLIF, LEAST, GREATEST, ABS, LN, EXP, SQRT, ROUND, FLOOR, CEIL, POWER, ENTROPY"
)


def described(kind: ColumnType | None) -> str:
    """Describe a type in words.

    Example:
        >>> described(Category(("low", "high")))
        'one of low, high'
    """
    match kind:
        case Number():
            return "a number"
        case Boolean():
            return "yes or no"
        case Category(values):
            return f"one of {', '.join(values[:6])}{', ...' if len(values) > 6 else ''}"
        case None:
            return "NULL"


def sql(node: exp.Expr) -> str:
    """Render a part as SQL, without comments."""
    return str(node.sql(dialect="duckdb", comments=False))


def quoted(node: exp.Expr) -> str:
    """Render a part as SQL in backquotes, shortened so that it fits into a message."""
    return f"`{shortened(sql(node))}`"


def unsupported(node: exp.Expr) -> ExpressionError:
    """Build the error for a construct that the language does not have."""
    return ExpressionError(f"{_construct(node)} is not supported here", got=quoted(node), expected=SUPPORTED)


def _construct(node: exp.Expr) -> str:
    if isinstance(node, exp.Query | exp.Exists | exp.In):
        return "a query"
    if isinstance(node, exp.Column):
        return "a name of more than one part"
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.this).upper()}"
    if isinstance(node, exp.AggFunc):
        return f"the aggregate {node.sql_name()}"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name()}"
    return str(node.key).upper()


Row = Mapping[str, float]
Reason = Callable[[Row], str]
Compile = Callable[[exp.Expr], Operand]
Words = Callable[[float, ColumnType | None], str]
Need = Callable[[Row, Words], str]

OPERATORS: Final = {
    exp.EQ: "",
    exp.NEQ: "other than ",
    exp.LT: "< ",
    exp.LTE: "<= ",
    exp.GT: "> ",
    exp.GTE: ">= ",
}
OPPOSITES: Final = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}
MIRRORED: Final = {exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.GTE: exp.LTE}


def reason(node: exp.Expr, compile_part: Compile, schema: Schema) -> Reason:
    """Prepare a function that explains for one row why the condition did not hold.

    Args:
        node: The condition.
        compile_part: Compiles a part of it.
        schema: Types of the columns it reads.
    """
    condition, holds = _without_not(node)
    needed = _needed(condition, holds, compile_part)
    if needed is None:
        return _whole(node, schema, compile_part(node).names)
    subject, need, against = needed
    left = compile_part(subject)
    details = None if isinstance(subject, exp.Column) or not left.names else _listed(schema, left.names)
    subject_sql = sql(subject)  # once: rendering a tree takes longer than filling the sentence

    def sentence(row: Row) -> str:
        with np.errstate(all="ignore"):
            value = float(left.values(row))
            others = [float(part.values(row)) for part in against]
        words = in_words
        if any(value != other and in_words(value, left.type) == in_words(other, left.type) for other in others):
            words = _to_the_last_digit
        because = f" ({details(row)})" if details else ""
        return f"{_stated(subject_sql, value, left.type, words)}{because}, needs {need(row, words)}"

    return sentence


def in_words(value: float, kind: ColumnType | None) -> str:
    """Describe a value: a number, yes or no, or the name of a category.

    Example:
        >>> in_words(1.0, Category(("low", "high"))), in_words(0.0, Boolean()), in_words(float("nan"), Boolean())
        ('high', 'no', 'unknown')
    """
    if value != value:  # noqa: PLR0124  NaN
        return "unknown"
    match kind:
        case Boolean():
            return "yes" if value == 1.0 else "no"
        case Category(values):
            return values[int(value)]
        case _:
            return f"{value:.10g}"


def _to_the_last_digit(value: float, kind: ColumnType | None) -> str:
    """Describe a number with all its digits, so that it differs from every other number."""
    return repr(value) if isinstance(kind, Number) and not np.isnan(value) else in_words(value, kind)


def _without_not(node: exp.Expr) -> tuple[exp.Expr, bool]:
    holds = True
    node = node.unnest()
    while isinstance(node, exp.Not):
        node, holds = node.this.unnest(), not holds
    return node, holds


def _needed(node: exp.Expr, holds: bool, compile_part: Compile) -> tuple[exp.Expr, Need, Sequence[Operand]] | None:
    """Split a condition into its subject, the need in words, and what it compares with; None if it is too complex."""
    no = "" if holds else "not "
    match node:
        case exp.Column():
            return node, _fixed("yes" if holds else "no"), ()
        case exp.Is() if isinstance(node.expression, exp.Null):
            return node.this, _fixed("to be unknown" if holds else "to be known"), ()
        case exp.Between():
            low, high = (compile_part(node.args[key]) for key in ("low", "high"))
            bounds = (_value_of(low), _value_of(high))
            return (
                node.this,
                lambda row, words: f"{no}between {bounds[0](row, words)} and {bounds[1](row, words)}",
                (low, high),
            )
        case exp.In():
            items = [compile_part(item) for item in node.expressions]
            listed = [_value_of(item) for item in items]
            one_of = "one of" if holds else "none of"
            return node.this, lambda row, words: f"{one_of} {', '.join(item(row, words) for item in listed)}", items
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _comparison(node, holds, compile_part)
        case _:
            return None


def _comparison(node: exp.Binary, holds: bool, compile_part: Compile) -> tuple[exp.Expr, Need, Sequence[Operand]]:
    subject, against = node.this, node.expression
    operator = type(node) if holds else OPPOSITES[type(node)]
    if compile_part(subject).is_constant and not compile_part(against).is_constant:
        subject, against, operator = against, subject, MIRRORED[operator]
    needed, symbol = compile_part(against), OPERATORS[operator]
    value = _value_of(needed)
    if needed.is_constant:
        return subject, lambda row, words: f"{symbol}{value(row, words)}", (needed,)
    text = sql(against)
    return subject, lambda row, words: f"{symbol}{text}, which is {value(row, words)}", (needed,)


def _value_of(part: Operand) -> Need:
    if part.is_constant:
        constant = float(part.values({}))
        return lambda row, words: words(constant, part.type)

    def value_in_words(row: Row, words: Words) -> str:
        with np.errstate(all="ignore"):
            return words(float(part.values(row)), part.type)

    return value_in_words


def _fixed(text: str) -> Need:
    return lambda row, words: text


def _whole(node: exp.Expr, schema: Schema, names: frozenset[str]) -> Reason:
    text, values = sql(node), _listed(schema, names)
    if not names:
        return lambda row: f"{text} never holds"
    return lambda row: f"{text} does not hold with {values(row)}"


def _listed(schema: Schema, names: frozenset[str]) -> Reason:
    ordered = sorted(names)
    return lambda row: ", ".join(_stated(name, float(row[name]), schema[name]) for name in ordered)


def _stated(name: str, value: float, kind: ColumnType | None, words: Words = in_words) -> str:
    text = words(value, kind)
    return f"{name} is unknown" if text == "unknown" else f"{name} = {text}"
