"""How parts of an expression are named in errors."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from domain.errors import ExpressionError
from expressions.parsing import shortened
from expressions.types import Boolean, Category, ColumnType, Number

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
