"""Checks of a policy other than its expressions: names, numbers, and scopes that contain nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

from decisioning.budgets.budget import Budget
from decisioning.policies.candidates import RESERVED_ATTRIBUTES, Candidates
from decisioning.policies.policy import ContactLimit, Policy, QuietHours, Rule, Weight
from domain.errors import Problem, nearest
from domain.offer import Offer
from events.vocabulary import ATTRIBUTES_TYPE, Vocabulary
from features.catalogue import FeatureCatalogue

POLICIES_FILE = "policies.yaml"
OFFERS_FILE = "offers.yaml"
BUDGETS_FILE = "budgets.yaml"

LAST_HOUR, DAYS_A_WEEK = 23, 7

MEANINGFUL_TAGS = ("service", "retention")
"""Tags that policies may name even if no offer has them."""

Path = tuple[str | int, ...]


def number_problems(policy: Policy) -> Iterator[Problem]:
    """Find numbers that are out of range."""
    shares = (
        (policy.exploration.epsilon, ("exploration", "epsilon")),
        (policy.exploration.floor, ("exploration", "floor")),
        *((share, ("control", name)) for name, share in _control_shares(policy)),
    )
    for share, path in shares:
        if not 0.0 <= share <= 1.0:
            yield _out_of_range(path, share, "between 0 and 1")
    together = sum(share for _, share in _control_shares(policy))
    if together > 1.0:
        yield _out_of_range(("control",), together, "shares that add up to at most 1")
    for channel, hour in policy.outbound.items():
        if not 0 <= hour <= LAST_HOUR:
            yield _out_of_range(("outbound", channel), hour, f"an hour from 0 to {LAST_HOUR}")
    yield from _quiet_problems(policy)
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


def scope_problems(
    policy: Policy, budgets: Sequence[Budget], candidates: Candidates, vocabulary: Vocabulary
) -> Iterator[Problem]:
    """Find scopes that use unknown names or contain no candidate."""
    offers = [offer for offer, _ in candidates.pairs]
    yield from _feed_problems(policy, offers, vocabulary)
    valid = {
        "channels": vocabulary.channels,
        "products": vocabulary.products,
        "offers": tuple(dict.fromkeys(offer.name for offer in offers)),
        "tags": (*MEANINGFUL_TAGS, *dict.fromkeys(tag for offer in offers for tag in offer.tags)),
    }
    valid["except_tags"] = valid["tags"]
    valid["after_offers"] = valid["offers"]
    for part, channels in (
        ("consent", policy.consent),
        ("without_consent", policy.without_consent),
        ("outbound", policy.outbound),
    ):
        for channel in channels:
            if channel not in vocabulary.channels:
                yield _unknown((part, channel), "channel", channel, vocabulary.channels)
    for file, path, scope in _scopes(policy, budgets):
        unknown = [
            replace(_unknown((*path, part, position), _singular(part), name, names), file=file)
            for part, names in valid.items()
            for position, name in enumerate(getattr(scope, part, ()))
            if name not in names
        ]
        yield from unknown
        if not unknown and len(candidates) and not len(candidates.within(scope)):
            yield Problem(
                file=file,
                path=path,
                what=f"{scope.name} applies to no candidate",
                expected="a scope with at least one offer in one channel",
                remedy="correct its channels, products, offers or tags, or leave it out",
            )


def consent_problems(policy: Policy) -> Iterator[Problem]:
    """Find outbound channels for which the policy does not say whether customers must have consented."""
    for channel in policy.outbound:
        if channel not in policy.consent and channel not in policy.without_consent:
            yield Problem(
                file=POLICIES_FILE,
                path=("outbound", channel),
                what="customers are contacted without a consent condition",
                got=f"'{channel}'",
                expected=f"a condition under `consent`, as {channel}: consent_{channel}",
                remedy=f"or state why none is needed: `without_consent: {{{channel}: ...}}`",
            )
    for channel, why in policy.without_consent.items():
        if channel in policy.consent:
            yield Problem(
                file=POLICIES_FILE,
                path=("without_consent", channel),
                what="the channel is under both `consent` and `without_consent`",
                got=f"'{channel}'",
                expected="only one of the two",
            )
        if not why.strip():
            yield Problem(
                file=POLICIES_FILE,
                path=("without_consent", channel),
                what="no reason why the channel needs no consent",
                got=f"'{why}'",
                expected="the reason in words",
            )


def name_problems(policy: Policy, budgets: Sequence[Budget], built_in: Iterable[str]) -> Iterator[Problem]:
    """Find names used more than once among rules, limits and budgets, or already used by a built-in rule."""
    seen = dict.fromkeys(built_in, "a rule that every policy has")
    parts: tuple[tuple[str, Sequence[Rule | ContactLimit | QuietHours]], ...] = (
        ("rules", policy.rules),
        ("contact_limits", policy.contact_limits),
        ("quiet_hours", policy.quiet_hours),
    )
    named: list[tuple[str, Path, str]] = [
        (POLICIES_FILE, (part, position, "name"), member.name)
        for part, members in parts
        for position, member in enumerate(members)
    ]
    named += [(BUDGETS_FILE, (position, "name"), budget.name) for position, budget in enumerate(budgets)]
    for file, path, name in named:
        if name in seen:
            yield Problem(
                file=file,
                path=path,
                what=f"the name is taken by {seen[name]}",
                got=f"'{name}'",
                expected="a unique name",
            )
        seen[name] = f"{file} {path[0]}" if file == BUDGETS_FILE else f"{path[0]} {path[1]}"


def offer_problems(offers: Sequence[Offer], catalogue: FeatureCatalogue) -> Iterator[Problem]:
    """Find offers that are inconsistent or that nobody could get."""
    names: set[str] = set()
    for position, offer in enumerate(offers):
        channels = [treatment.channel for treatment in offer.treatments]
        complaints: list[tuple[Path, str, str]] = [
            (("name",), "the offer is declared twice", "a unique name") for _ in range(offer.name in names)
        ]
        if len(set(channels)) < len(channels):
            complaints.append((("treatments",), "a channel has two treatments", "one treatment for each channel"))
        if not channels:
            complaints.append((("treatments",), "the offer has no treatment", "at least one treatment"))
        if not offer.stages:
            complaints.append((("stages",), "the offer serves no stage, so nobody can get it", "at least one stage"))
        if offer.steps and offer.product is None:
            complaints.append((("steps",), "steps need a product, and the offer has none", "a product, or no steps"))
        if offer.valid_from and offer.valid_until and offer.valid_until < offer.valid_from:
            complaints.append((("valid_until",), "the offer ends before it begins", f"{offer.valid_from} or later"))
        complaints += [
            (("attributes", attribute), f"'offer_{attribute}' is already defined", "another name")
            for attribute in offer.attributes
            if attribute in RESERVED_ATTRIBUTES or f"offer_{attribute}" in catalogue.features
        ]
        for path, what, expected in complaints:
            yield Problem(file=OFFERS_FILE, path=(position, *path), what=f"{offer.name}: {what}", expected=expected)
        names.add(offer.name)


def _scopes(
    policy: Policy, budgets: Sequence[Budget]
) -> Iterator[tuple[str, Path, Rule | ContactLimit | QuietHours | Weight | Budget]]:
    for position, rule in enumerate(policy.rules):
        yield POLICIES_FILE, ("rules", position), rule
    for position, limit in enumerate(policy.contact_limits):
        yield POLICIES_FILE, ("contact_limits", position), limit
    for position, quiet in enumerate(policy.quiet_hours):
        yield POLICIES_FILE, ("quiet_hours", position), quiet
    for part, position, weight in _weights(policy):
        yield POLICIES_FILE, (part, position), weight
    for position, budget in enumerate(budgets):
        yield BUDGETS_FILE, (position,), budget


def _feed_problems(policy: Policy, offers: Sequence[Offer], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find feeds of unknown events, and those that stop no offer."""
    for position, feed in enumerate(policy.feeds):
        path: Path = ("feeds", position)
        unknown = [name for name in feed.types if name not in vocabulary.types and name != ATTRIBUTES_TYPE]
        for name in unknown:
            what, expected = f"{feed.name}: unknown event type", nearest(name, (*vocabulary.types, ATTRIBUTES_TYPE))
            yield Problem(file=POLICIES_FILE, path=(*path, "types"), what=what, got=f"'{name}'", expected=expected)
        if not (math.isfinite(feed.stale_after_hours) and feed.stale_after_hours > 0.0):
            yield _out_of_range((*path, "stale_after_hours"), feed.stale_after_hours, "a number of hours above 0")
        if not feed.types:
            what, expected = f"{feed.name}: a feed needs event types", "at least one event type"
            yield Problem(file=POLICIES_FILE, path=(*path, "types"), what=what, got="none", expected=expected)
        if not any(feed.covers(offer) for offer in offers):
            what, expected = f"{feed.name}: the feed stops no offer", "products, offers or tags that some offer has"
            yield Problem(file=POLICIES_FILE, path=path, what=what, got=None, expected=expected)


