"""Reasons for a model's score of an offer, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.decision import Decision
from domain.offer import Offer, Treatment
from expressions.types import Boolean, Category, Number
from features.catalogue import FeatureCatalogue
from features.table import FeatureTable
from models.propensity.families import Pair, feature_behind
from serving.decider import Decider

REASONS_PER_OFFER = 3
OF_THE_CANDIDATE = {
    "offer": "How this offer is usually received",
    "channel": "How offers in this channel are usually received",
    "product": "How offers of this product are usually received",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One input that moved the model's score.

    Attributes:
        name: Feature, or attribute of the offer.
        description: Description from the catalogue.
        value: The customer's value in words; empty if it is not about the customer.
        log_odds: Contribution to the calibrated log-odds of acceptance; positive speaks for the offer.
    """

    name: str
    description: str
    value: str
    log_odds: float

    def sentence(self) -> str:
        """Return the reason as a sentence.

        Example:
            >>> Reason("savings_view_count_7d", "Looks at the product", "3", 0.7).sentence()
            'Looks at the product: 3 (speaks for it)'
        """
        value = f": {self.value}" if self.value else ""
        return f"{self.description}{value} (speaks {'for' if self.log_odds > 0 else 'against'} it)"


def reasons_for(
    decision: Decision, features: FeatureTable, decider: Decider, *, unknown: bool = False
) -> tuple[tuple[Reason, ...], ...]:
    """Explain the ranked offers of a decision, the strongest reasons first.

    Args:
        decision: The customer's decision.
        features: The customer's features, one row.
        decider: Decider whose propensity model scored; without a model there are no reasons.
        unknown: Whether nothing is known of the customer, as passed to `Decider.decide`.

    Returns:
        Up to `REASONS_PER_OFFER` reasons per ranked offer; none if the offer has no score.
    """
    by_name = {
        (offer.name, treatment.channel): (offer, treatment) for offer, treatment in decider.policy.candidates.pairs
    }
    scored = [candidate for candidate in decision.offers if candidate.propensity is not None]
    pairs = [by_name[candidate.offer, candidate.channel] for candidate in scored]
    reasons = iter(reasons_of(pairs, features, [0] * len(pairs), decider, unknown=unknown))
    return tuple(() if candidate.propensity is None else next(reasons) for candidate in decision.offers)


def reasons_of(
    pairs: Sequence[tuple[Offer, Treatment]],
    features: FeatureTable,
    rows: Sequence[int],
    decider: Decider,
    *,
    unknown: bool = False,
) -> tuple[tuple[Reason, ...], ...]:
    """Explain the scores of some candidates, all in one call of the model.

    Args:
        pairs: The k candidates.
        features: Features of customers.
        rows: Row of each candidate's customer.
        decider: As in `reasons_for`.
        unknown: As in `reasons_for`.

    Returns:
        Reasons per candidate, as in `reasons_for`.
    """
    if decider.propensity is None or not pairs:
        return tuple(() for _ in pairs)
    inputs, model = features.take(np.array(rows, dtype=np.intp)), decider.propensity
    cold = decider.starts_cold(unknown=unknown)
    contributions = model.explain_prior(inputs, pairs) if cold else model.explain(inputs, pairs)
    return tuple(
        tuple(
            _reason(name, log_odds, (offer, treatment.channel), features, row, decider.bank.features)
            for name, log_odds in strongest
            if log_odds != 0.0
        )
        for (offer, treatment), row, strongest in zip(
            pairs, rows, contributions.strongest(REASONS_PER_OFFER), strict=True
        )
    )


def _reason(
    name: str, log_odds: float, pair: Pair, features: FeatureTable, row: int, catalogue: FeatureCatalogue
) -> Reason:
    feature = catalogue.features.get(feature_behind(catalogue, name, pair))
    if feature is None:
        described = OF_THE_CANDIDATE.get(name, name.replace("_", " ").capitalize())
        return Reason(name, described, "", log_odds)
    value = float(features.columns[feature.name][row])
    return Reason(name, feature.description, _in_words(value, feature.type), log_odds)


def _in_words(value: float, kind: Number | Boolean | Category) -> str:
    if np.isnan(value):
        return "unknown"
    match kind:
        case Category(names):
            return names[int(value)]
        case Boolean():
            return "yes" if value == 1.0 else "no"
        case Number():
            return f"{value:.4g}"
