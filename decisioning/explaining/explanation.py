"""Explanations in words: why candidates were rejected, worded once for all that look alike to a rule."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from decisioning.engine import NO_CANDIDATES, OFFERED, Decisions
from decisioning.policies.compiled import BUDGET, MINIMUM_PRIORITY, PAUSE, SCORED
from decisioning.policies.scoped_expression import ScopedExpression
from decisioning.policies.verdicts import failing_positions
from domain.counts import figure

Failed = list[tuple[int, str]]
"""Failed rules, by position in the order in which they are checked, each with its reason."""


class DecisionExplanation:
    """Explains decisions that were made together.

    Args:
        decisions: Decisions for n customers, who are identified by their position.
    """

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._policy = decisions.policy
        self._reasons: dict[tuple[int, int, int], str] = {}
        self._shortages: dict[int, Shortage] = {}

    def failed(self, customer: int, candidate: int) -> Failed:
        """Return the rules that a candidate failed, each with the smallest part of its condition that is not true."""
        positions = failing_positions(self._bits[customer][candidate])
        if not positions:
            return []
        asked = self._policy.places[candidate]
        return [(position, self._of_part(position, asked[position], customer, candidate)) for position in positions]

    def fallback(self, customer: int, channel: str) -> str | None:
        """Explain why nothing is offered in a channel; None where something is.

        The explanation is about the candidate that got furthest before a rule rejected it.
        """
        decisions = self._decisions
        furthest = int(decisions.fallback[customer, decisions.channels.index(channel)])
        if furthest == OFFERED:
            return None
        if furthest == NO_CANDIDATES:
            return f"nothing, because no offer can be put in {channel}"
        candidates = self._policy.candidates
        mine = candidates.by_channel[channel].tolist()
        last = next(place for place in mine if decisions.first_failed[customer, place] == furthest)
        rule, offer = self._policy.rules[furthest], candidates.pairs[last][0].name
        reason = self._of_part(furthest, self._policy.places[last][furthest], customer, last)
        return f"nothing, because the last offer left, {offer}, failed {rule.name} ({rule.kind}): {reason}"

    @cached_property
    def _bits(self) -> list[list[list[int]]]:
        bits: list[list[list[int]]] = self._decisions.bits.tolist()
        return bits

    def _of_part(self, position: int, part: ScopedExpression | None, customer: int, candidate: int) -> str:
        # a rule may have several parts; candidates that are alike to one part share its reason
        if part is None:
            return self._of_numbers(position, customer, candidate)
        key = (id(part), customer, part.places_of[candidate])
        known = self._reasons.get(key)
        if known is None:
            rule = self._policy.rules[position]
            values = part.seen(self._decisions.evaluation_context, customer, candidate)
            self._reasons[key] = known = rule.description if rule.kind == PAUSE else self._policy.worded(part, values)
        return known

    def _of_numbers(self, position: int, customer: int, candidate: int) -> str:
        rule = self._policy.rules[position]
        if rule.kind == BUDGET:
            shortage = self._shortages.get(position)
            if shortage is None:
                self._shortages[position] = shortage = Shortage(self._decisions, rule.name)
            return shortage.sentence(customer, candidate)
        if rule.name == MINIMUM_PRIORITY:
            priority = float(self._decisions.scores.priority[customer, candidate])
            value = "unknown" if np.isnan(priority) else figure(priority)
            return f"priority = {value}, needs >= {self._policy.policy.minimum_priority:g}"
        return "propensity is not a number between 0 and 1" if rule.name == SCORED else "value is unknown"


class Shortage:
    """Explains why too little is left of one budget.

    Args:
        decisions: Decisions for n customers.
        name: Name of the budget.
    """

    def __init__(self, decisions: Decisions, name: str) -> None:
        budgets = decisions.policy.budgets
        place = next(at for at, budget in enumerate(budgets) if budget.budget.name == name)
        self._left = f"{figure(decisions.remaining[name])} {budgets[place].budget.unit} left of {name}"
        self._place_of = {column: at for at, column in enumerate(budgets[place].columns.tolist())}
        self._uses: list[list[float]] = decisions.scores.uses[place].tolist()

    def sentence(self, customer: int, candidate: int) -> str:
        """Describe the shortage for a candidate that uses the budget."""
        use = self._uses[customer][self._place_of[candidate]]
        return f"{self._left}, {'is not known to be enough' if np.isnan(use) else f'needs {figure(use)}'}"
