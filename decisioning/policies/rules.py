"""Compiles all rules of a policy, the built-in ones and the bank's own, in the order in which they are checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date
from itertools import groupby

import numpy as np

from decisioning.budgets.budget import Budget
from decisioning.policies.builder import Builder
from decisioning.policies.candidates import Candidates, Columns
from decisioning.policies.checks import OFFERS_FILE, POLICIES_FILE
from decisioning.policies.compiled import (
    BUDGET,
    BUILT_IN_RULES,
    HOLDOUT,
    MINIMUM_PRIORITY,
    PAUSE,
    SCORE,
    SCORED,
    STAGE,
    STEP,
    VALID,
    VALUE_KNOWN,
    CompiledRule,
    consent_rule,
)
from decisioning.policies.contact_times import OUTSIDE
from decisioning.policies.limits import counts_for
from decisioning.policies.policy import RULE_ORDER, ContactLimit, Policy
from domain.errors import Problem
from domain.offer import is_owed
from domain.pause import Pause, is_protected

NOWHERE = np.empty(0, dtype=np.intp)
COUNT = "count_of_"
"""Prefix of the name by which a contact limit's rule reads its count."""


def all_rules(
    policy: Policy, budgets: Sequence[Budget], builder: Builder, pauses: Sequence[Pause] = ()
) -> tuple[CompiledRule, ...]:
    """Compile the rules: pauses, then kinds as in `RULE_ORDER`; within a kind built-in ones first, then file order."""
    compiled = [
        *_of_the_customer(policy, builder),
        *_of_the_offer(builder),
        *_declared(policy, builder),
        *_quiet(policy, builder),
        *_limits(policy, builder),
    ]
    by_kind = [rule for kind in RULE_ORDER for rule in compiled if rule.kind == kind]
    scores = (CompiledRule(name, SCORE, BUILT_IN_RULES[name]) for name in (SCORED, VALUE_KNOWN, MINIMUM_PRIORITY))
    left = (
        CompiledRule(budget.name, BUDGET, budget.description or "Enough is left of the budget") for budget in budgets
    )
    return (*_paused(pauses, policy, builder), *by_kind, *scores, *left)


