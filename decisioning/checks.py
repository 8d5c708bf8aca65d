"""What can be wrong with a policy beside its expressions: names, numbers, and rules about nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from decisioning.candidates import RESERVED_ATTRIBUTES, Candidates
from decisioning.policy import ContactLimit, Policy, Rule, Weight
from domain.errors import nearest
from domain.offer import Offer
from domain.problem import Problem
from events.vocabulary import Vocabulary
from features.catalogue import FeatureCatalogue

POLICIES_FILE = "policies.yaml"
OFFERS_FILE = "offers.yaml"

MEANINGFUL_TAGS = ("service", "retention")
"""Tags that policies may name though no offer has them yet."""

Path = tuple[str | int, ...]


def number_problems(policy: Policy) -> Iterator[Problem]:
    """Find numbers that make no sense."""
    shares = (
        (policy.exploration.epsilon, ("exploration", "epsilon")),
        (policy.exploration.floor, ("exploration", "floor")),
        (policy.holdout_share, ("holdout_share",)),
    )
    for share, path in shares:
        if not 0.0 <= share <= 1.0:
            yield _out_of_range(path, share, "between 0 and 1")
    counts: list[tuple[int, int, Path]] = [
        (policy.exploration.top, 1, ("exploration", "top")),
        (policy.offers_per_channel, 1, ("offers_per_channel",)),
    ]
    for position, limit in enumerate(policy.contact_limits):
        counts += [
            (limit.at_most, 0, ("contact_limits", position, "at_most")),
            (limit.days, 1, ("contact_limits", position, "days")),
        ]
    for count, least, path_of_count in counts:
        if count < least:
            yield _out_of_range(path_of_count, count, f"at least {least}")
    if not math.isfinite(policy.minimum_priority):
        yield _out_of_range(("minimum_priority",), policy.minimum_priority, "a number")
    for part, position, weight in _weights(policy):
        if not (math.isfinite(weight.factor) and weight.factor >= 0.0):
            yield _out_of_range((part, position, "factor"), weight.factor, "a number of at least 0")


def scope_problems(policy: Policy, candidates: Candidates, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find scopes that name nothing that exists, or that no candidate is in."""
    offers = [offer for offer, _ in candidates.pairs]
    valid = {
        "channels": vocabulary.channels,
        "products": vocabulary.products,
        "offers": tuple(dict.fromkeys(offer.name for offer in offers)),
        "tags": (*MEANINGFUL_TAGS, *dict.fromkeys(tag for offer in offers for tag in offer.tags)),
    }
    valid["except_tags"] = valid["tags"]
    for channel in policy.consent:
        if channel not in vocabulary.channels:
            yield _unknown(("consent", channel), "channel", channel, vocabulary.channels)
    for path, scope in _scopes(policy):
        unknown = [
            _unknown((*path, part, position), part.removeprefix("except_").removesuffix("s"), name, names)
            for part, names in valid.items()
            for position, name in enumerate(getattr(scope, part, ()))
            if name not in names
        ]
        yield from unknown
        if not unknown and len(candidates) and not len(candidates.within(scope)):
            yield Problem(
                file=POLICIES_FILE,
                path=path,
                what=f"{scope.name} is about no offer",
                expected="a scope with at least one offer in one channel",
                remedy="correct its channels, products, offers or tags, or leave it out",
            )


def name_problems(policy: Policy, built_in: Iterable[str]) -> Iterator[Problem]:
    """Find names that rules and limits share with each other, or with the rules every policy has."""
    seen = dict.fromkeys(built_in, "a rule that every policy has")
    named: list[tuple[Path, str]] = [
        *((("rules", position, "name"), rule.name) for position, rule in enumerate(policy.rules)),
        *((("contact_limits", position, "name"), limit.name) for position, limit in enumerate(policy.contact_limits)),
    ]
    for path, name in named:
        if name in seen:
            yield Problem(
                file=POLICIES_FILE,
                path=path,
                what=f"the name is taken by {seen[name]}",
                got=f"'{name}'",
                expected="a name of its own",
            )
        seen[name] = f"{path[0]} {path[1]}"


def offer_problems(offers: Sequence[Offer], catalogue: FeatureCatalogue) -> Iterator[Problem]:
    """Find offers that contradict themselves or that nobody could get."""
    names: set[str] = set()
    for position, offer in enumerate(offers):
        channels = [treatment.channel for treatment in offer.treatments]
        complaints: list[tuple[Path, str, str]] = [
            (("name",), "the offer is there twice", "a name of its own") for _ in range(offer.name in names)
        ]
        if len(set(channels)) < len(channels):
            complaints.append((("treatments",), "a channel has two treatments", "one treatment for each channel"))
        if not channels:
            complaints.append((("treatments",), "the offer can be put in no channel", "at least one treatment"))
        if not offer.stages:
            complaints.append((("stages",), "the offer serves no stage, so nobody can get it", "at least one stage"))
        if offer.steps and offer.product is None:
            complaints.append((("steps",), "steps are of a product, and the offer has none", "a product, or no steps"))
        if offer.valid_from and offer.valid_until and offer.valid_until < offer.valid_from:
            complaints.append((("valid_until",), "the offer ends before it begins", f"{offer.valid_from} or later"))
        complaints += [
            (("attributes", attribute), f"'offer_{attribute}' says something else already", "another name")
            for attribute in offer.attributes
            if attribute in RESERVED_ATTRIBUTES or f"offer_{attribute}" in catalogue.features
        ]
        for path, what, expected in complaints:
            yield Problem(file=OFFERS_FILE, path=(position, *path), what=f"{offer.name}: {what}", expected=expected)
        names.add(offer.name)


def _scopes(policy: Policy) -> Iterator[tuple[Path, Rule | ContactLimit | Weight]]:
    for position, rule in enumerate(policy.rules):
        yield ("rules", position), rule
    for position, limit in enumerate(policy.contact_limits):
        yield ("contact_limits", position), limit
    for part, position, weight in _weights(policy):
        yield (part, position), weight


def _weights(policy: Policy) -> Iterator[tuple[str, int, Weight]]:
    for part, weights in (("context", policy.context), ("levers", policy.levers)):
        for position, weight in enumerate(weights):
            yield part, position, weight


def _out_of_range(path: Path, got: float, expected: str) -> Problem:
    return Problem(file=POLICIES_FILE, path=path, what="the number makes no sense", got=f"{got}", expected=expected)


def _unknown(path: Path, what: str, name: str, valid: Iterable[str]) -> Problem:
    return Problem(
        file=POLICIES_FILE, path=path, what=f"unknown {what}", got=f"'{name}'", expected=nearest(name, valid)
    )
