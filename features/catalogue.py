"""The features of one bank: every declaration expanded to named, typed columns in an order that can be computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from expressions.types import ColumnType
from features.definitions import AggregateFeature


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One named column.

    Attributes:
        aggregate: The declaration it comes from, narrowed to one window and one channel or product; None where it
            is derived or a part of the stage.
        expression: Formula over other features; None where it is not derived.
        template: Name without the dimension (`view_count_30d` of `savings_view_count_30d`); None without one.
        member: The channel or product it is about; None without dimension.
        personal: Kept out of models.
        internal: Made for a policy, not declared by people: kept out of models and of the offline store.
    """

    name: str
    type: ColumnType
    unit: str
    description: str
    topic: str
    owner: str
    aggregate: AggregateFeature | None = None
    expression: str | None = None
    template: str | None = None
    member: str | None = None
    personal: bool = False
    internal: bool = False


@dataclass(frozen=True, slots=True)
class FeatureCatalogue:
    """All features of a bank, each after those it is made from.

    Attributes:
        features: By name.
        families: Template -> {product: feature}, for what is known about an offer's own product: `family_held` of
            an offer of savings is `savings_held`.
        not_applicable: Common declarations that this bank's vocabulary cannot fill -> why.
    """

    features: Mapping[str, Feature]
    families: Mapping[str, Mapping[str, str]]
    not_applicable: Mapping[str, str]

    @property
    def schema(self) -> dict[str, ColumnType]:
        """Type of every feature, in the catalogue's order."""
        return {name: feature.type for name, feature in self.features.items()}
