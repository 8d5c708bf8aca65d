"""Why, and why not, in words: made only for the decisions that somebody looks at."""

from __future__ import annotations

import numpy as np

from decisioning.compiled import MINIMUM_PRIORITY, SCORE, SCORED, CompiledRule
from decisioning.engine import NO_CANDIDATES, OFFERED, Decisions
from decisioning.verdicts import BITS_PER_WORD
from domain.decision import Verdict


def verdicts(decisions: Decisions, customer: int, candidate: int) -> tuple[Verdict, ...]:
    """Tell the answer of every rule that applies to a candidate, in the order in which they are asked.

    Args:
        decisions: Of any number of customers.
        customer: Position of the customer.
        candidate: Position of the candidate.
    """
    answers = []
    for position, rule in enumerate(decisions.policy.rules):
        if rule.kind != SCORE and not any(candidate in part.members for part in rule.parts):
            continue
        word, bit = divmod(position, BITS_PER_WORD)
        passed = not int(decisions.bits[customer, candidate, word]) >> bit & 1
        reason = "" if passed else _reason(decisions, rule, customer, candidate)
        answers.append(Verdict(rule=rule.name, kind=rule.kind, passed=passed, reason=reason))
    return tuple(answers)


def fallback_reason(decisions: Decisions, customer: int, channel: str) -> str | None:
    """Say why nothing is offered to a customer in a channel; None where something is.

    Of all candidates the one is told that came furthest before a rule rejected it.
    """
    furthest = int(decisions.fallback[customer, decisions.channels.index(channel)])
    if furthest == OFFERED:
        return None
    if furthest == NO_CANDIDATES:
        return f"nothing, because no offer can be put in {channel}"
    candidates = decisions.policy.candidates
    mine = candidates.by_channel[channel].tolist()
    last = next(candidate for candidate in mine if decisions.first_failed[customer, candidate] == furthest)
    rule = decisions.policy.rules[furthest]
    reason = _reason(decisions, rule, customer, last)
    offer = candidates.pairs[last][0].name
    return f"nothing, because the last offer left, {offer}, failed {rule.name} ({rule.kind}): {reason}"


def _reason(decisions: Decisions, rule: CompiledRule, customer: int, candidate: int) -> str:
    for part in rule.parts:
        if candidate in part.members:
            return part.expression.failure(part.row(decisions.situation, customer, candidate))
    if rule.name == MINIMUM_PRIORITY:
        priority = float(decisions.worth.priority[customer, candidate])
        value = "unknown" if np.isnan(priority) else f"{priority:.4g}"
        return f"priority = {value}, needs >= {decisions.policy.policy.minimum_priority:g}"
    return "propensity is not a number between 0 and 1" if rule.name == SCORED else "value is unknown"
