"""The answer to a question: which offers, where, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.offer import Offer, Treatment
from serving.live.asking import Asked
from serving.reasons import Reason

RANK: Final = 8
"""Place of the rank in a trace's candidate."""


def chosen(
    asked: Asked, trace: Mapping[str, Any], pairs: Mapping[tuple[str, str], tuple[Offer, Treatment]]
) -> list[tuple[list[Any], str | None]]:
    """Take the ranked candidates that are answered with, and put them in the places asked for.

    A candidate takes the first free place that its treatment is made for; a treatment without a slot fits any. With
    places named, what fits none of them is not offered.

    Returns:
        The trace's candidates by rank, each with its place.
    """
    free = list(asked.placements)
    answered: list[tuple[list[Any], str | None]] = []
    for candidate in trace["candidates"]:
        if candidate[RANK] is None or (asked.offers is not None and len(answered) >= asked.offers):
            break
        place = None
        if asked.placements:
            slot = pairs[candidate[0], asked.channel][1].slot
            place = next((name for name in free if slot in {None, name}), None)
            if place is None:
                continue
            free.remove(place)
        answered.append((candidate, place))
    return answered


def answer_of(
    asked: Asked,
    trace: Mapping[str, Any],
    answered: Sequence[tuple[list[Any], str | None]],
    pairs: Mapping[tuple[str, str], tuple[Offer, Treatment]],
    reasons: Sequence[Sequence[Reason]],
    *,
    features_from: str,
    degraded: Sequence[str],
) -> dict[str, Any]:
    """Say a decision to the channel that asked.

    Args:
        asked: The question.
        trace: Of the decision.
        answered: Of `chosen`.
        pairs: Offers and treatments by name and channel.
        reasons: For each answered candidate.
        features_from: Where the features came from.
        degraded: What was not as it should be; empty where everything was.
    """
    return {
        "decision_id": trace["decision_id"],
        "customer_id": asked.customer_id,
        "channel": asked.channel,
        "as_of": trace["as_of"],
        "stage": trace["stage"],
        "offers": [
            _offer(candidate, place, *pairs[candidate[0], asked.channel], why)
            for (candidate, place), why in zip(answered, reasons, strict=True)
        ],
        "fallback": trace["fallback"],
        "features_from": features_from,
        "degraded": list(degraded),
        "versions": trace["versions"],
        "dry_run": asked.dry_run,
    }


def _offer(
    candidate: list[Any], place: str | None, offer: Offer, treatment: Treatment, reasons: Sequence[Reason]
) -> dict[str, Any]:
    _, propensity, value, *_, priority, rank, selection_probability, rank_probability, _ = candidate
    return {
        "rank": rank,
        "offer": offer.name,
        "description": offer.description,
        "product": offer.product,
        "offer_class": offer.offer_class.value,
        "message": treatment.message,
        "slot": treatment.slot,
        "placement": place,
        "propensity": propensity,
        "value": value,
        "priority": priority,
        "selection_probability": selection_probability,
        "rank_probability": rank_probability,
        "reasons": [
            {
                "name": reason.name,
                "description": reason.description,
                "value": reason.value,
                "log_odds": reason.log_odds,
                "sentence": reason.sentence(),
            }
            for reason in reasons
        ],
    }
