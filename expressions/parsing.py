"""Parser of SQL expressions, with limits on what people write or paste."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from domain.errors import ExpressionError

MAXIMUM_CHARACTERS: Final = 10_000
MAXIMUM_TOKENS: Final = 4_000
"""Tokens are names, numbers, brackets and signs."""
MAXIMUM_NESTING: Final = 20
"""Levels of brackets and CASE; the parser takes about 25 of Python's 1,000 stack frames for each level."""

MAXIMUM_DEPTH: Final = 100
"""Levels of the syntax tree, within Python's recursion limit when it is evaluated; an AND or OR chain is one level."""

_FOREIGN: Final = {"==": "= for equal", "&&": "AND", "||": "OR", "!(": "NOT ("}
"""What other languages write, with the SQL for it; DuckDB reads some of it as something else."""
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")

_OPENING: Final = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE)
_CLOSING: Final = (TokenType.R_PAREN, TokenType.END)
"""Square and curly brackets have no meaning here, but many in a row make the parser slow: each counts as a level."""


@lru_cache(maxsize=4096)
def parse(text: str) -> exp.Expr:
    """Parse one SQL expression in DuckDB's dialect.

    A bank's expressions are read several times: for their names, their types and what contradicts them, again for each
    decider. So a tree is kept; whoever gets it must not change it.

    Raises:
        ExpressionError: If it is empty, too long, too deep, more than one, or not SQL.

    Example:
        >>> parse("age >= 18").key
        'gte'
    """
    if len(text) > MAXIMUM_CHARACTERS:
        raise ExpressionError(
            "an expression is too long",
            got=f"{len(text)} characters",
            expected=f"at most {MAXIMUM_CHARACTERS}",
            remedy="define parts of it as derived features",
        )
    try:
        tokens = sqlglot.tokenize(text, dialect="duckdb")
    except TokenError as error:
        raise ExpressionError(
            "an expression cannot be read",
            got=f"`{shortened(text)}`",
            expected="closed quotes and SQL characters",
            remedy=_usual_cause(text),
        ) from error
    if not tokens:
        raise ExpressionError(
            "an expression is empty", got=f"`{shortened(text)}`", expected="a SQL expression such as age >= 18"
        )
    _check_tokens(tokens, text)
    foreign = next((sign for sign in _FOREIGN if sign in _without_quoted(text)), None)
    if foreign is not None:
        raise ExpressionError(
            "an expression is not SQL", got=f"{foreign} in `{shortened(text)}`", expected=_FOREIGN[foreign]
        )
    try:
        return sqlglot.parse_one(text, dialect="duckdb", into=exp.Condition)
    except ParseError as error:
        raise ExpressionError(
            "an expression cannot be read",
            got=f"`{shortened(text)}`{_place(error)}",
            expected="a SQL expression such as age >= 18 AND stage IN ('growth', 'mature')",
            remedy=_usual_cause(text),
        ) from error
    except RecursionError as error:
        raise too_deep(text) from error


def _without_quoted(text: str) -> str:
    return _QUOTED.sub("", text)


def _usual_cause(text: str) -> str | None:
    if text.count("'") % 2:
        return "a quote ' is missing"
    if text.count("(") != text.count(")"):
        return f"a bracket {')' if text.count('(') > text.count(')') else '('} is missing"
    return None


def shortened(text: str) -> str:
    """Shorten a text so that it fits into a message."""
    return text if len(text) <= 120 else f"{text[:117]}..."


def _check_tokens(tokens: list[Token], text: str) -> None:
    if len(tokens) > MAXIMUM_TOKENS:
        raise ExpressionError(
            "an expression has too many parts",
            got=f"{len(tokens)} names, numbers, brackets and signs",
            expected=f"at most {MAXIMUM_TOKENS}",
            remedy="define parts of it as derived features",
        )
    depth = 0
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            raise ExpressionError("more than one statement", got=f"`{shortened(text)}`", expected="one SQL expression")
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > MAXIMUM_NESTING:
            raise too_deep(text)


def too_deep(text: str) -> ExpressionError:
    """Build the error for an expression that is nested too deeply."""
    return ExpressionError(
        "an expression is nested too deeply",
        got=f"`{shortened(text)}`",
        expected=f"at most {MAXIMUM_NESTING} levels of brackets, {MAXIMUM_DEPTH} of operations",
        remedy="define parts of it as derived features",
    )


def _place(error: ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    highlight, column = first.get("highlight"), first.get("col")
    return f" at '{highlight}' (column {column})" if highlight else ""