def limit_counts(limits: Sequence[ContactLimit], candidates: Candidates) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the features that each limit counts: name of the count -> one tuple of features for each candidate."""
    return {
        COUNT + limit.name: tuple(counts_for(limit, offer, treatment) for offer, treatment in candidates.pairs)
        for limit in limits
    }


def _paused(pauses: Sequence[Pause], policy: Policy, builder: Builder) -> Iterator[CompiledRule]:
    pairs = builder.names.candidates.pairs
    protected = {offer.name for offer, _ in pairs if is_protected(offer)}
    outbound = {*policy.outbound, *policy.consent}
    for pause in pauses:
        stopped = [
            pause.stops(offer.name, treatment.channel, outbound=outbound, protected=protected)
            for offer, treatment in pairs
        ]
        part = builder.condition("FALSE", np.flatnonzero(np.array(stopped, dtype=bool)), ("pauses", pause.target))
        name = "_".join(("paused", pause.scope.value, *filter(None, (pause.name,))))
        until = f"{pause.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield CompiledRule(name, PAUSE, f"{pause.target} is paused until {until}: {pause.reason}", (part,))


def _of_the_customer(policy: Policy, builder: Builder) -> Iterator[CompiledRule]:
    candidates = builder.names.candidates
    if policy.control.holdout_share > 0:
        withheld = [offer.name in policy.control.withheld or not is_owed(offer) for offer, _ in candidates.pairs]
        columns = np.flatnonzero(np.array(withheld, dtype=bool))
        part = builder.condition("NOT in_holdout", columns, ("control", "holdout_share"))
        yield CompiledRule(HOLDOUT, "consent", BUILT_IN_RULES[HOLDOUT], (part,))
    for channel, text in policy.consent.items():
        part = builder.condition(text, candidates.by_channel.get(channel, NOWHERE), ("consent", channel))
        yield CompiledRule(consent_rule(channel), "consent", f"The customer agreed to offers by {channel}", (part,))


def _of_the_offer(builder: Builder) -> Iterator[CompiledRule]:
    offers = [offer for offer, _ in builder.names.candidates.pairs]
    conditions: tuple[tuple[str, str, str, list[str | None]], ...] = (
        (VALID, "eligibility", "valid_from", [_valid(offer.valid_from, offer.valid_until) for offer in offers]),
        (STAGE, "applicability", "stages", [_one_of("stage", offer.stages) for offer in offers]),
        (STEP, "applicability", "steps", [_one_of("family_step", offer.steps) for offer in offers]),
    )
    names = list(dict.fromkeys(offer.name for offer in offers))
    for rule, kind, key, texts in conditions:
        parts = [
            builder.condition(text, columns, (names.index(offers[int(columns[0])].name), key), OFFERS_FILE)
            for text, columns in _alike(texts)
        ]
        if parts:
            yield CompiledRule(rule, kind, BUILT_IN_RULES[rule], tuple(parts))


def _declared(policy: Policy, builder: Builder) -> Iterator[CompiledRule]:
    for position, rule in enumerate(policy.rules):
        columns = builder.names.candidates.within(rule)
        part = builder.condition(rule.require, columns, ("rules", position, "require"))
        yield CompiledRule(rule.name, rule.kind, rule.description, (part,))


def _quiet(policy: Policy, builder: Builder) -> Iterator[CompiledRule]:
    for position, quiet in enumerate(policy.quiet_hours):
        columns = builder.names.candidates.within(quiet)
        part = builder.condition(OUTSIDE + quiet.name, columns, ("quiet_hours", position))
        description = f"Nobody is contacted from {quiet.from_hour} to {quiet.until_hour} o'clock"
        yield CompiledRule(quiet.name, "contact_limit", description, (part,))


def _limits(policy: Policy, builder: Builder) -> Iterator[CompiledRule]:
    for position, limit in enumerate(policy.contact_limits):
        path = ("contact_limits", position)
        counts = builder.names.counts[COUNT + limit.name]
        columns = np.flatnonzero([bool(parts) for parts in counts])
        unknown = {name for column in columns for name in counts[column]} - set(builder.names.catalogue.features)
        if unknown:
            builder.problems.append(
                Problem(
                    file=POLICIES_FILE,
                    path=path,
                    what=f"no feature counts what {limit.name} limits",
                    expected=f"a feature '{min(unknown)}' in the catalogue",
                    remedy="build the catalogue with `limit_features`, and declare `contacts` in events.yaml",
                )
            )
        text = "FALSE" if unknown else f"{COUNT}{limit.name} < {limit.at_most}"
        part = builder.condition(text, columns, path)
        counted = f"of {', '.join(limit.after_offers)}" if limit.after_offers else f"per {limit.per}"
        description = f"At most {limit.at_most} {limit.of} {counted} within {limit.days} days"
        yield CompiledRule(limit.name, "contact_limit", description, (part,))


def _valid(first: date | None, last: date | None) -> str | None:
    bounds = [f"as_of_date >= {first:%Y%m%d}"] if first else []
    bounds += [f"as_of_date <= {last:%Y%m%d}"] if last else []
    return " AND ".join(bounds) or None


def _one_of(name: str, members: Sequence[str]) -> str | None:
    listed = ", ".join(f"'{member}'" for member in members)
    return f"{name} IN ({listed})" if members else None


def _alike(texts: Sequence[str | None]) -> Iterator[tuple[str, Columns]]:
    """Group candidates with the same condition."""
    marked = sorted((text, position) for position, text in enumerate(texts) if text is not None)
    for text, members in groupby(marked, key=lambda pair: pair[0]):
        yield text, np.array([position for _, position in members], dtype=np.intp)
