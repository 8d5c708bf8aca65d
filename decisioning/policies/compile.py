"""Compiles a bank's policy, offers and budgets into a policy that can decide, and reports all problems at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, tzinfo
from hashlib import blake2b

import numpy as np

from decisioning.budgets.budget import Budget
from decisioning.policies import checks
from decisioning.policies.builder import Builder
from decisioning.policies.candidates import Candidates
from decisioning.policies.checks import BUDGETS_FILE
from decisioning.policies.cold_start import assumptions
from decisioning.policies.compiled import (
    BUDGET,
    BUILT_IN_RULES,
    SCORE,
    CompiledBudget,
    CompiledPolicy,
    CompiledRule,
    consent_rule,
)
from decisioning.policies.contact_times import ContactTimes, contact_time_problems
from decisioning.policies.control_checks import control_problems
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Policy
from decisioning.policies.rules import all_rules, limit_counts
from decisioning.policies.symbol_table import SymbolTable
from decisioning.policies.trial_checks import trial_problems
from decisioning.policies.verdicts import BITS_PER_WORD, Bits, words_for
from domain.errors import Problem
from domain.offer import Offer, OfferClass
from domain.pause import Pause
from events.vocabulary import Vocabulary
from features.catalogue import FeatureCatalogue


def compile_policy(
    policy: Policy,
    offers: tuple[Offer, ...],
    vocabulary: Vocabulary,
    catalogue: FeatureCatalogue,
    budgets: tuple[Budget, ...] = (),
    *,
    time_zone: tzinfo = UTC,
    pauses: Sequence[Pause] = (),
) -> tuple[CompiledPolicy, list[Problem]]:
    """Check a policy as a whole and compile it.

    Args:
        policy: The bank's rules, limits, weights and levers.
        offers: The bank's offers.
        vocabulary: Channels, products, request fields and contact events.
        catalogue: All features, including those of `limit_features`.
        budgets: The bank's budgets.
        time_zone: The bank's time zone, for validity dates and hours.
        pauses: Pauses in force; what they stop is offered to nobody.

    Returns:
        The policy and all problems found. A rule that does not compile rejects all its candidates, and a value
        that does not compile is unknown: a policy with problems never offers what the correct one would not.
    """
    candidates = Candidates.of(offers, vocabulary)
    counts = limit_counts(policy.contact_limits, candidates)
    times = ContactTimes.of(policy, catalogue, time_zone)
    names = SymbolTable.of(candidates, catalogue, counts, times, policy, vocabulary)
    builder = Builder(names)
    rules = all_rules(policy, budgets, builder, pauses)
    values = [
        builder.number(offer.value, candidates.of_offer(offer.name), (position, "value"), checks.OFFERS_FILE)
        for position, offer in enumerate(offers)
    ]
    context = tuple(builder.weight(weight, ("context", position)) for position, weight in enumerate(policy.context))
    levers = tuple(builder.weight(weight, ("levers", position)) for position, weight in enumerate(policy.levers))
    known_values = tuple(value for value in values if value is not None)
    personalised = None
    if policy.personalised is not None:
        personalised = builder.about_customers(policy.personalised, ("personalised",))
    ready_budgets = compile_budgets(budgets, rules, builder)
    scoped = (
        *known_values,
        *(weight.condition for weight in (*context, *levers)),
        *(part for rule in rules for part in rule.parts),
        *(budget.charge for budget in ready_budgets),
        personalised,
    )
    read = {name for part in scoped if part is not None for name in part.expression.names}
    permissions = (personalised, *(part for rule in rules if rule.kind == "consent" for part in rule.parts))
    permitting = {name for part in permissions if part is not None for name in part.expression.names}
    behind = [feature for name in sorted(permitting) for feature in names.features_behind(name)]
    behind += filter(None, [policy.recipient_time_zone])
    assumed, cold_start_problems = assumptions(policy, catalogue, behind)
    compiled = CompiledPolicy(
        policy=policy,
        candidates=candidates,
        names=names,
        rules=rules,
        personalised=personalised,
        values=known_values,
        budgets=ready_budgets,
        scored=np.flatnonzero([offer.offer_class == OfferClass.COMMERCIAL for offer, _ in candidates.pairs]),
        ignored=_ignored(rules),
        context=context,
        levers=levers,
        channels=tuple(channel for channel, columns in candidates.by_channel.items() if len(columns)),
        time_zone=time_zone,
        features=frozenset(
            [
                *(feature for name in read for feature in names.features_behind(name)),
                *filter(None, [policy.control.household, policy.recipient_time_zone]),
            ]
        ),
        assumed=assumed,
        digest=_digest(policy, offers, vocabulary, budgets, time_zone, pauses),
    )
    _ = compiled.program  # made here, so that what it cannot compute is known when the folder is loaded
    taken = (*BUILT_IN_RULES, *(consent_rule(channel) for channel in policy.consent))
    problems = [
        *checks.number_problems(policy),
        *checks.consent_problems(policy),
        *checks.scope_problems(policy, budgets, candidates, vocabulary),
        *checks.name_problems(policy, budgets, taken),
        *budget_problems(budgets),
        *checks.offer_problems(offers, catalogue),
        *control_problems(policy, offers, vocabulary),
        *trial_problems(policy, vocabulary),
        *contact_time_problems(policy, vocabulary),
        *builder.problems,
        *cold_start_problems,
    ]
    return compiled, problems


def _ignored(rules: tuple[CompiledRule, ...]) -> Bits:
    """Return which rules each arm ignores; experiments never switch off rules that protect a customer."""
    kinds = {Arm.ELIGIBILITY_ONLY: {"applicability"}, Arm.NOT_PERSONALISED: {SCORE}}
    bits: Bits = np.zeros((len(Arm), words_for(len(rules))), dtype=np.uint64)
    for arm, ignored in kinds.items():
        for position, rule in enumerate(rules):
            if rule.kind in ignored:
                word, bit = divmod(position, BITS_PER_WORD)
                bits[arm, word] |= np.uint64(1 << bit)
    return bits


def _digest(
    policy: Policy,
    offers: tuple[Offer, ...],
    vocabulary: Vocabulary,
    budgets: tuple[Budget, ...],
    time_zone: tzinfo,
    pauses: Sequence[Pause],
) -> str:
    content: dict[str, object] = {
        "policy": asdict(policy),
        "offers": [asdict(offer) for offer in offers],
        "budgets": [asdict(budget) for budget in budgets],
        "channels": vocabulary.channels,
        "products": vocabulary.products,
        "request": {name: asdict(field) for name, field in vocabulary.request.items()},
        "contacts": None if vocabulary.contacts is None else asdict(vocabulary.contacts),
        "time_zone": str(time_zone),
    }
    if pauses:  # without any, the digest is the one of the folder alone
        content["pauses"] = [asdict(pause) for pause in pauses]
    return blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def compile_budgets(
    budgets: Sequence[Budget], rules: Sequence[CompiledRule], builder: Builder
) -> tuple[CompiledBudget, ...]:
    """Compile each budget's charge per contact or acceptance, over the candidates that use the budget."""
    first = next((position for position, rule in enumerate(rules) if rule.kind == BUDGET), len(rules))
    compiled = []
    for position, budget in enumerate(budgets):
        columns = builder.names.candidates.within(budget)
        charge = builder.number(budget.charge, columns, (position, "charge"), BUDGETS_FILE)
        compiled.append(CompiledBudget(budget, columns, charge, first + position))
    return tuple(compiled)


def budget_problems(budgets: Sequence[Budget]) -> Iterator[Problem]:
    """Find invalid amounts and budgets that end before they begin."""
    for position, budget in enumerate(budgets):
        if not (math.isfinite(budget.amount) and budget.amount >= 0.0):
            yield Problem(
                file=BUDGETS_FILE,
                path=(position, "amount"),
                what=f"{budget.name}: the amount is invalid",
                got=f"{budget.amount}",
                expected="a number of at least 0",
            )
        if budget.valid_from and budget.valid_until and budget.valid_until < budget.valid_from:
            yield Problem(
                file=BUDGETS_FILE,
                path=(position, "valid_until"),
                what=f"{budget.name}: the budget ends before it begins",
                got=f"{budget.valid_until}",
                expected=f"{budget.valid_from} or later",
            )
