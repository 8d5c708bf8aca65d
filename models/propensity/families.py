"""Family columns: what is known about a customer and the candidate's own product or channel, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.offer import Offer
from expressions.types import Array, Boolean, Category, ColumnType, Schema
from features.catalogue import FeatureCatalogue, family_column

Pair = tuple[Offer, str | None]
"""An offer in a channel."""

PRODUCT: Final = "product"
CHANNEL: Final = "channel"

_MEMBER: Final[Mapping[str, Callable[[Pair], str | None]]] = {
    PRODUCT: lambda pair: pair[0].product,
    CHANNEL: lambda pair: pair[1],
}
"""Dimension -> the member of a candidate: the one place that says what a candidate is along each dimension."""
_PREFIX: Final = {PRODUCT: "family"}
"""Prefix of a dimension's columns where it is not the dimension's name; rules know a product's as `family_*`."""
_LEAST_MATCHING_VALUES: Final = 2
"""Values that a category shares with the members of a dimension before it is taken to name one of them."""


def member_of(dimension: str, pair: Pair) -> str | None:
    """Return a candidate's product or channel."""
    return _MEMBER[dimension](pair)


@dataclass(frozen=True)
class Families:
    """Features per product and per channel, as columns about the candidate's own.

    `family_held` is `savings_held` for a savings offer, `channel_activity_count_30d` is `app_activity_count_30d` for
    an offer in the app, and `channel_is_preferred_channel` says whether the feature `preferred_channel` names the
    candidate's channel.

    Attributes:
        members: Dimension -> template -> {member: feature}.
        matches: Dimension -> feature -> its values, for categories that name a member of the dimension.
    """

    members: Mapping[str, Mapping[str, Mapping[str, str]]]
    matches: Mapping[str, Mapping[str, tuple[str, ...]]]

    @cached_property
    def dimension_of(self) -> Mapping[str, str]:
        """Name of each column -> its dimension, in the order of the columns."""
        found: dict[str, str] = {}
        for dimension in _MEMBER:
            prefix = _PREFIX.get(dimension, dimension)
            for template in self.members.get(dimension, {}):
                found[f"{prefix}_{template}"] = dimension
            for feature in self.matches.get(dimension, {}):
                found[f"{prefix}_is_{feature}"] = dimension
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.dimension_of)

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that have a column."""
        return tuple(dict.fromkeys(self.dimension_of.values()))

    @property
    def features(self) -> frozenset[str]:
        """Features about a single product or channel, which the columns are made from."""
        templates = (by for templates in self.members.values() for by in templates.values())
        return frozenset(name for by in templates for name in by.values())

    def schema(self, features: Schema) -> dict[str, ColumnType]:
        """Types of the columns, taken from the features they come from."""
        found: dict[str, ColumnType] = {}
        for dimension in self.dimensions:
            prefix = _PREFIX.get(dimension, dimension)
            for template, by in self.members.get(dimension, {}).items():
                found[f"{prefix}_{template}"] = features[next(iter(by.values()))]
            for feature in self.matches.get(dimension, {}):
                found[f"{prefix}_is_{feature}"] = Boolean()
        return found

    def columns(self, columns: Mapping[str, Array], members: Mapping[str, Sequence[str | None]]) -> dict[str, Array]:
        """Return each column for every customer and member; NaN where there is no member.

        Args:
            columns: Features of n customers.
            members: Dimension -> the members wanted.

        Returns:
            Name -> shape (n, members of its dimension).
        """
        found: dict[str, Array] = {}
        for dimension in self.dimensions:
            prefix, wanted = _PREFIX.get(dimension, dimension), members[dimension]
            templates = self.members.get(dimension, {})
            catalogue = FeatureCatalogue({}, templates, {})
            for template in templates:
                found[f"{prefix}_{template}"] = family_column(columns, catalogue, template, wanted)
            for feature, values in self.matches.get(dimension, {}).items():
                found[f"{prefix}_is_{feature}"] = _named(columns[feature], values, wanted)
        return found

    def of_rows(
        self, columns: Mapping[str, Array], pairs: Sequence[Pair], pair: NDArray[np.integer]
    ) -> dict[str, Array]:
        """Return each column for n rows of one candidate each.

        Args:
            columns: Features, shape (n,) each.
            pairs: Distinct candidates.
            pair: Position of each row's candidate, shape (n,).
        """
        distinct = {
            dimension: tuple(dict.fromkeys(member_of(dimension, one) for one in pairs)) for dimension in self.dimensions
        }
        rows, found = np.arange(len(pair)), {}
        for name, values in self.columns(columns, distinct).items():
            dimension = self.dimension_of[name]
            place = [distinct[dimension].index(member_of(dimension, one)) for one in pairs]
            found[name] = values[rows, np.array(place, dtype=np.intp)[pair]] if len(pair) else np.empty(0)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the families as JSON-compatible values."""
        members = {
            dimension: {template: dict(by) for template, by in templates.items()}
            for dimension, templates in self.members.items()
        }
        matches = {
            dimension: {feature: list(values) for feature, values in found.items()}
            for dimension, found in self.matches.items()
        }
        return {"members": members, "matches": matches}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Families:
        """Read families from `to_json` output, or from a file of a former version: template -> {product: feature}."""
        if set(parts) != {"members", "matches"}:
            return cls({PRODUCT: parts}, {})
        matches = {
            dimension: {feature: tuple(values) for feature, values in found.items()}
            for dimension, found in parts["matches"].items()
        }
        return cls(parts["members"], matches)


