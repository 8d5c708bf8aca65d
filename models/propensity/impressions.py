"""Training rows of propensity: a customer's features, the offer and channel presented, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from domain.offer import Offer
from expressions.types import Array, ColumnType
from features.responses import Responses
from features.table import FeatureTable
from models.propensity.families import Families

Pair = tuple[Offer, str | None]
"""An offer in a channel."""


@dataclass(frozen=True, slots=True)
class Impressions:
    """n impressions with features and outcomes.

    Attributes:
        features: Features of the customers as of the impressions.
        family: Family columns of the offer's own product, shape (n,) each.
        pairs: Distinct offers in channels, in the order of the catalogue.
        pair: Shape (n,), position in `pairs`.
        y: Shape (n,), 1.0 if accepted.
        known_at: Shape (n,), when the outcome was final.
    """

    features: FeatureTable
    family: Mapping[str, Array]
    pairs: tuple[Pair, ...]
    pair: NDArray[np.int64]
    y: Array
    known_at: NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.pair)

    @property
    def columns(self) -> dict[str, Array]:
        """Customer features and family columns together."""
        return {**self.features.columns, **self.family}

    def schema(self, families: Families) -> dict[str, ColumnType]:
        """Types of `columns`."""
        return {**self.features.schema, **families.schema(self.features.schema)}

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Impressions:
        """Return the rows at some positions or under a mask; pairs stay."""
        family = {name: values[rows] for name, values in self.family.items()}
        return Impressions(
            self.features.take(rows), family, self.pairs, self.pair[rows], self.y[rows], self.known_at[rows]
        )

    def present_pairs(self) -> tuple[Pair, ...]:
        """Return the pairs that occur among the rows."""
        return tuple(self.pairs[position] for position in np.unique(self.pair))


def impressions(
    features: FeatureTable, responses: Responses, offers: Sequence[Offer], families: Families
) -> Impressions:
    """Combine features and responses to training rows.

    Args:
        features: Row i is the customer of response i as of its presentation.
        responses: Impressions with their outcomes.
        offers: The catalogue.
        families: Features that exist per product.

    Raises:
        DataError: If features and responses do not match, or an offer is not in the catalogue.
    """
    if not np.array_equal(features.customer_ids, responses.customer_ids) or not np.array_equal(
        features.as_of, responses.presented_at
    ):
        raise DataError(
            "features and responses are not of the same customers at the same moments",
            got=f"{len(features)} and {len(responses)} rows",
            remedy="compute features at `responses.moments`",
        )
    by_name = {offer.name: offer for offer in offers}
    place: dict[tuple[str, str | None], int] = {}
    for name, channel in zip(responses.offer.tolist(), responses.channel.tolist(), strict=True):
        if name not in by_name:
            raise DataError("no such offer", got=f"'{name}'", expected=nearest(name, by_name))
        place.setdefault((name, channel), 0)
    order = {offer.name: position for position, offer in enumerate(offers)}
    ordered = sorted(place, key=lambda key: (order[key[0]], key[1] or ""))
    place = {key: position for position, key in enumerate(ordered)}
    pair = np.array(
        [place[key] for key in zip(responses.offer.tolist(), responses.channel.tolist(), strict=True)], dtype=np.int64
    )
    pairs = tuple((by_name[name], channel) for name, channel in ordered)
    product_of = np.array([*(offer.product for offer, _ in pairs), None], dtype=object)[:-1]
    family = families.of_rows(features.columns, product_of[pair])
    return Impressions(features, family, pairs, pair, responses.accepted.astype(np.float64), responses.known_at)
