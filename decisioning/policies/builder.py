"""Compiles the expressions of a policy and collects the problems found."""

from __future__ import annotations

import numpy as np

from decisioning.policies.candidates import Columns
from decisioning.policies.checks import POLICIES_FILE, Path
from decisioning.policies.compiled import CompiledWeight
from decisioning.policies.policy import Weight
from decisioning.policies.scoped_expression import ScopedExpression
from decisioning.policies.symbol_table import SymbolTable
from domain.errors import ExpressionError, Problem
from expressions.contradictions import contradiction
from expressions.expression import Expression, compile_expression
from expressions.types import Boolean, Number


class Builder:
    """Compiles expressions; one that does not compile is reported as a problem and fails closed.

    Attributes:
        problems: All problems found so far.
    """

    def __init__(self, names: SymbolTable) -> None:
        self.names = names
        self.problems: list[Problem] = []

    def condition(self, text: str, columns: Columns, path: Path, file: str = POLICIES_FILE) -> ScopedExpression:
        """Compile a condition on some candidates; one that does not compile is always FALSE."""
        expression = self._compiled(text, Boolean, "a condition", path, file)
        return ScopedExpression.of(expression or compile_expression("FALSE", {}), columns, self.names)

    def number(self, text: str, columns: Columns, path: Path, file: str) -> ScopedExpression | None:
        """Compile a formula, such as the value of an offer; return None (unknown) if it does not compile."""
        expression = self._compiled(text, Number, "a number", path, file)
        return None if expression is None else ScopedExpression.of(expression, columns, self.names)

    def about_customers(self, text: str, path: Path) -> ScopedExpression:
        """Compile a condition on customers alone; it is FALSE if it reads offers or does not compile."""
        candidates = self.names.candidates
        everywhere = self.condition(text, np.arange(len(candidates)), path)
        if len(everywhere.representatives) <= 1:
            return everywhere
        what = "a condition on customers reads offers or channels"
        self.problems.append(
            Problem(file=POLICIES_FILE, path=path, what=what, got=f"`{text}`", expected="features of the customer only")
        )
        return ScopedExpression.of(compile_expression("FALSE", {}), np.arange(len(candidates)), self.names)

    def weight(self, weight: Weight, path: Path) -> CompiledWeight:
        """Compile a weight."""
        columns = self.names.candidates.within(weight)
        condition = None if weight.when is None else self.condition(weight.when, columns, (*path, "when"))
        return CompiledWeight(weight.name, weight.factor, columns, condition)

    def _compiled(
        self, text: str, kind: type[Boolean | Number], expected: str, path: Path, file: str
    ) -> Expression | None:
        try:
            expression = compile_expression(text, self.names.schema)
        except ExpressionError as error:
            what, got, wanted, remedy = error.what, error.got, error.expected, error.remedy
            self.problems.append(Problem(file=file, path=path, what=what, got=got, expected=wanted, remedy=remedy))
            return None
        if isinstance(expression.type, kind):
            impossible = contradiction(text) if kind is Boolean else None
            if impossible is None:
                return expression
            what, wanted = f"`{text}` can never hold", f"conditions on {impossible} that one value can meet"
            self.problems.append(Problem(file=file, path=path, what=what, expected=wanted))
            return None
        got = f"a {type(expression.type).__name__.lower()}"
        self.problems.append(
            Problem(file=file, path=path, what=f"`{text}` has the wrong type", got=got, expected=expected)
        )
        return None