def families_of(catalogue: FeatureCatalogue, inputs: Sequence[str], offers: Sequence[Offer]) -> Families:
    """Return the templates and categories that the model sees, for products and channels that have offers."""
    seen, schema = set(inputs), catalogue.schema
    offered = {
        PRODUCT: {offer.product for offer in offers if offer.product is not None},
        CHANNEL: {treatment.channel for offer in offers for treatment in offer.treatments},
    }
    templates = {PRODUCT: catalogue.families, CHANNEL: catalogue.channel_families}
    members: dict[str, dict[str, dict[str, str]]] = {}
    matches: dict[str, dict[str, tuple[str, ...]]] = {}
    for dimension, known in offered.items():
        narrowed = {
            template: {member: name for member, name in by.items() if name in seen}
            for template, by in templates[dimension].items()
        }
        members[dimension] = {template: by for template, by in narrowed.items() if known & by.keys()}
        matches[dimension] = {
            name: kind.values
            for name in inputs
            if isinstance(kind := schema[name], Category) and len(known & set(kind.values)) >= _LEAST_MATCHING_VALUES
        }
    return Families(members, matches)


def feature_behind(catalogue: FeatureCatalogue, column: str, pair: Pair) -> str:
    """Return the feature that a family column stands for with a candidate; any other column is its own.

    Example:
        >>> catalogue = FeatureCatalogue({}, {"held": {"credit": "credit_held"}}, {})
        >>> loan = Offer(name="loan", product="credit", description="", value="1", treatments=(), stages=())
        >>> feature_behind(catalogue, "family_held", (loan, "app")), feature_behind(catalogue, "age", (loan, "app"))
        ('credit_held', 'age')
    """
    if column in catalogue.features:
        return column
    for dimension, templates in ((PRODUCT, catalogue.families), (CHANNEL, catalogue.channel_families)):
        prefix = f"{_PREFIX.get(dimension, dimension)}_"
        template = column.removeprefix(prefix)
        if column.startswith(prefix) and template in templates:
            return templates[template].get(member_of(dimension, pair) or "", column)
        if template.startswith("is_") and template.removeprefix("is_") in catalogue.features:
            return template.removeprefix("is_")
    return column


def _named(codes: Array, values: tuple[str, ...], wanted: Sequence[str | None]) -> Array:
    """Say whether each customer's category names each member, shape (n, members); NaN if either is missing."""
    places = np.array([np.nan if one is None else values.index(one) if one in values else -1.0 for one in wanted])
    unknown = np.isnan(codes)[:, None] | np.isnan(places)[None]
    return np.where(unknown, np.nan, (codes[:, None] == places[None]).astype(np.float64))
