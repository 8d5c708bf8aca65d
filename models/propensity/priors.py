"""Priors: acceptance rates of offers independent of the customer, for customers about whom nothing is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.offer import Offer
from expressions.types import Array, Category
from features.table import FeatureTable
from models.baselines.popularity import prevalence
from models.propensity.impressions import Impressions
from models.segments import segment_names

SEGMENT: Final = "stage"
"""Feature whose values are the segments."""

STRENGTH: Final = 100.0
"""Weight of the rate one level up, in impressions. With a hundred impressions only a few are accepted, so the observed
rate is mostly chance; with a thousand it is reliable."""


def shrunk(accepted: float, presented: float, parent: float, strength: float = STRENGTH) -> float:
    """Estimate a rate from few observations and the rate one level up.

    The posterior mean of a binomial rate whose prior is Beta(s p, s (1 - p)), p the parent's rate and s the
    strength: (y + s p) / (n + s) (Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.4). It lies between
    the parent's rate and the observed one, so it is never 0 or 1 unless the parent's is.

    Example:
        >>> shrunk(0, 0, 0.04), shrunk(0, 100, 0.04), round(shrunk(9_000, 100_000, 0.04), 3)
        (0.04, 0.02, 0.09)
    """
    return (accepted + strength * parent) / (presented + strength)


@dataclass(frozen=True, slots=True)
class Priors:
    """Acceptance rates, each shrunk to the one a level up: overall, product, offer, offer in channel, in segment.

    Attributes:
        overall: Rate of all impressions.
        products: Rates by product.
        rates: Rates by offer; by offer and channel; by offer, channel and segment.
    """

    overall: float
    products: Mapping[str, float]
    rates: Mapping[tuple[str, ...], float]

    def rate(self, offer: Offer, channel: str, segment: str | None) -> float:
        """Return the rate of the finest level known to training.

        An unknown offer has the rate that the bank expects of it, or else that of its product.

        Example:
            >>> loan = Offer(name="loan", product="credit", description="", value="1", treatments=(), stages=())
            >>> priors = Priors(0.03, {"credit": 0.02}, {("loan",): 0.025, ("loan", "app"): 0.01})
            >>> priors.rate(loan, "app", "growth"), priors.rate(loan, "letter", None)
            (0.01, 0.025)
        """
        path = (offer.name, channel) if segment is None else (offer.name, channel, segment)
        for length in range(len(path), 0, -1):
            found = self.rates.get(path[:length])
            if found is not None:
                return found
        if offer.expected_acceptance is not None:
            return offer.expected_acceptance
        return self.products.get(offer.product or "", self.overall)

    def table(self, features: FeatureTable, pairs: Sequence[tuple[Offer, str]]) -> Array:
        """Return the rates of m offers in channels for n customers at their stages, shape (n, m)."""
        segments = _segments(features).tolist()
        rates = [[self.rate(offer, channel, segment) for offer, channel in pairs] for segment in segments]
        return np.array(rates, dtype=np.float64).reshape(len(features), len(pairs))

    def of_rows(self, features: FeatureTable, pairs: Sequence[tuple[Offer, str]]) -> Array:
        """Return the rate of pair i for customer i, shape (n,)."""
        segments = _segments(features).tolist()
        rates = [self.rate(offer, channel, segment) for (offer, channel), segment in zip(pairs, segments, strict=True)]
        return np.array(rates, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return the priors as JSON-compatible values."""
        return {
            "overall": self.overall,
            "products": dict(self.products),
            "rates": [[list(path), rate] for path, rate in self.rates.items()],
        }

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Priors:
        """Read priors from `to_json` output."""
        return cls(parts["overall"], dict(parts["products"]), {tuple(path): rate for path, rate in parts["rates"]})


def fit_priors(rows: Impressions) -> Priors:
    """Count impressions and acceptances, and shrink their rates from the coarsest level to the finest.

    What the bank expects of an offer takes the place of its product's rate.

    Args:
        rows: Impressions whose outcomes are known. One without a channel counts for its offer only; one of a customer
            without a stage counts for the offer in the channel.
    """
    seen = list(zip(rows.pair.tolist(), _segments(rows.features).tolist(), strict=True))
    presented = Counter(seen)
    accepted = Counter(group for group, y in zip(seen, rows.y.tolist(), strict=True) if y == 1.0)
    levels: dict[tuple[str, ...], _Level] = {}
    products: dict[str, _Level] = {}
    for (place, segment), count in presented.items():
        offer, channel = rows.pairs[place]
        parts = (offer.name, channel, segment)
        path = tuple(takewhile(lambda part: part is not None, parts))
        within = [levels.setdefault(path[:length], _Level(offer)) for length in range(1, len(path) + 1)]
        if offer.product is not None:
            within.append(products.setdefault(offer.product, _Level(offer)))
        for level in within:
            level.presented += count
            level.accepted += accepted[place, segment]
    observed, expected = float(prevalence(rows.y, 1)[0]), expected_rate([offer for offer, _ in rows.pairs])
    overall = observed if expected is None else shrunk(float(rows.y.sum()), len(rows), expected)
    of_products = {name: products[name].shrunk(overall) for name in sorted(products)}
    coarse = Priors(overall, of_products, {})
    rates: dict[tuple[str, ...], float] = {}
    for path in sorted(levels, key=lambda path: (len(path), path)):
        offer = levels[path].offer
        rates[path] = levels[path].shrunk(rates[path[:-1]] if len(path) > 1 else coarse.rate(offer, path[0], None))
    return Priors(overall, of_products, rates)


def stated_priors(offers: Sequence[Offer]) -> Priors | None:
    """Return the rates of a bank without any answers: those that it expects; None if it expects none.

    Example:
        >>> loan = Offer(name="loan", description="", value="1", treatments=(), stages=(), expected_acceptance=0.02)
        >>> stated_priors([loan]), stated_priors([])
        (Priors(overall=0.02, products={}, rates={}), None)
    """
    expected = expected_rate(offers)
    return None if expected is None else Priors(expected, {}, {})


def expected_rate(offers: Sequence[Offer]) -> float | None:
    """Return the mean of the rates that a bank expects of its offers; None if it expects none."""
    stated = {offer.name: offer.expected_acceptance for offer in offers if offer.expected_acceptance is not None}
    return sum(stated.values()) / len(stated) if stated else None


@dataclass(slots=True)
class _Level:
    """Counts of one product, of an offer, of an offer in a channel, or of an offer in a channel and segment."""

    offer: Offer
    presented: int = 0
    accepted: int = 0

    def shrunk(self, parent: float) -> float:
        return shrunk(self.accepted, self.presented, parent)


def _segments(features: FeatureTable) -> NDArray[np.object_]:
    if not isinstance(features.schema.get(SEGMENT), Category):
        return np.full(len(features), None, dtype=object)
    return segment_names(features, SEGMENT)
