"""Checks of what offers count as: events that exist, that everybody can have, and that have one worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from domain.errors import Problem, nearest
from domain.offer import Offer
from domain.outcome import CountsAs
from events.vocabulary import Vocabulary
from features.outcomes import products_of

FILE: Final = "offers.yaml"
LONGEST_DAYS: Final = 365

Complaint = tuple[tuple[str | int, ...], str, str | None, str]


def outcome_complaints(outcome: CountsAs, vocabulary: Vocabulary) -> Iterator[Complaint]:
    """Find unknown events and products, numbers out of range, and events that only customers who were shown have."""
    contacts = vocabulary.contacts.roles.values() if vocabulary.contacts else ()
    usual = [name for name in vocabulary.types if name not in contacts]
    if not outcome.types:
        yield ("counts_as", "types"), "no event says whether it has worked", None, "at least one event type"
    for part, names in (("types", outcome.types), ("reversed_by", outcome.reversed_by)):
        for position, name in enumerate(names):
            path = ("counts_as", part, position)
            if name in contacts:
                what = "customers who are shown nothing cannot have this event"
                yield path, what, f"'{name}'", "an event that any customer can have, such as an opened product"
            elif name not in vocabulary.types:
                yield path, "unknown event type", f"'{name}'", nearest(name, usual)
    for position, name in enumerate(outcome.products or ()):
        if name not in vocabulary.products:
            expected = nearest(name, vocabulary.products)
            yield ("counts_as", "products", position), "unknown product", f"'{name}'", expected
    within = outcome.within_days
    for key, days, least in (("within_days", within, 1), ("reversed_within_days", outcome.reversed_within_days, 0)):
        if days is not None and not least <= days <= LONGEST_DAYS:
            yield ("counts_as", key), "days out of range", f"{days} days", f"{least} to {LONGEST_DAYS} days"
    if outcome.value is not None and not (math.isfinite(outcome.value) and outcome.value != 0.0):
        yield ("counts_as", "value"), "an outcome without worth", f"{outcome.value:g}", "a number other than 0"


def value_problems(offers: Sequence[Offer]) -> Iterator[Problem]:
    """Find events with two worths, and outcomes whose events no offer values."""
    valued = [(offer, offer.counts_as) for offer in offers if offer.counts_as and offer.counts_as.value is not None]
    for position, offer in enumerate(offers):
        outcome = offer.counts_as
        if outcome is None:
            continue
        alike = [(other, theirs) for other, theirs in valued if other is not offer and _overlap(offer, other)]
        if outcome.value is None and not alike:
            yield Problem(
                file=FILE,
                path=(position, "counts_as"),
                what=f"{offer.name}: nothing says what its events are worth",
                expected="`value` here, or at another offer that counts the same events",
            )
        for other, theirs in alike:
            if outcome.value is not None and (theirs.value, theirs.per) != (outcome.value, outcome.per):
                yield Problem(
                    file=FILE,
                    path=(position, "counts_as", "value"),
                    what=f"{offer.name}: {other.name} gives the same events another worth",
                    got=f"{outcome.value:g} per {outcome.per}",
                    expected=f"{theirs.value:g} per {theirs.per}, or no `value` here",
                )
                break


def _overlap(offer: Offer, other: Offer) -> bool:
    """Return whether some event can count for both offers."""
    assert offer.counts_as is not None, "an offer with an outcome"
    assert other.counts_as is not None, "an offer with an outcome"
    types = set(offer.counts_as.types) & set(other.counts_as.types)
    mine, theirs = set(products_of(offer)), set(products_of(other))
    return bool(types) and (not mine or not theirs or bool(mine & theirs))
