"""Something that is computed from other features: what it makes, what it reads, and where it was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from domain.errors import ExpressionError
from expressions.parsing import parse
from expressions.types import Schema
from features.building.draft import Path
from features.feature import Feature


@dataclass(frozen=True, slots=True)
class Part:
    """One expression of a formula.

    Attributes:
        path: Where it stands in the formula's file.
        is_condition: It must be a yes or no.
    """

    text: str
    path: Path
    is_condition: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Formula:
    """Features made from others.

    Attributes:
        title: As `not_applicable` lists it.
        makes: Names of the features it makes.
        file: Where it was written.
        name_path: Where its name stands in the file.
        build: Makes the features, given the types of what it reads.
        of_product: The features are about one product.
        survives_errors: Make the features whatever is wrong with the parts, so that what reads them is checked too.
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
    """List the names in an expression; none of one that cannot be parsed, which compiling will report.

    Example:
        >>> sorted(names_read("inflow / NULLIF(outflow, 0)"))
        ['inflow', 'outflow']
    """
    try:
        return frozenset(column.name for column in parse(text).find_all(exp.Column))
    except ExpressionError:
        return frozenset()
