"""Why a condition did not hold, in words: "age = 17, needs >= 18"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from sqlglot import exp

from expressions.operand import Operand
from expressions.types import Boolean, Category, ColumnType, Schema
from expressions.wording import sql

Row = Mapping[str, float]
Reason = Callable[[Row], str]
Compile = Callable[[exp.Expr], Operand]

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
    """Prepare the sentence about one condition, to be filled with the values of a row.

    Args:
        node: The condition.
        compile_part: Compiles a part of it.
        schema: Types of the columns it reads.
    """
    asked, holds = _without_not(node)
    needed = _needed(asked, holds, compile_part)
    if needed is None:
        return _whole(node, schema, compile_part(node).names)
    subject, need = needed
    left = compile_part(subject)
    details = None if isinstance(subject, exp.Column) else _listed(schema, left.names)
    asked_about = sql(subject)  # once: making text of a tree takes longer than filling the sentence

    def sentence(row: Row) -> str:
        with np.errstate(all="ignore"):
            value = float(left.values(row))
        because = f" ({details(row)})" if details else ""
        return f"{_said(asked_about, value, left.type)}{because}, needs {need(row)}"

    return sentence


def in_words(value: float, kind: ColumnType | None) -> str:
    """Say a value: a number, yes or no, or the name of a category.

    Example:
        >>> in_words(1.0, Category(("low", "high"))), in_words(0.0, Boolean()), in_words(float("nan"), Boolean())
        ('high', 'no', 'unknown')
    """
    if np.isnan(value):
        return "unknown"
    match kind:
        case Boolean():
            return "yes" if value == 1.0 else "no"
        case Category(values):
            return values[int(value)]
        case _:
            return f"{value:.10g}"


def _without_not(node: exp.Expr) -> tuple[exp.Expr, bool]:
    holds = True
    node = node.unnest()
    while isinstance(node, exp.Not):
        node, holds = node.this.unnest(), not holds
    return node, holds


def _needed(node: exp.Expr, holds: bool, compile_part: Compile) -> tuple[exp.Expr, Reason] | None:
    """Split a condition into what it asks about and what it asks; None where it is not that simple."""
    no = "" if holds else "not "
    match node:
        case exp.Column():
            return node, _fixed("yes" if holds else "no")
        case exp.Is() if isinstance(node.expression, exp.Null):
            return node.this, _fixed("to be unknown" if holds else "to be known")
        case exp.Between():
            low, high = (_value_of(compile_part(node.args[key])) for key in ("low", "high"))
            return node.this, lambda row: f"{no}between {low(row)} and {high(row)}"
        case exp.In():
            listed = [_value_of(compile_part(item)) for item in node.expressions]
            one_of = "one of" if holds else "none of"
            return node.this, lambda row: f"{one_of} {', '.join(item(row) for item in listed)}"
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _comparison(node, holds, compile_part)
        case _:
            return None


def _comparison(node: exp.Binary, holds: bool, compile_part: Compile) -> tuple[exp.Expr, Reason]:
    subject, against = node.this, node.expression
    operator = type(node) if holds else OPPOSITES[type(node)]
    if compile_part(subject).is_constant:
        subject, against, operator = against, subject, MIRRORED[operator]
    needed, symbol = compile_part(against), OPERATORS[operator]
    value = _value_of(needed)
    if needed.is_constant:
        return subject, lambda row: f"{symbol}{value(row)}"
    text = sql(against)
    return subject, lambda row: f"{symbol}{text}, which is {value(row)}"


def _value_of(part: Operand) -> Reason:
    def words(row: Row) -> str:
        with np.errstate(all="ignore"):
            return in_words(float(part.values(row)), part.type)

    return words


def _fixed(text: str) -> Reason:
    return lambda row: text


def _whole(node: exp.Expr, schema: Schema, names: frozenset[str]) -> Reason:
    text, values = sql(node), _listed(schema, names)
    if not names:
        return _fixed(f"{text} never holds")
    return lambda row: f"{text} does not hold with {values(row)}"


def _listed(schema: Schema, names: frozenset[str]) -> Reason:
    ordered = sorted(names)
    return lambda row: ", ".join(_said(name, float(row[name]), schema[name]) for name in ordered)


def _said(name: str, value: float, kind: ColumnType | None) -> str:
    words = in_words(value, kind)
    return f"{name} is unknown" if words == "unknown" else f"{name} = {words}"