def _control_shares(policy: Policy) -> list[tuple[str, float]]:
    names = (field.name for field in fields(policy.control) if field.name.endswith("_share"))
    return [(name, getattr(policy.control, name)) for name in names]


def _quiet_problems(policy: Policy) -> Iterator[Problem]:
    for position, quiet in enumerate(policy.quiet_hours):
        path = ("quiet_hours", position)
        for name, hour, last in (
            ("from_hour", quiet.from_hour, LAST_HOUR),
            ("until_hour", quiet.until_hour, LAST_HOUR + 1),
        ):
            if not 0 <= hour <= last:
                yield _out_of_range((*path, name), hour, f"an hour from 0 to {last}")
        if quiet.from_hour == quiet.until_hour:
            yield _out_of_range((*path, "until_hour"), quiet.until_hour, "another hour than from_hour")
        if not quiet.channels:
            yield _out_of_range((*path, "channels"), 0, "at least one channel")
        for place, day in enumerate(quiet.days_of_week):
            if not 1 <= day <= DAYS_A_WEEK:
                yield _out_of_range((*path, "days_of_week", place), day, "a day from 1, Monday, to 7")
    for position, limit in enumerate(policy.contact_limits):
        if limit.after_offers and limit.per != "customer":
            problem = _out_of_range(("contact_limits", position, "per"), 0, "customer, where after_offers are counted")
            yield replace(problem, what="contacts of other offers are counted per customer", got=f"'{limit.per}'")


def _singular(part: str) -> str:
    return part.removeprefix("except_").removeprefix("after_").removesuffix("s")


def _weights(policy: Policy) -> Iterator[tuple[str, int, Weight]]:
    for part, weights in (("context", policy.context), ("levers", policy.levers)):
        for position, weight in enumerate(weights):
            yield part, position, weight


def _out_of_range(path: Path, got: float, expected: str) -> Problem:
    return Problem(file=POLICIES_FILE, path=path, what="the number is out of range", got=f"{got}", expected=expected)


def _unknown(path: Path, what: str, name: str, valid: Iterable[str]) -> Problem:
    return Problem(
        file=POLICIES_FILE, path=path, what=f"unknown {what}", got=f"'{name}'", expected=nearest(name, valid)
    )
