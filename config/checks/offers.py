"""Checks of `offers.yaml` against the other files; decisioning checks the offers themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from config.checks.outcomes import FILE, Complaint, outcome_complaints, value_problems
from domain.errors import Problem, nearest
from domain.offer import Offer, OfferClass
from events.vocabulary import Vocabulary
from features.journey.settings import Journey

LONGEST_WINDOW_DAYS: Final = 365
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NAME_WORDS: Final = "lower-case letters, digits and _, a letter first"


def offer_problems(offers: Sequence[Offer], vocabulary: Vocabulary, journey: Journey) -> Iterator[Problem]:
    """Find unknown names, numbers out of range, and offers that no stage or step can reach."""
    if not offers:
        yield Problem(file=FILE, path=(), what="a bank without offers", expected="at least one offer")
    for position, offer in enumerate(offers):
        for path, what, got, expected in _complaints(offer, vocabulary, journey):
            yield Problem(file=FILE, path=(position, *path), what=f"{offer.name}: {what}", got=got, expected=expected)
    yield from value_problems(offers)


def _complaints(offer: Offer, vocabulary: Vocabulary, journey: Journey) -> Iterator[Complaint]:
    if not _NAME.fullmatch(offer.name):
        yield ("name",), "not a name", f"'{offer.name}'", _NAME_WORDS
    if offer.product is not None and offer.product not in vocabulary.products:
        yield ("product",), "unknown product", f"'{offer.product}'", nearest(offer.product, vocabulary.products)
    for position, treatment in enumerate(offer.treatments):
        if treatment.channel not in vocabulary.channels:
            path = ("treatments", position, "channel")
            yield path, "unknown channel", f"'{treatment.channel}'", nearest(treatment.channel, vocabulary.channels)
        if treatment.cost < 0:
            yield (
                ("treatments", position, "cost"),
                "a contact cannot have a negative cost",
                f"{treatment.cost}",
                "0 or more",
            )
    for attribute in offer.attributes:
        if not _NAME.fullmatch(attribute):
            yield ("attributes", attribute), "not a name", f"'{attribute}'", _NAME_WORDS
    if offer.offer_class is not OfferClass.COMMERCIAL and not (offer.signed_off_by or "").strip():
        what = f"nobody has signed off that the offer is {offer.offer_class}"
        yield ("offer_class",), what, f"'{offer.offer_class}'", "`signed_off_by` with a name, or the class commercial"
    if not 1 <= offer.response_window_days <= LONGEST_WINDOW_DAYS:
        got = f"{offer.response_window_days} days"
        yield ("response_window_days",), "window out of range", got, f"1 to {LONGEST_WINDOW_DAYS} days"
    if offer.expected_acceptance is not None and not 0 < offer.expected_acceptance < 1:
        got = f"{offer.expected_acceptance:g}"
        yield ("expected_acceptance",), "not a share of customers", got, "more than 0 and less than 1, such as 0.03"
    if offer.counts_as is not None:
        yield from outcome_complaints(offer.counts_as, vocabulary)
    yield from _unreachable(offer, journey)


def _unreachable(offer: Offer, journey: Journey) -> Iterator[Complaint]:
    stages = [condition.stage for condition in journey.stages]
    lacking = [stage for stage in offer.stages if stage not in stages]
    for stage in lacking:
        path = ("stages", offer.stages.index(stage))
        what = "no customer is ever in this stage" if len(lacking) < len(offer.stages) else "no stage can reach it"
        yield path, what, f"'{stage}'", nearest(stage, stages)
    steps = [condition.step for condition in journey.steps]
    for position, step in enumerate(offer.steps):
        if step not in steps:
            yield ("steps", position), "no customer is ever at this step", f"'{step}'", nearest(step, steps)
