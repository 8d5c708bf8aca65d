"""How often offers are accepted, whoever the customer is: what is said of customers of whom nothing is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from domain.offer import Offer
from expressions.types import Array
from features.table import FeatureTable
from models.baselines.prevalence import prevalence
from models.propensity.impressions import Impressions
from models.segments import segment_names

SEGMENT: Final = "stage"
"""Feature whose values are the segments."""

STRENGTH: Final = 100.0
"""Impressions that the rate one level up counts as. Of a hundred a few are accepted, so that a rate of fewer is mostly
chance; of a thousand the rate is its own."""


def shrunk(accepted: float, presented: float, parent: float, strength: float = STRENGTH) -> float:
    """Estimate a rate from few observations and the rate of what it is a part of.

    The mean of the posterior of a binomial rate whose prior is Beta(s p, s (1 - p)), p the parent's rate and s the
    strength: (y + s p) / (n + s) (Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.4). It lies between
    the parent's rate and the observed one, and so is never 0 or 1 where the parent's is not.

    Example:
        >>> shrunk(0, 0, 0.04), shrunk(0, 100, 0.04), round(shrunk(9_000, 100_000, 0.04), 3)
        (0.04, 0.02, 0.09)
    """
    return (accepted + strength * parent) / (presented + strength)


@dataclass(frozen=True, slots=True)
class Priors:
    """Acceptance rates, each shrunk to the one a level up: overall, product, offer, offer in channel, in segment.

    Attributes:
        overall: Of all impressions.
        products: By product.
        rates: By offer; by offer and channel; by offer, channel and segment.
    """

    overall: float
    products: Mapping[str, float]
    rates: Mapping[tuple[str, ...], float]

    def rate(self, offer: Offer, channel: str, segment: str | None) -> float:
        """Give the rate of the finest level that training knew; an offer it did not know has that of its product.

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
        return self.products.get(offer.product or "", self.overall)

    def table(self, features: FeatureTable, pairs: Sequence[tuple[Offer, str]]) -> Array:
        """Give the rates of m offers in channels for n customers of some stage, shape (n, m)."""
        segments = _segments(features).tolist()
        rates = [[self.rate(offer, channel, segment) for offer, channel in pairs] for segment in segments]
        return np.array(rates, dtype=np.float64).reshape(len(features), len(pairs))

    def of_rows(self, features: FeatureTable, pairs: Sequence[tuple[Offer, str]]) -> Array:
        """Give the rate of pair i for customer i, shape (n,)."""
        segments = _segments(features).tolist()
        rates = [self.rate(offer, channel, segment) for (offer, channel), segment in zip(pairs, segments, strict=True)]
        return np.array(rates, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Give everything as JSON can hold it."""
        return {
            "overall": self.overall,
            "products": dict(self.products),
            "rates": [[list(path), rate] for path, rate in self.rates.items()],
        }

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> Priors:
        """Read what `to_json` gave."""
        return cls(parts["overall"], dict(parts["products"]), {tuple(path): rate for path, rate in parts["rates"]})


def fit_priors(rows: Impressions) -> Priors:
    """Count impressions and acceptances, and shrink their rates from the coarsest level to the finest.

    Args:
        rows: Impressions whose answers are known. One without a channel counts for its offer, one of a customer in no
            stage for the offer in the channel.
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
        within = [levels.setdefault(path[:length], _Level(offer.product)) for length in range(1, len(path) + 1)]
        if offer.product is not None:
            within.append(products.setdefault(offer.product, _Level(offer.product)))
        for level in within:
            level.presented += count
            level.accepted += accepted[place, segment]
    overall = float(prevalence(rows.y, 1)[0])
    of_products = {name: products[name].shrunk(overall) for name in sorted(products)}
    rates: dict[tuple[str, ...], float] = {}
    for path in sorted(levels, key=lambda path: (len(path), path)):
        level = levels[path]
        rates[path] = level.shrunk(rates[path[:-1]] if len(path) > 1 else of_products.get(level.product or "", overall))
    return Priors(overall, of_products, rates)


@dataclass(slots=True)
class _Level:
    """What was counted of one offer, offer in a channel, or so in a segment."""

    product: str | None
    presented: int = 0
    accepted: int = 0

    def shrunk(self, parent: float) -> float:
        return shrunk(self.accepted, self.presented, parent)


def _segments(features: FeatureTable) -> NDArray[np.object_]:
    if SEGMENT not in features.columns:
        return np.full(len(features), None, dtype=object)
    return segment_names(features, SEGMENT)
