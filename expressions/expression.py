"""SQL expressions over named columns; the same text works for one customer, a partition, or a whole bank."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlglot import exp

from domain.errors import ExpressionError, nearest
from expressions.compiler import Compiler, flattened
from expressions.explain import Reason, Row, described, reason, sql
from expressions.operand import Columns, Mask, Operand
from expressions.parsing import parse, shortened, too_deep
from expressions.types import Array, Boolean, ColumnType, Schema


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        text: The expression as it was written; a part of an expression as SQL.
        type: Type of its values.
        names: Columns it reads.
    """

    text: str
    type: ColumnType
    names: frozenset[str]
    _compiled: Operand = field(repr=False, compare=False)
    _parts: tuple[Expression, ...] = field(repr=False, compare=False)
    _reason: Reason | None = field(repr=False, compare=False)

    def evaluate(self, columns: Columns) -> Array:
        """Compute the values.

        Args:
            columns: At least `names`, in shapes that numpy can broadcast: (n,), or (n, 1) and (1, m).

        Returns:
            float64 in the shape that the columns it reads broadcast to (a constant has shape ()); NULL is NaN. A
            division by zero, a logarithm of a number that is not positive, and any infinite result is NULL.

        Raises:
            ExpressionError: If a column is missing.

        Example:
            >>> from expressions.types import Number
            >>> age = compile_expression("2026 - birth_year", {"birth_year": Number()})
            >>> age.evaluate({"birth_year": np.array([1990.0, np.nan])})
            array([36., nan])
        """
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self.values(columns), dtype=np.float64)
        except KeyError as error:
            raise self._missing(columns) from error

    def holds(self, columns: Columns) -> Mask:
        """Tell where the condition is TRUE; NULL counts as FALSE.

        Raises:
            ExpressionError: If it is not a condition, or a column is missing.

        Example:
            >>> from expressions.types import Number
            >>> adult = compile_expression("age >= 18", {"age": Number()})
            >>> adult.holds({"age": np.array([17.0, 18.0, np.nan])})
            array([False,  True, False])
        """
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self.truth(columns), dtype=np.bool_)
        except KeyError as error:
            raise self._missing(columns) from error

    def values(self, columns: Columns) -> Any:
        """Compute the values as they come: columns may be symbols (`expressions.symbols`), and are not converted."""
        return self._compiled.values(columns)

    def truth(self, columns: Columns) -> Any:
        """Compute where the condition is TRUE as it comes; see `values`.

        Raises:
            ExpressionError: If it is not a condition.
        """
        if self._compiled.truth is None:
            raise self._not_a_condition()
        return self._compiled.truth.true(columns)

    @property
    def conjuncts(self) -> tuple[Expression, ...]:
        """The parts joined by AND at the top, in order; only the expression itself if there is no AND."""
        return self._parts or (self,)

    def failure(self, row: Row) -> str:
        """Explain why the condition does not hold for one row: its smallest conjunct that is not TRUE, with values.

        Args:
            row: At least `names`; NaN is NULL.

        Returns:
            A clause such as "age = 17, needs >= 18"; empty if the condition holds.

        Raises:
            ExpressionError: If it is not a condition, or a column is missing.

        Example:
            >>> from expressions.types import Number
            >>> rule = compile_expression("age BETWEEN 21 AND 74 AND inflow >= 3000",
            ...                           {"age": Number(), "inflow": Number()})
            >>> rule.failure({"age": 40.0, "inflow": float("nan")})
            'inflow is unknown, needs >= 3000'
        """
        return "" if self.holds(row) else self.why_not(row)

    def why_not(self, row: Row) -> str:
        """Explain as `failure` does, for a row for which the condition is known not to hold."""
        if self._parts:
            failed = (part for part in self._parts if not part.holds(row))
            return min(failed, key=lambda part: len(part.names)).why_not(row)
        assert self._reason is not None, "only conditions can fail to hold"
        return self._reason(row)

    def _missing(self, columns: Columns) -> ExpressionError:
        name = min(self.names - set(columns))
        return ExpressionError(
            f"a column that `{shortened(self.text)}` reads is missing",
            got=f"no '{name}'",
            expected=nearest(name, columns),
        )

    def _not_a_condition(self) -> ExpressionError:
        return ExpressionError(
            f"`{shortened(self.text)}` is not a condition", got=described(self.type), expected="yes or no"
        )


def compile_expression(text: str, schema: Schema) -> Expression:
    """Parse and check an expression once, so that it can be evaluated many times.

    Args:
        text: SQL in DuckDB's dialect: literals, names, arithmetic, comparison, three-valued logic, IN, BETWEEN, CASE,
            COALESCE, NULLIF, LEAST, GREATEST and functions of numbers. Texts exist only as values of categories.
        schema: Type of every column it may read.

    Raises:
        ExpressionError: If it cannot be parsed, a name is unknown, or types do not match.

    Example:
        >>> from expressions.types import Category
        >>> stage = Category(("growth", "mature", "lost"))
        >>> rule = compile_expression("stage IN ('growth', 'mature')", {"stage": stage})
        >>> rule.type, sorted(rule.names), rule.evaluate({"stage": np.array([0.0, 2.0])}).tolist()
        (Boolean(), ['stage'], [1.0, 0.0])
    """
    try:
        return _expression(text, parse(text), Compiler(text, schema), schema)
    except RecursionError as error:  # thousands of levels of an unsupported construct, rendered for its error message
        raise too_deep(text) from error


def _expression(text: str, tree: exp.Expr, compiler: Compiler, schema: Schema) -> Expression:
    compiled = compiler.compile(tree)
    if compiled.type is None:
        raise ExpressionError("always NULL", got=f"`{shortened(text)}`", expected="something that has a value")
    condition = isinstance(compiled.type, Boolean)
    whole = tree.unnest()
    parts: tuple[Expression, ...] = ()
    if isinstance(whole, exp.And):
        parts = tuple(_expression(sql(part), part, compiler, schema) for part in flattened(whole, exp.And))
    sentence = reason(tree, compiler.compile, schema) if condition and not parts else None
    return Expression(text, compiled.type, compiled.names, compiled, parts, sentence)
