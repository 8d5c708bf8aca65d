"""Compiler from syntax trees to closures over numpy columns, with type checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from sqlglot import exp

from domain.errors import ExpressionError, nearest
from expressions import logic, numeric, operand
from expressions.categories import check_literal, merged, translated
from expressions.explain import described, quoted, unsupported
from expressions.numeric import is_date_like
from expressions.operand import Condition, Operand, Values
from expressions.parsing import MAXIMUM_DEPTH, shortened, too_deep
from expressions.types import Boolean, Category, ColumnType, Number, Schema

ARITHMETIC: Final[dict[type[exp.Expr], np.ufunc]] = {
    exp.Add: np.add,
    exp.Sub: np.subtract,
    exp.Mul: np.multiply,
    exp.Div: np.divide,
    exp.Mod: np.fmod,
    exp.Pow: np.power,
}
FUNCTIONS: Final[dict[type[exp.Expr], np.ufunc]] = {
    exp.Neg: np.negative,
    exp.Abs: np.abs,
    exp.Ln: np.log,
    exp.Exp: np.exp,
    exp.Sqrt: np.sqrt,
    exp.Floor: np.floor,
    exp.Ceil: np.ceil,
}
EXTREMES: Final[dict[type[exp.Expr], np.ufunc]] = {exp.Least: np.fmin, exp.Greatest: np.fmax}
COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


class Compiler:
    """Compiles the parts of an expression against the columns of a schema."""

    def __init__(self, text: str, schema: Schema) -> None:
        self._text = text
        self._schema = schema
        self._depth = 0

    def compile(self, node: exp.Expr | None) -> Operand:
        """Compile a part and everything below it.

        Raises:
            ExpressionError: For an unknown name, a wrong type, or unsupported syntax.
        """
        if not isinstance(node, exp.Expr):
            raise ExpressionError(
                "an expression is incomplete", got=f"`{shortened(self._text)}`", expected="operands on both sides"
            )
        method = _METHODS.get(type(node))
        if method is None:
            raise unsupported(node)
        if self._depth >= MAXIMUM_DEPTH:
            raise too_deep(self._text)
        self._depth += 1
        compiled = method(self, node)
        self._depth -= 1
        return compiled

    def condition(self, node: exp.Expr) -> Operand:
        """Compile a part that must be a condition."""
        part = self.compile(node)
        if part.type is not None and not isinstance(part.type, Boolean):
            raise ExpressionError(
                "not a condition",
                got=f"{quoted(node)}, {described(part.type)}",
                expected="yes or no",
                remedy="compare it with something",
            )
        return part

    def number(self, node: exp.Expr) -> Operand:
        """Compile a part that must be a number."""
        part = self.compile(node)
        if part.type is not None and not isinstance(part.type, Number):
            remedy = "write CASE WHEN ... THEN 1 ELSE 0 END" if isinstance(part.type, Boolean) else None
            raise ExpressionError(
                "not a number", got=f"{quoted(node)}, {described(part.type)}", expected="a number", remedy=remedy
            )
        return part

    def _literal(self, node: exp.Literal) -> Operand:
        if node.is_string:
            return operand.text(node.this)
        try:
            value = np.array(float(node.this))
        except ValueError as error:  # the parser reads ". 0.5" as a number
            raise ExpressionError("an expression cannot be read", got=f"'{node.this}'", expected="a number") from error
        if not np.isfinite(value):
            raise ExpressionError("a number is too large", got=node.this, expected="at most 1e308")
        return operand.number(frozenset(), lambda _: value)

    def _truth_literal(self, node: exp.Boolean) -> Operand:
        true, false = np.array(bool(node.this)), np.array(not node.this)
        return operand.boolean(frozenset(), Condition.of(lambda _: (true, false)))

    def _null(self, node: exp.Null) -> Operand:
        return operand.null()

    def _column(self, node: exp.Column) -> Operand:
        name = node.name
        if len(node.parts) > 1 or not isinstance(node.this, exp.Identifier):
            raise unsupported(node)
        if name not in self._schema:
            quoted = bool(node.this.args.get("quoted"))
            raise ExpressionError(
                "unknown name",
                got=f"'{name}'",
                expected=nearest(name.lower(), self._schema),
                remedy="write texts in single quotes" if quoted else None,
            )
        return operand.column(name, self._schema[name])

    def _parenthesis(self, node: exp.Paren) -> Operand:
        return self.compile(node.this)

    def _arithmetic(self, node: exp.Binary) -> Operand:
        if is_date_like(node):
            raise ExpressionError(
                "a date would be read as a calculation",
                got=f"{quoted(node)}, which is {float(self._calculated(node).values({})):g}",
                expected="a number of eight digits to compare `as_of_date` with, such as 20260131",
            )
        return self._calculated(node)

    def _calculated(self, node: exp.Binary) -> Operand:
        left, right = self.number(node.this), self.number(node.expression)
        function = ARITHMETIC[type(node)]
        return operand.number(left.names | right.names, numeric.binary(function, left.values, right.values))

    def _function(self, node: exp.Func) -> Operand:
        _only(node, "this")
        argument = self.number(node.this)
        return operand.number(argument.names, numeric.unary(FUNCTIONS[type(node)], argument.values))

    def _round(self, node: exp.Round) -> Operand:
        _only(node, "this", "decimals")
        argument = self.number(node.this)
        places = self.number(node.args["decimals"]) if node.args.get("decimals") else None
        decimals = 0.0 if places is None else float(places.values({})) if places.is_constant else np.nan
        if decimals != np.trunc(decimals) or not -15 <= decimals <= 15:
            raise ExpressionError(
                "ROUND does not support this number of decimals",
                got=quoted(node),
                expected="a whole number from -15 to 15",
            )
        return operand.number(argument.names, numeric.rounded(argument.values, int(decimals)))

    def _extreme(self, node: exp.Func) -> Operand:
        parts = [self.number(part) for part in (node.this, *node.expressions)]
        function = EXTREMES[type(node)]
        return operand.number(_names(parts), numeric.extreme(function, [part.values for part in parts]))

    def _named_function(self, node: exp.Anonymous) -> Operand:
        if str(node.this).upper() != "ENTROPY" or not node.expressions:
            raise unsupported(node)
        parts = [self.number(part) for part in node.expressions]
        return operand.number(_names(parts), numeric.entropy([part.values for part in parts]))

    def _coalesce(self, node: exp.Coalesce) -> Operand:
        parts = [self.compile(part) for part in (node.this, *node.expressions)]
        kind = self._common_type(node, parts)
        return operand.of_type(kind, _names(parts), numeric.first_known(_as_type(parts, kind)))

    def _null_if(self, node: exp.Nullif) -> Operand:
        kept, unwanted = self.compile(node.this), self.compile(node.expression)
        kind = self._common_type(node, [kept])
        nothing = operand.null()
        if unwanted.type is None:
            return kept
        same = self._equality(node, kept, unwanted)
        values = logic.choose([(same, nothing.values)], kept.values)
        return operand.of_type(kind, kept.names | unwanted.names, values)

    def _and(self, node: exp.And) -> Operand:
        parts = [self.condition(part) for part in flattened(node, exp.And)]
        return operand.boolean(_names(parts), logic.conjunction([part.condition() for part in parts]))

    def _or(self, node: exp.Or) -> Operand:
        parts = [self.condition(part) for part in flattened(node, exp.Or)]
        return operand.boolean(_names(parts), logic.disjunction([part.condition() for part in parts]))

    def _not(self, node: exp.Not) -> Operand:
        part = self.condition(node.this)
        return operand.boolean(part.names, logic.negation(part.condition()))

    def _comparison(self, node: exp.Binary) -> Operand:
        left, right = self.compile(node.this), self.compile(node.expression)
        if left.type is None or right.type is None:
            raise ExpressionError(
                "comparing with NULL is never true", got=quoted(node), expected="IS NULL or IS NOT NULL"
            )
        names = left.names | right.names
        if isinstance(node, exp.EQ):
            return operand.boolean(names, self._equality(node, left, right))
        if isinstance(node, exp.NEQ):
            return operand.boolean(names, logic.negation(self._equality(node, left, right)))
        if not (isinstance(left.type, Number) and isinstance(right.type, Number)):
            raise ExpressionError(
                f"{quoted(node)} has no order",
                got=f"{described(left.type)} and {described(right.type)}",
                expected="numbers on both sides",
            )
        if isinstance(node, exp.GT | exp.GTE):
            left, right = right, left
        compare = logic.less if isinstance(node, exp.LT | exp.GT) else logic.less_or_equal
        return operand.boolean(names, compare(left.values, right.values))

    def _equality(self, node: exp.Expr, left: Operand, right: Operand) -> Condition:
        if left.literal is not None:
            left, right = right, left  # so that the text is looked up among the column's values
        kind = self._common_type(node, [left, right])
        if isinstance(kind, Boolean):
            return logic.same_truth(left.condition(), right.condition())
        check_literal(right, left, partial(quoted, node))
        one, other = _as_type([left, right], kind)
        return logic.equal(one, other)

    def _is(self, node: exp.Is) -> Operand:
        part, tested = self.compile(node.this), node.expression
        if isinstance(tested, exp.Boolean):
            truth = logic.decided_as(self.condition(node.this).condition(), bool(tested.this))
        elif isinstance(tested, exp.Null):
            truth = logic.undecided(part.truth) if part.truth is not None else logic.unknown(part.values)
        else:
            raise unsupported(node)
        return operand.boolean(part.names, truth)

    def _in(self, node: exp.In) -> Operand:
        if not node.expressions:
            if any(node.args.get(key) is not None for key in ("query", "unnest", "field")):
                raise unsupported(node)
            raise ExpressionError("an IN list is empty", got=quoted(node), expected="at least one value")
        part = self.compile(node.this)
        listed = [self.compile(item) for item in node.expressions]
        kind = self._common_type(node, [part, *listed])
        for item in listed:
            check_literal(item, part, partial(quoted, node))
        names = _names([part, *listed])
        if isinstance(kind, Boolean) or any(not item.is_constant for item in listed):
            return operand.boolean(names, logic.disjunction([self._equality(node, part, item) for item in listed]))
        values, *constants = _as_type([part, *listed], kind)
        return operand.boolean(names, logic.among(values, [float(constant({})) for constant in constants]))

    def _between(self, node: exp.Between) -> Operand:
        _only(node, "this", "low", "high")
        part, low, high = (self.number(node.args[key]) for key in ("this", "low", "high"))
        if low.is_constant and high.is_constant and float(low.values({})) > float(high.values({})):
            raise ExpressionError(
                "nothing is between a number and a smaller one", got=quoted(node), expected="the smaller number first"
            )
        inside = [logic.less_or_equal(low.values, part.values), logic.less_or_equal(part.values, high.values)]
        return operand.boolean(_names([part, low, high]), logic.conjunction(inside))

    def _case(self, node: exp.Case) -> Operand:
        branches = node.args["ifs"]
        subject = self.compile(node.this) if node.this is not None else None
        conditions: list[Condition] = []
        used: list[Operand] = []
        for branch in branches:
            when = self.compile(branch.this) if subject is not None else self.condition(branch.this)
            used.append(when)
            conditions.append(when.condition() if subject is None else self._equality(node, subject, when))
        default = node.args.get("default")
        results = [self.compile(branch.args["true"]) for branch in branches]
        otherwise = self.compile(default) if default is not None else operand.null()
        kind = self._common_type(node, [*results, otherwise])
        *values, last = _as_type([*results, otherwise], kind)
        names = _names([*used, *results, otherwise] + ([subject] if subject is not None else []))
        return operand.of_type(kind, names, logic.choose(list(zip(conditions, values, strict=True)), last))

    def _common_type(self, node: exp.Expr, parts: Sequence[Operand]) -> ColumnType:
        kinds = [part.type for part in parts if part.type is not None]
        if not kinds:
            raise ExpressionError("always NULL", got=quoted(node), expected="something that has a value")
        first = kinds[0]
        for kind in kinds[1:]:
            if type(kind) is not type(first):
                raise ExpressionError(
                    f"{quoted(node)} mixes types",
                    got=" and ".join(dict.fromkeys(described(part) for part in kinds)),
                    expected="the same type",
                )
        if isinstance(first, Category):
            return merged(part.type for part in parts if isinstance(part.type, Category))
        return first


def flattened(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """List the parts of a chain of AND or OR in order, through brackets, without recursion."""
    parts: list[exp.Expr] = []
    waiting: list[exp.Expr] = [node]
    while waiting:
        part = waiting.pop().unnest()
        if isinstance(part, kind):
            waiting += [part.expression, part.this]
        else:
            parts.append(part)
    return parts


def _names(parts: Sequence[Operand]) -> frozenset[str]:
    return frozenset[str]().union(*(part.names for part in parts))


def _as_type(parts: Sequence[Operand], kind: ColumnType) -> list[Values]:
    if isinstance(kind, Category):
        return [translated(part, kind) for part in parts]
    return [part.values for part in parts]


def _only(node: exp.Expr, *allowed: str) -> None:
    """Refuse further arguments that SQL's functions may take, as in FLOOR(x, 2)."""
    if any(value for key, value in node.args.items() if key not in allowed):
        raise unsupported(node)


_METHODS: Final[dict[type[exp.Expr], Callable[[Compiler, Any], Operand]]] = {
    exp.Literal: Compiler._literal,
    exp.Boolean: Compiler._truth_literal,
    exp.Null: Compiler._null,
    exp.Column: Compiler._column,
    exp.Paren: Compiler._parenthesis,
    exp.Round: Compiler._round,
    exp.Anonymous: Compiler._named_function,
    exp.Coalesce: Compiler._coalesce,
    exp.Nullif: Compiler._null_if,
    exp.And: Compiler._and,
    exp.Or: Compiler._or,
    exp.Not: Compiler._not,
    exp.Is: Compiler._is,
    exp.In: Compiler._in,
    exp.Between: Compiler._between,
    exp.Case: Compiler._case,
    **dict.fromkeys(ARITHMETIC, Compiler._arithmetic),
    **dict.fromkeys(FUNCTIONS, Compiler._function),
    **dict.fromkeys(EXTREMES, Compiler._extreme),
    **dict.fromkeys(COMPARISONS, Compiler._comparison),
}
