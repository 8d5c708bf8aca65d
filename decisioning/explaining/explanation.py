"""Why, and why not, in words: worded once for all candidates and customers that look alike to a rule."""

from __future__ import annotations

import numpy as np

from decisioning.engine import NO_CANDIDATES, OFFERED, Decisions
from decisioning.policies.compiled import BUDGET, MINIMUM_PRIORITY, SCORED, CompiledRule
from decisioning.policies.scoped import Scoped
from decisioning.policies.verdicts import failing_positions

Failed = list[tuple[int, str]]
"""Rules that failed, by position and in the order in which they are asked, each with its reason."""


class Explanation:
    """What the rules say of one customer, in words.

    Args:
        decisions: Of any number of customers.
        customer: Position of the customer.
    """

    def __init__(self, decisions: Decisions, customer: int) -> None:
        self._decisions = decisions
        self._customer = customer
        self._situation = decisions.situation.of(customer)
        self._reasons: dict[tuple[int, int], str] = {}

    def failed(self, candidate: int) -> Failed:
        """List the rules that a candidate failed, with the smallest part of each that is not true."""
        positions = failing_positions(self._decisions.bits[self._customer, candidate].tolist())
        if not positions:
            return []
        asked = self._decisions.policy.places[candidate]
        return [(position, self._of_part(position, asked[position], candidate)) for position in positions]

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
        reason = self._of_part(furthest, decisions.policy.places[last][furthest], last)
        return f"nothing, because the last offer left, {offer}, failed {rule.name} ({rule.kind}): {reason}"

    def _of_part(self, position: int, part: Scoped | None, candidate: int) -> str:
        # a rule may have several parts, and candidates of one part that look alike share their reason
        if part is None:
            return self._of_numbers(self._decisions.policy.rules[position], candidate)
        key = (id(part), part.places_of[candidate])
        known = self._reasons.get(key)
        if known is None:
            row = part.row(self._situation, part.representative_of(candidate))
            self._reasons[key] = known = self._decisions.policy.worded(part, row)
        return known

    def _of_numbers(self, rule: CompiledRule, candidate: int) -> str:
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
