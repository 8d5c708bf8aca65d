"""A catalogue in the making, with the problems found on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from domain.errors import nearest
from domain.problem import Problem
from events.vocabulary import ATTRIBUTES_TYPE, Property, Vocabulary
from expressions.types import Number
from features.building.groups import event_groups
from features.definitions import Dimension, FeatureFile
from features.feature import Feature

Origin = Literal["common", "own", "policy"]
Path = tuple[str | int, ...]

FILES: Final[dict[Origin, str]] = {"common": "common.yaml", "own": "features.yaml", "policy": "policies.yaml"}
MOMENT_INPUTS: Final = {name: Number() for name in ("as_of_year", "as_of_month", "as_of_day_of_week", "as_of_hour")}
"""What formulas may read beside features."""

RENAME: Final = "rename it, or exclude the common one"

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Draft:
    """Collects features and problems of one bank.

    Attributes:
        features: By name, in the order in which they were added.
        of_products: Names of those that are about one product.
        not_applicable: Common declarations left out -> why.
        problems: Everything wrong so far.
        broken: Names that were declared but not made; who needs them is not reported again.
    """

    def __init__(self, vocabulary: Vocabulary, currency: str) -> None:
        self.vocabulary = vocabulary
        self.currency = currency
        self.groups = event_groups(vocabulary)
        self.features: dict[str, Feature] = {}
        self.of_products: set[str] = set()
        self.not_applicable: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        self._places: set[tuple[str, Path]] = set()

    def properties(self, event_type: str) -> dict[str, Property]:
        """What events of a type carry."""
        if event_type == ATTRIBUTES_TYPE:
            return self.vocabulary.attributes
        return self.vocabulary.types[event_type].properties

    def members(self, per: Dimension | None) -> tuple[str | None, ...]:
        """The channels or products of a dimension; one None without dimension."""
        match per:
            case None:
                return (None,)
            case "channel":
                return self.vocabulary.channels
            case "product":
                return self.vocabulary.products

    def unit(self, unit: str) -> str:
        """Replace `currency` by the bank's."""
        return self.currency if unit == "currency" else unit

    def check_exclusions(self, common: FeatureFile, excluded: Sequence[str]) -> None:
        """Report names to leave out that no common declaration has."""
        declared = [aggregate.name for aggregate in common.aggregates] + [derived.name for derived in common.derived]
        for position, name in enumerate(excluded):
            if name not in declared:
                what, expected = "no such common feature", nearest(name, declared)
                place = ("exclude", position)
                self.add(Problem(file=FILES["own"], path=place, what=what, got=f"'{name}'", expected=expected))

    def name_is_free(self, name: str, file: str, path: Path) -> bool:
        """Check a name before it is used, and report what is wrong with it."""
        if not _NAME.fullmatch(name):
            expected = "lower-case letters, digits and _, a letter first"
            problem = Problem(
                file=file, path=path, what="not a name that formulas can read", got=f"'{name}'", expected=expected
            )
        elif name in MOMENT_INPUTS:
            problem = Problem(file=file, path=path, what=f"'{name}' is given to every formula", expected="another name")
        elif name in self.features:
            remedy = None if file == FILES["policy"] else RENAME
            problem = Problem(file=file, path=path, what=f"the feature '{name}' is declared twice", remedy=remedy)
        else:
            return True
        self.add(problem)
        return False

    def add(self, problem: Problem) -> None:
        """Add a problem, one for each place: what is wrong for one product is mostly wrong for all.

        Policies are the exception, their counts have no places of their own.
        """
        place = (problem.file, problem.path)
        if problem.file == FILES["policy"] or place not in self._places:
            self._places.add(place)
            self.problems.append(problem)
