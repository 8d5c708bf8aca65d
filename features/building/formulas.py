"""Formulas: features computed from others, with what they read and where they were declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from domain.errors import ExpressionError
from expressions.parsing import parse
from expressions.types import Schema
from features.building.draft import Path
from features.definitions import Feature


@dataclass(frozen=True, slots=True)
class Part:
    """One expression of a formula.

    Attributes:
        path: Place of the expression in the formula's file.
        is_condition: The expression must be a condition.
    """

    text: str
    path: Path
    is_condition: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Formula:
    """Features computed from others.

    Attributes:
        title: Name in `not_applicable`.
        makes: Names of the features it makes.
        file: File in which it was declared.
        name_path: Place of its name in the file.
        parts: Its expressions.
        build: Makes the features, given the types of what it reads.
        of_product: The features are about one product.
        survives_errors: Make the features even if parts have errors, so that what reads them is checked too.
    """

    title: str
    makes: tuple[str, ...]
    file: str
    name_path: Path
    parts: tuple[Part, ...]
    build: Callable[[Schema], tuple[Feature, ...]]
    of_product: bool = False
    survives_errors: bool = False

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names that its parts read."""
        return frozenset[str]().union(*(names_read(part.text) for part in self.parts))


def names_read(text: str) -> frozenset[str]:
    """List the names in an expression; none if it cannot be parsed, which the compiler will report.

    Example:
        >>> sorted(names_read("inflow / NULLIF(outflow, 0)"))
        ['inflow', 'outflow']
    """
    try:
        return frozenset(column.name for column in parse(text).find_all(exp.Column))
    except ExpressionError:
        return frozenset()
