"""From what a bank's folder says to a policy that can decide, with everything wrong with it told at once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, tzinfo
from hashlib import blake2b

from decisioning import checks
from decisioning.builder import Builder
from decisioning.candidates import Candidates
from decisioning.compiled import BUILT_IN_RULES, CompiledPolicy
from decisioning.policy import Policy
from decisioning.rules import all_rules, limit_counts
from decisioning.situation import Names
from domain.offer import Offer
from domain.problem import Problem
from events.vocabulary import Vocabulary
from features.catalogue import FeatureCatalogue


def compile_policy(
    policy: Policy,
    offers: tuple[Offer, ...],
    vocabulary: Vocabulary,
    catalogue: FeatureCatalogue,
    *,
    time_zone: tzinfo = UTC,
) -> tuple[CompiledPolicy, list[Problem]]:
    """Check a policy as a whole and make it ready.

    Args:
        policy: What the bank allows, prefers and limits.
        offers: The bank's catalogue of offers.
        vocabulary: For channels, products, and how contacts are told.
        catalogue: Features, with those of `limit_features` among them.
        time_zone: The bank's: offers are valid and hours count in it.

    Returns:
        The policy and everything wrong with it. A rule that does not compile rejects all its candidates, and a value
        that does not is unknown: a policy with problems never offers what the right one would not.
    """
    candidates = Candidates.of(offers, vocabulary)
    names = Names.of(candidates, catalogue, limit_counts(policy.contact_limits, candidates))
    builder = Builder(names)
    rules = all_rules(policy, builder)
    values = [
        builder.value(offer.value, candidates.of_offer(offer.name), (position, "value"))
        for position, offer in enumerate(offers)
    ]
    context = tuple(builder.weight(weight, ("context", position)) for position, weight in enumerate(policy.context))
    levers = tuple(builder.weight(weight, ("levers", position)) for position, weight in enumerate(policy.levers))
    known_values = tuple(value for value in values if value is not None)
    conditions = (weight.condition for weight in (*context, *levers) if weight.condition is not None)
    read = {
        name
        for scoped in (*known_values, *conditions, *(part for rule in rules for part in rule.parts))
        for name in scoped.expression.names
    }
    compiled = CompiledPolicy(
        policy=policy,
        candidates=candidates,
        names=names,
        rules=rules,
        values=known_values,
        context=context,
        levers=levers,
        channels=tuple(channel for channel, columns in candidates.by_channel.items() if len(columns)),
        time_zone=time_zone,
        features=frozenset(feature for name in read for feature in names.features_behind(name)),
        digest=_digest(policy, offers, vocabulary, time_zone),
    )
    taken = (*BUILT_IN_RULES, *(f"consent_{channel}" for channel in policy.consent))
    problems = [
        *checks.number_problems(policy),
        *checks.scope_problems(policy, candidates, vocabulary),
        *checks.name_problems(policy, taken),
        *checks.offer_problems(offers, catalogue),
        *builder.problems,
    ]
    return compiled, problems


def _digest(policy: Policy, offers: tuple[Offer, ...], vocabulary: Vocabulary, time_zone: tzinfo) -> str:
    content = {
        "policy": asdict(policy),
        "offers": [asdict(offer) for offer in offers],
        "channels": vocabulary.channels,
        "products": vocabulary.products,
        "contacts": None if vocabulary.contacts is None else asdict(vocabulary.contacts),
        "time_zone": str(time_zone),
    }
    return blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
