"""The answer to a question: which offers, where, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from decisioning.explaining.trace import Trace
from domain.decision import Candidate
from domain.offer import Offer, Treatment
from serving.reasons import Reason
from serving.service.decision_request import DecisionRequest


def chosen(
    asked: DecisionRequest, decision: Trace, pairs: Mapping[tuple[str, str], tuple[Offer, Treatment]]
) -> list[tuple[Candidate, str | None]]:
    """Select the ranked candidates of the answer and assign them to the requested placements.

    A candidate takes the first free placement that its treatment fits; a treatment without a slot fits any. If the
    request names placements, a candidate that fits none of them is not offered.

    Returns:
        The candidates by rank, each with its placement.
    """
    free = list(asked.placements)
    answered: list[tuple[Candidate, str | None]] = []
    for candidate in decision.offers:
        if asked.offers is not None and len(answered) >= asked.offers:
            break
        place = None
        if asked.placements:
            slot = pairs[candidate.offer, candidate.channel][1].slot
            place = next((name for name in free if slot in {None, name}), None)
            if place is None:
                continue
            free.remove(place)
        answered.append((candidate, place))
    return answered


def answer_of(
    asked: DecisionRequest,
    decision: Trace,
    offers: Sequence[Mapping[str, Any]],
    *,
    features_from: str,
    degraded: Sequence[str],
) -> dict[str, Any]:
    """Return a decision as the JSON object that answers the request.

    Args:
        asked: The request.
        decision: The decision.
        offers: Its offers, each from `offer_of`.
        features_from: Where the features came from.
        degraded: What was degraded; empty if nothing was.
    """
    return {
        "decision_id": decision.decision_id,
        "customer_id": asked.customer_id,
        "channel": asked.channel,
        "as_of": decision.as_of,
        "stage": decision.stage,
        "offers": offers,
        "fallback": decision.fallback,
        "features_from": features_from,
        "degraded": [str(what) for what in degraded],
        "versions": decision.versions,
        "dry_run": asked.dry_run,
    }


def offer_of(
    candidate: Candidate, place: str | None, pair: tuple[Offer, Treatment], reasons: Sequence[Reason]
) -> dict[str, Any]:
    """Return one offer of an answer: a candidate in its placement, its offer and treatment, and its reasons."""
    offer, treatment = pair
    return {
        "rank": candidate.rank,
        "offer": offer.name,
        "description": offer.description,
        "product": offer.product,
        "offer_class": offer.offer_class.value,
        "message": treatment.message,
        "slot": treatment.slot,
        "placement": place,
        "propensity": candidate.propensity,
        "value": candidate.value,
        "priority": candidate.priority,
        "selection_probability": candidate.selection_probability,
        "rank_probability": candidate.rank_probability,
        "reasons": [reason.to_json() for reason in reasons],
    }
