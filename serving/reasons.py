"""Reasons for a model's score of an offer, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from domain.counts import figure
from domain.decision import Candidate, Decision
from domain.offer import Offer, Treatment
from expressions.types import Boolean, Category, Number
from features.catalogue import Feature, FeatureCatalogue
from features.table import FeatureTable
from models.propensity.families import Pair, feature_behind
from serving.decider import Decider
from serving.replay import features_of
from serving.scorers import PropensityScorer

REASONS_ABOUT_CUSTOMER: Final = 3
OFFER: Final = "offer"
SHARE: Final = "share"
"""Unit of features that are a part of a whole; people read them in percent."""
USUALLY_RECEIVED: Final = "How this offer is usually received"
"""Everything that is true of the offer in its channel whoever gets it: one reason, after those about the customer."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One input that moved the model's score.

    Attributes:
        name: Feature of the customer, or `offer`.
        description: Description from the catalogue, with the channel or product and the window that it is about.
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
            >>> Reason("savings_view_count_7d", "Looks at the product (savings, last 7 days)", "3", 0.7).sentence()
            'Looks at the product (savings, last 7 days): 3 (speaks for it)'
        """
        value = f": {self.value}" if self.value else ""
        return f"{self.description}{value} (speaks {'for' if self.log_odds > 0 else 'against'} it)"

    def to_json(self) -> dict[str, Any]:
        """Return the reason as the API writes it."""
        return {
            "name": self.name,
            "description": self.description,
            "value": self.value,
            "log_odds": self.log_odds,
            "sentence": self.sentence(),
        }


def reasons_for(
    decision: Decision, features: FeatureTable, decider: Decider, *, unknown: bool = False
) -> tuple[tuple[Reason, ...], ...]:
    """Explain the ranked offers of a decision: what is true of the customer first, the strongest reasons first.

    Args:
        decision: The customer's decision.
        features: The customer's features, one row.
        decider: Decider whose propensity model scored; without a model there are no reasons.
        unknown: Whether nothing is known of the customer, as passed to `Decider.decide`.

    Returns:
        Per ranked offer up to `REASONS_ABOUT_CUSTOMER` reasons about the customer, then how the offer is usually
        received; none if the offer has no score.
    """
    by_name = pairs_of(decider)
    scored = [candidate for candidate in decision.offers if candidate.propensity is not None]
    pairs = [by_name[candidate.offer, candidate.channel] for candidate in scored]
    reasons = iter(reasons_of(pairs, features, [0] * len(pairs), decider, unknown=unknown))
    return tuple(() if candidate.propensity is None else next(reasons) for candidate in decision.offers)


def reasons_of_record(
    decision: Decision, decider: Decider, model: PropensityScorer | None, *, unknown: bool = False
) -> tuple[tuple[Reason, ...] | None, ...]:
    """Explain the ranked offers of a stored decision as they would have been explained when it was made.

    Args:
        decision: The stored decision.
        decider: Decider in use now, with the names of features and offers.
        model: Propensity model that scored the decision; None if it is gone.
        unknown: As in `reasons_for`.

    Returns:
        For each ranked offer its reasons, as `reasons_for`; None where the model, or the offer as it was, is gone, so
        that the stored propensity does not come out again.
    """
    by_name, features = pairs_of(decider), features_of(decision, decider.schema)
    cold = decider.starts_cold(unknown=unknown)

    def reasons(candidate: Candidate) -> tuple[Reason, ...] | None:
        if candidate.propensity is None:
            return ()
        pair = by_name.get((candidate.offer, candidate.channel))
        if model is None or pair is None or not set(model.names) <= set(features.columns):
            return None
        again = model.prior(features, [pair]) if cold else model.predict(features, [pair])
        if float(again[0, 0]) != candidate.propensity:
            return None
        return _worded([pair], features, [0], model, decider.bank.features, cold=cold)[0]

    return tuple(map(reasons, decision.offers))


def pairs_of(decider: Decider) -> dict[tuple[str, str], tuple[Offer, Treatment]]:
    """Return offers with their treatments, by offer name and channel."""
    return {(offer.name, treatment.channel): (offer, treatment) for offer, treatment in decider.policy.candidates.pairs}


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
    cold = decider.starts_cold(unknown=unknown)
    return _worded(pairs, features, rows, decider.propensity, decider.bank.features, cold=cold)


def _worded(
    pairs: Sequence[tuple[Offer, Treatment]],
    features: FeatureTable,
    rows: Sequence[int],
    model: PropensityScorer,
    catalogue: FeatureCatalogue,
    *,
    cold: bool,
) -> tuple[tuple[Reason, ...], ...]:
    inputs = features.take(np.array(rows, dtype=np.intp))
    contributions = model.explain_prior(inputs, pairs) if cold else model.explain(inputs, pairs)
    return tuple(
        _strongest(zip(contributions.names, values, strict=True), (offer, treatment.channel), features, row, catalogue)
        for (offer, treatment), row, values in zip(pairs, rows, contributions.values.tolist(), strict=True)
    )


def _strongest(
    contributions: Iterable[tuple[str, float]],
    pair: Pair,
    features: FeatureTable,
    row: int,
    catalogue: FeatureCatalogue,
) -> tuple[Reason, ...]:
    """Word what moved a score, each feature once, whichever inputs of the model it is behind."""
    of_offer, of_customer = 0.0, dict[str, float]()
    for name, log_odds in contributions:
        if log_odds != 0.0:
            feature = feature_behind(catalogue, name, pair)
            if feature in catalogue.features:
                of_customer[feature] = of_customer.get(feature, 0.0) + log_odds
            else:
                of_offer += log_odds
    strongest = sorted(of_customer, key=lambda feature: -abs(of_customer[feature]))[:REASONS_ABOUT_CUSTOMER]
    reasons = [_about_customer(catalogue.features[name], of_customer[name], features, row) for name in strongest]
    if of_offer:
        reasons.append(Reason(OFFER, USUALLY_RECEIVED, "", of_offer))
    return tuple(reasons)


def _about_customer(feature: Feature, log_odds: float, features: FeatureTable, row: int) -> Reason:
    value = float(features.columns[feature.name][row])
    return Reason(feature.name, feature.title, _in_words(value, feature), log_odds)


def _in_words(value: float, feature: Feature) -> str:
    if np.isnan(value):
        return "unknown"
    match feature.type:
        case Category(names):
            return names[int(value)]
        case Boolean():
            return "yes" if value == 1.0 else "no"
        case Number():
            return f"{value:.0%}" if feature.unit == SHARE else figure(value)
