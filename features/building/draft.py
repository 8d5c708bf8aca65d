"""A feature catalogue under construction, with its groups of event types and the problems found so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from domain.errors import Problem, nearest
from events.vocabulary import ATTRIBUTES_TYPE, Property, Vocabulary
from expressions.types import Number
from features.definitions import Dimension, Feature, FeatureFile


def event_groups(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    """List event types by group: the groups that types declare, and the four that `contacts` defines.

    Example:
        >>> from events.vocabulary import ContactEvents, EventType
        >>> contacts = ContactEvents(presented="offer_sent", accepted="offer_taken")
        >>> types = {"offer_sent": EventType(description=""), "offer_taken": EventType(description="")}
        >>> event_groups(Vocabulary(channels=(), products=(), types=types, contacts=contacts))
        {'offer_presented': ('offer_sent',), 'offer_accepted': ('offer_taken',)}
    """
    groups = dict(vocabulary.groups)
    contacts = vocabulary.contacts
    if contacts is None:
        return groups
    for answer in ("presented", "clicked", "accepted", "declined"):
        event_type: str | None = getattr(contacts, answer)
        if event_type is not None and event_type in vocabulary.types:
            group = f"offer_{answer}"
            groups[group] = tuple(dict.fromkeys((*groups.get(group, ()), event_type)))
    return groups


Origin = Literal["common", "own", "policy"]
Path = tuple[str | int, ...]

FILES: Final[dict[Origin, str]] = {"common": "common.yaml", "own": "features.yaml", "policy": "policies.yaml"}
MOMENT_INPUTS: Final = {name: Number() for name in ("as_of_year", "as_of_month", "as_of_day_of_week", "as_of_hour")}
"""Inputs of formulas besides features."""

RENAME: Final = "rename it, or exclude the common one"

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Draft:
    """Collects the features and problems of one bank.

    Attributes:
        features: Features by name, in the order in which they were added.
        of_products: Names of features about one product.
        not_applicable: Common declarations left out -> why.
        problems: All problems found so far.
        broken: Names that were declared but could not be made; features that need them are not reported again.
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
        """Return the properties of events of a type."""
        if event_type == ATTRIBUTES_TYPE:
            return self.vocabulary.attributes
        return self.vocabulary.types[event_type].properties

    def members(self, per: Dimension | None) -> tuple[str | None, ...]:
        """Return the channels or products of a dimension; one None without dimension."""
        match per:
            case None:
                return (None,)
            case "channel":
                return self.vocabulary.channels
            case "product":
                return self.vocabulary.products

    def unit(self, unit: str) -> str:
        """Replace `currency` with the bank's currency."""
        return self.currency if unit == "currency" else unit

    def check_exclusions(self, common: FeatureFile, excluded: Sequence[str]) -> None:
        """Report excluded names that no common declaration has."""
        declared = [aggregate.name for aggregate in common.aggregates] + [derived.name for derived in common.derived]
        for position, name in enumerate(excluded):
            if name not in declared:
                what, expected = "no such common feature", nearest(name, declared)
                place = ("exclude", position)
                self.add(Problem(file=FILES["own"], path=place, what=what, got=f"'{name}'", expected=expected))

    def name_is_free(self, name: str, file: str, path: Path) -> bool:
        """Check a name before it is used, and report any problem with it."""
        if not _NAME.fullmatch(name):
            expected = "lower-case letters, digits and _, a letter first"
            problem = Problem(
                file=file, path=path, what="not a valid name for formulas", got=f"'{name}'", expected=expected
            )
        elif name in MOMENT_INPUTS:
            problem = Problem(
                file=file, path=path, what=f"'{name}' is reserved: every formula can read it", expected="another name"
            )
        elif name in self.features:
            remedy = None if file == FILES["policy"] else RENAME
            problem = Problem(file=file, path=path, what=f"the feature '{name}' is declared twice", remedy=remedy)
        else:
            return True
        self.add(problem)
        return False

    def add(self, problem: Problem) -> None:
        """Add a problem, at most one for each place: a problem with one product is usually one with all.

        Policies are the exception, as their counts have no places of their own.
        """
        place = (problem.file, problem.path)
        if problem.file == FILES["policy"] or place not in self._places:
            self._places.add(place)
            self.problems.append(problem)
