"""The candidates as columns: the offer and channel values that rules and formulas may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.offer import Offer, Treatment, candidates_of
from events.vocabulary import Vocabulary
from expressions.types import Array, Category, ColumnType, Number

Columns = NDArray[np.intp]

RESERVED_ATTRIBUTES = ("cost", "product")
"""Names that an offer attribute cannot have, because `offer_cost` and `offer_product` are already defined."""


class Scope(Protocol):
    """The set of candidates that a rule, limit, budget or weight applies to."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels; empty for all."""

    @property
    def except_tags(self) -> tuple[str, ...]:
        """Tags of excluded offers."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every offer in every channel, m of them, in the order of `domain.offer.candidates_of`.

    Attributes:
        pairs: The m candidates.
        products: Product family of each candidate.
        by_channel: Positions of the candidates of every channel of the bank.
        columns: Name -> shape (m,): `channel`, `offer`, `offer_product`, `offer_cost`, `contact_cost`, and
            `offer_<attribute>` for each attribute, NaN for an offer that does not have it.
        schema: Type of each of these columns.
    """

    pairs: tuple[tuple[Offer, Treatment], ...]
    products: tuple[str | None, ...]
    by_channel: Mapping[str, Columns]
    columns: Mapping[str, Array]
    schema: Mapping[str, ColumnType]

    def positions(self) -> dict[tuple[str, str], int]:
        """Return the position of each candidate by the names of offer and channel."""
        return {(offer.name, treatment.channel): column for column, (offer, treatment) in enumerate(self.pairs)}

    @classmethod
    def of(cls, offers: tuple[Offer, ...], vocabulary: Vocabulary) -> Candidates:
        """Build the columns from the offers.

        Example:
            >>> from domain.offer import Treatment
            >>> loan = Offer(name="loan", description="", value="180", stages=(), attributes={"rate_percent": 7.4},
            ...              treatments=(Treatment(channel="web", message="top", cost=0.01),))
            >>> vocabulary = Vocabulary(channels=("app", "web"), products=(), types={})
            >>> {name: column.tolist() for name, column in Candidates.of((loan,), vocabulary).columns.items()}
            {'channel': [1.0], 'offer': [0.0], 'offer_product': [nan], 'offer_cost': [0.0], 'contact_cost': [0.01], \
'offer_rate_percent': [7.4]}
        """
        pairs = candidates_of(offers)
        channel, product = Category(vocabulary.channels), Category(vocabulary.products)
        offer_name = Category(tuple(offer.name for offer in offers))
        nan = float("nan")
        columns: dict[str, list[float]] = {
            "channel": [channel.code(treatment.channel) for _, treatment in pairs],
            "offer": [offer_name.code(offer.name) for offer, _ in pairs],
            "offer_product": [nan if offer.product is None else product.code(offer.product) for offer, _ in pairs],
            "offer_cost": [offer.cost for offer, _ in pairs],
            "contact_cost": [treatment.cost for _, treatment in pairs],
        }
        schema: dict[str, ColumnType] = dict.fromkeys(columns, Number())
        schema |= {"channel": channel, "offer": offer_name, "offer_product": product}
        for attribute in dict.fromkeys(name for offer in offers for name in offer.attributes):
            if attribute not in RESERVED_ATTRIBUTES:
                columns[f"offer_{attribute}"] = [offer.attributes.get(attribute, nan) for offer, _ in pairs]
                schema[f"offer_{attribute}"] = Number()
        return cls(
            pairs,
            tuple(offer.product for offer, _ in pairs),
            {name: _where([treatment.channel == name for _, treatment in pairs]) for name in vocabulary.channels},
            {name: np.array(column, dtype=np.float64) for name, column in columns.items()},
            schema,
        )

    def __len__(self) -> int:
        return len(self.pairs)

    def of_offer(self, name: str) -> Columns:
        """Return the positions of an offer's candidates."""
        return _where([offer.name == name for offer, _ in self.pairs])

    def within(self, scope: Scope) -> Columns:
        """Return the positions of the candidates in a scope."""
        return _where([in_scope(scope, offer, treatment) for offer, treatment in self.pairs])


def in_scope(scope: Scope, offer: Offer, treatment: Treatment) -> bool:
    """Return whether a candidate is in the scope of a rule, limit, budget or weight.

    Every non-empty part of the scope narrows it. Quiet hours have no products, offers or tags.
    """
    products: tuple[str, ...] = getattr(scope, "products", ())
    offers: tuple[str, ...] = getattr(scope, "offers", ())
    tags: tuple[str, ...] = getattr(scope, "tags", ())
    return (
        (not scope.channels or treatment.channel in scope.channels)
        and (not products or offer.product in products)
        and (not offers or offer.name in offers)
        and (not tags or bool(set(tags) & set(offer.tags)))
        and not set(scope.except_tags) & set(offer.tags)
    )


def _where(wanted: list[bool]) -> Columns:
    return np.flatnonzero(np.array(wanted, dtype=bool))
