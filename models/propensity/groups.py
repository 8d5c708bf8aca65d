"""Groups: the hierarchy of offers, products, attributes and channels over which weights are pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.offer import Offer
from expressions.types import Array

BLOCKS = ("global", "product", "attribute", "offer", "channel")
"""Levels of pooling, coarsest first."""
_FURTHEST = 2.5
"""Maximum distance of an attribute from the training offers' mean, in standard deviations; limits extrapolation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The offers, products, attributes and channels of training; an (offer, channel) pair becomes a row over them.

    Attributes:
        attribute_means: Means over the distinct training offers, shape (attributes,).
        attribute_sds: Standard deviations over the same offers.
    """

    products: tuple[str, ...]
    attributes: tuple[str, ...]
    offers: tuple[str, ...]
    channels: tuple[str, ...]
    attribute_means: Array
    attribute_sds: Array

    @property
    def blocks(self) -> NDArray[np.int64]:
        """Position in `BLOCKS` of each column of `rows`."""
        sizes = (1, len(self.products), len(self.attributes), len(self.offers), len(self.channels))
        return np.repeat(np.arange(len(BLOCKS)), sizes)

    @property
    def of_offers(self) -> slice:
        """The columns of `rows` that are offers."""
        first = 1 + len(self.products) + len(self.attributes)
        return slice(first, first + len(self.offers))

    def rows(self, candidates: Sequence[tuple[Offer, str | None]]) -> Array:
        """Place pairs of offer and channel: shape (m, columns).

        The columns are a constant 1, one-hot product, standardised attributes, one-hot offer and channel. What
        training did not know is zero: a new offer is scored by its product, its attributes and its channel alone.
        """
        placed = np.zeros((len(candidates), len(self.blocks)))
        placed[:, 0] = 1.0
        first_attribute = 1 + len(self.products)
        first_offer = first_attribute + len(self.attributes)
        first_channel = first_offer + len(self.offers)
        for row, (offer, channel) in enumerate(candidates):
            if offer.product in self.products:
                placed[row, 1 + self.products.index(offer.product)] = 1.0
            placed[row, first_attribute:first_offer] = self._standardised(offer)
            if offer.name in self.offers:
                placed[row, first_offer + self.offers.index(offer.name)] = 1.0
            if channel in self.channels:
                placed[row, first_channel + self.channels.index(channel)] = 1.0
        return placed

    def codes(self, candidates: Sequence[tuple[Offer, str | None]]) -> Array:
        """Return pairs as tree columns, shape (m, attributes + 3): raw attributes, codes of product, offer, channel."""
        coded = np.full((len(candidates), len(self.attributes) + 3), np.nan)
        for row, (offer, channel) in enumerate(candidates):
            for position, name in enumerate(self.attributes):
                coded[row, position] = offer.attributes.get(name, np.nan)
            for position, (known, value) in enumerate(
                ((self.products, offer.product), (self.offers, offer.name), (self.channels, channel))
            ):
                if value in known:
                    coded[row, len(self.attributes) + position] = known.index(value)
        return coded

    def to_json(self) -> dict[str, Any]:
        """Return the groups as JSON-compatible values."""
        return {
            "products": list(self.products),
            "attributes": list(self.attributes),
            "offers": list(self.offers),
            "channels": list(self.channels),
            "attribute_means": self.attribute_means.tolist(),
            "attribute_sds": self.attribute_sds.tolist(),
        }

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Groups:
        """Read groups from `to_json` output."""
        return cls(
            products=tuple(parts["products"]),
            attributes=tuple(parts["attributes"]),
            offers=tuple(parts["offers"]),
            channels=tuple(parts["channels"]),
            attribute_means=np.array(parts["attribute_means"], dtype=np.float64),
            attribute_sds=np.array(parts["attribute_sds"], dtype=np.float64),
        )

    def _standardised(self, offer: Offer) -> Array:
        values = np.array([offer.attributes.get(name, np.nan) for name in self.attributes], dtype=np.float64)
        distances = np.where(np.isnan(values), 0.0, (values - self.attribute_means) / self.attribute_sds)
        return np.clip(distances, -_FURTHEST, _FURTHEST)


def groups_of(offers: Sequence[Offer], channels: Sequence[str]) -> Groups:
    """Build the hierarchy from the presented offers and the channels they were presented in.

    A level with a single member is left out: it would only repeat the level above it. With one offer in one channel
    there is no hierarchy at all.
    """
    attributes = tuple(sorted({name for offer in offers for name in offer.attributes})) if len(offers) > 1 else ()
    table = np.array([[offer.attributes.get(name, np.nan) for name in attributes] for offer in offers])
    table = table.reshape(len(offers), len(attributes))
    means = np.array([np.nanmean(column) for column in table.T])
    sds = np.array([np.nanstd(column) for column in table.T])
    return Groups(
        products=_level(offer.product for offer in offers),
        attributes=attributes,
        offers=_level(offer.name for offer in offers),
        channels=_level(channels),
        attribute_means=means,
        attribute_sds=np.where(sds > 0, sds, 1.0),
    )


def _level(members: Iterable[str | None]) -> tuple[str, ...]:
    """Return the distinct members of a level; none if there is only one, or only one beside none."""
    distinct = set(members)
    return tuple(sorted(member for member in distinct if member is not None)) if len(distinct) > 1 else ()
