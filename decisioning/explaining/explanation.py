"""Why, and why not, in words: made only for the decisions that somebody looks at."""

from __future__ import annotations

import numpy as np

from decisioning.engine import NO_CANDIDATES, OFFERED, Decisions
from decisioning.policies.compiled import BUDGET, MINIMUM_PRIORITY, SCORED, CompiledRule
from decisioning.policies.scoped import Scoped
from decisioning.policies.verdicts import failing_positions
from domain.decision import Verdict


class Explanation:
    """The verdicts about one customer in words.

    A reason that many candidates share, as most rules look at the customer alone, is worded once.

    Args:
        decisions: Of any number of customers.
        customer: Position of the customer.
    """

    def __init__(self, decisions: Decisions, customer: int) -> None:
        self._decisions = decisions
        self._customer = customer
        self._failures: dict[tuple[int, int, int], Verdict] = {}

    def verdicts(self, candidate: int) -> tuple[Verdict, ...]:
        """Tell the answer of every rule that applies to a candidate, by position, in the order they are asked."""
        policy = self._decisions.policy
        failed = failing_positions(self._decisions.bits[self._customer, candidate].tolist())
        passed = policy.all_passed[candidate]
        if not failed:
            return passed
        answers = list(passed)
        for place, (position, part) in enumerate(policy.asked[candidate]):
            if position in failed:
                answers[place] = self._failure(position, part, candidate)
        return tuple(answers)

    def fallback(self, channel: str) -> str | None:
        """Say why nothing is offered in a channel; None where something is.

        Of all candidates the one is told that came furthest before a rule rejected it.
        """
        decisions = self._decisions
        furthest = int(decisions.fallback[self._customer, decisions.channels.index(channel)])
        if furthest == OFFERED:
            return None
        if furthest == NO_CANDIDATES:
            return f"nothing, because no offer can be put in {channel}"
        candidates = decisions.policy.candidates
        mine = candidates.by_channel[channel].tolist()
        last = next(place for place in mine if decisions.first_failed[self._customer, place] == furthest)
        rule, offer = decisions.policy.rules[furthest], candidates.pairs[last][0].name
        reason = self._reason(rule, dict(decisions.policy.asked[last])[furthest], last)
        return f"nothing, because the last offer left, {offer}, failed {rule.name} ({rule.kind}): {reason}"

    def _failure(self, position: int, part: Scoped | None, candidate: int) -> Verdict:
        # a rule may have several parts, and candidates of one part that look alike share their reason
        key = (id(part), position, candidate if part is None else part.places_of[candidate])
        known = self._failures.get(key)
        if known is None:
            rule = self._decisions.policy.rules[position]
            reason = self._reason(rule, part, candidate)
            known = Verdict(rule=rule.name, kind=rule.kind, passed=False, reason=reason)
            self._failures[key] = known
        return known

    def _reason(self, rule: CompiledRule, part: Scoped | None, candidate: int) -> str:
        if part is not None:
            representative = part.representative_of(candidate)
            return part.expression.why_not(part.row(self._decisions.situation, self._customer, representative))
        if rule.name == MINIMUM_PRIORITY:
            priority = float(self._decisions.worth.priority[self._customer, candidate])
            value = "unknown" if np.isnan(priority) else f"{priority:.4g}"
            return f"priority = {value}, needs >= {self._decisions.policy.policy.minimum_priority:g}"
        if rule.kind == BUDGET:
            return self._shortage(rule, candidate)
        return "propensity is not a number between 0 and 1" if rule.name == SCORED else "value is unknown"

    def _shortage(self, rule: CompiledRule, candidate: int) -> str:
        decisions = self._decisions
        place = next(at for at, budget in enumerate(decisions.policy.budgets) if budget.budget.name == rule.name)
        budget = decisions.policy.budgets[place]
        use = float(decisions.worth.uses[place][self._customer, int(np.searchsorted(budget.columns, candidate))])
        left, unit = decisions.remaining[rule.name], budget.budget.unit
        needs = "is not known to be enough" if np.isnan(use) else f"needs {use:.4g}"
        return f"{left:.4g} {unit} left of {rule.name}, {needs}"
