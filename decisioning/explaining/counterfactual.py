"""Counterfactuals: what would have to change for a candidate to come first (a number, a budget's price, or a rule)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import layout_of
from decisioning.arbitration.scores import best_candidate
from decisioning.engine import Decisions
from decisioning.explaining.priorities import CustomerPriorities
from decisioning.policies.compiled import MINIMUM_PRIORITY, SCORE
from decisioning.policies.draws import Arm
from decisioning.policies.verdicts import Bits, failing_positions, mark
from domain.counts import figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """Changes that would each, alone, put one candidate first in its channel; None where no such change exists.

    First means first in order, before exploration draws. A change brings the candidate level with the first one, or
    with the minimum priority where that is higher; a little more puts it in front.

    Attributes:
        first: Offer that comes first; None where nothing is allowed.
        shortfall: By how much the priority would have to rise; None where priority does not decide.
        lever_factor: Factor by which its lever would have to be multiplied.
        value: Value of an acceptance that it would need; 0 or less where costs and prices alone decide.
        propensity: Propensity that it would need, at most 1 and within what is left of budgets.
        cost_reduction: By how much the expected cost of one contact would have to fall.
        prices: Budget -> the price, closest to today's, at which the candidate would come first.
        rules: Names of the rules that reject it.
        first_without_rule: If exactly one rule rejects it: the offer that would come first without that rule.
        obstacle: Why changing its numbers cannot help, in words; None if it could, or if rules reject it.
    """

    offer: str
    channel: str
    first: str | None
    shortfall: float | None = None
    lever_factor: float | None = None
    value: float | None = None
    propensity: float | None = None
    cost_reduction: float | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    first_without_rule: str | None = None
    obstacle: str | None = None

    @property
    def would_win(self) -> bool:
        """Whether the candidate would come first without the one rule that rejects it."""
        return self.first_without_rule == self.offer

    def sentence(self) -> str:
        """Describe the changes in words.

        Example:
            >>> Counterfactual(offer="loan", channel="app", first="card", shortfall=1.5, lever_factor=1.25,
            ...                prices={"calls": 0.5}).sentence()
            'loan is 1.5 short of card: it would come first with its lever times 1.25; at a price of 0.5 for calls'
            >>> Counterfactual(offer="loan", channel="app", first="card", rules=("adult",),
            ...                first_without_rule="loan").sentence()
            'loan would come first without adult'
        """
        return "; ".join(part for part in (self._of_rules(), self._of_numbers()) if part)

    def _of_rules(self) -> str:
        if len(self.rules) > 1:
            return f"{self.offer} is rejected by {', '.join(self.rules[:-1])} and {self.rules[-1]}"
        if not self.rules:
            return ""
        (rule,) = self.rules
        if self.first_without_rule is None:
            return f"{self.offer} is rejected by {rule} alone"
        if self.would_win:
            return f"{self.offer} would come first without {rule}"
        return f"without {rule}, which alone rejects {self.offer}, {self.first_without_rule} would come first"

    def _of_numbers(self) -> str:
        if self.obstacle is not None:
            return f"no change of its numbers puts {self.offer} first: {self.obstacle}"
        if self.shortfall is None:
            return ""
        ways = "; ".join(self._ways())
        would = (
            f"it would come first {ways}"
            if ways
            else "no change of lever, value, propensity, cost or price puts it first"
        )
        goal = self.first if self.first is not None and not self.rules else "the priority it needs"
        return f"{self.offer} is {figure(self.shortfall)} short of {goal}: {would}"

    def _ways(self) -> Iterator[str]:
        if self.lever_factor is not None:
            yield f"with its lever times {figure(self.lever_factor)}"
        if self.value is not None:
            yield f"with a value of {figure(self.value)}"
        if self.propensity is not None:
            yield f"with a propensity of {figure(self.propensity)}"
        if self.cost_reduction is not None:
            yield f"with costs lower by {figure(self.cost_reduction)}"
        for name, price in self.prices.items():
            yield f"at a price of {figure(price)} for {name}"


def counterfactuals(decisions: Decisions, customer: int, channel: str) -> tuple[Counterfactual, ...]:
    """Return, for every candidate of a channel that does not come first, what would have to change.

    Args:
        decisions: Decisions for any number of customers.
        customer: Position of the customer.
        channel: One of the decided channels.

    Returns:
        The allowed candidates in order, so that the runner-up comes first; then those rejected by exactly one rule;
        then the rest; the last two in the order of the catalogue.
    """
    candidates = _Channel(decisions, customer, channel)
    found = [(candidates.place_in_order(place), candidates.counterfactual(place)) for place in candidates.others()]
    return tuple(result for _, result in sorted(found, key=lambda pair: pair[0]))


class _Channel:
    """One customer's candidates in one channel."""

    def __init__(self, decisions: Decisions, customer: int, channel: str) -> None:
        policy = decisions.policy
        self.policy, self.channel = policy, channel
        self.arm = Arm(int(decisions.arm[customer]))
        self.columns = policy.candidates.by_channel[channel]
        self.names: list[str] = [policy.candidates.pairs[column][0].name for column in self.columns]
        ignored: Bits = policy.ignored[self.arm]
        self.bits: Bits = decisions.bits[customer, self.columns] & ~ignored
        self.keys = decisions.keys[customer, self.columns]
        self.classes = layout_of(policy, (channel,)).offer_class[self.columns]
        self.rules = [tuple(failing_positions(words)) for words in self.bits.tolist()]
        self.first = self._first(self.bits)
        self.priorities = CustomerPriorities(decisions, customer, self.columns)

    def others(self) -> Iterator[int]:
        return (place for place in range(len(self.columns)) if place != self.first)

    def place_in_order(self, place: int) -> tuple[int, int, float, int]:
        standing = min(len(self.rules[place]), 2)
        behind = (int(self.classes[place]), -float(self.keys[place])) if standing == 0 else (0, 0.0)
        return (standing, *behind, place)

    def counterfactual(self, place: int) -> Counterfactual:
        rules = tuple(self.policy.rules[position].name for position in self.rules[place])
        result = Counterfactual(
            offer=self.names[place],
            channel=self.channel,
            first=None if self.first < 0 else self.names[self.first],
            rules=rules,
            first_without_rule=self._first_without(self.rules[place][0]) if len(rules) == 1 else None,
        )
        if rules and rules != (MINIMUM_PRIORITY,):
            return result
        obstacle = self._obstacle(place)
        if obstacle is not None:
            return replace(result, obstacle=obstacle)
        target, numbers = self._target(place), self.priorities
        return replace(
            result,
            shortfall=target - numbers.priority(place),
            lever_factor=numbers.lever_factor(place, target),
            value=numbers.value(place, target),
            propensity=numbers.propensity(place, target),
            cost_reduction=numbers.cost_reduction(place, target),
            prices=numbers.prices(place, self._rivals(place), self._least(place)),
        )

    def _first(self, bits: Bits) -> int:
        allowed = ~bits[None].any(axis=2)
        return int(best_candidate(self.keys[None], self.classes, np.asarray(allowed))[0])

    def _first_without(self, rule: int) -> str | None:
        """Return the offer that comes first without a rule; None for rules that reject unknown numbers."""
        if self.policy.rules[rule].kind == SCORE and self.policy.rules[rule].name != MINIMUM_PRIORITY:
            return None
        gone: Bits = np.zeros((1, *self.bits.shape), dtype=self.bits.dtype)
        mark(gone, rule, np.ones((1, len(self.columns)), dtype=np.bool_))
        return self.names[self._first(self.bits & ~gone[0])]

    def _obstacle(self, place: int) -> str | None:
        if self.arm != Arm.STANDARD:
            return f"the customer is in the arm {self.arm.label}, whose offers are not ranked by priority"
        if self.first >= 0 and self.classes[place] > self.classes[self.first]:
            ahead = self.policy.candidates.pairs[self.columns[self.first]][0].offer_class
            return f"{self.names[self.first]} is {ahead} and comes before it"
        if np.isnan(self.priorities.priority(place)):
            return "they are unknown"
        return None

    def _least(self, place: int) -> float | None:
        scored = self.columns[place] in self.policy.scored
        return self.policy.policy.minimum_priority if scored else None

    def _target(self, place: int) -> float:
        goals = [self._least(place), None if self.first < 0 else float(self.keys[self.first])]
        return max(goal for goal in goals if goal is not None)

    def _rivals(self, place: int) -> NDArray[np.intp]:
        """Return competitors at some price: allowed candidates, and those rejected only for too low a priority."""
        only_low = (self.policy.bit(MINIMUM_PRIORITY),)
        ways = [
            other
            for other in range(len(self.columns))
            if other != place and self.classes[other] == self.classes[place] and self.rules[other] in ((), only_low)
        ]
        return np.array(ways, dtype=np.intp)
