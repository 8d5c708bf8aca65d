"""A decision: what was decided for a customer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVerdict:
    """The result of one rule for one candidate.

    Attributes:
        rule: Name of the rule.
        kind: Kind of the rule (`consent`, `eligibility`, ...).
        reason: The smallest part that failed, with the customer's value, such as "age = 17, needs >= 18".
    """

    rule: str
    kind: str
    passed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An offer in a channel, with everything that counted for and against it.

    Attributes:
        propensity: Calibrated probability of acceptance; None if no model scores it.
        value: Value of an acceptance, in the bank's currency.
        context: Weight of the context.
        lever: Weight set by people.
        cost: Expected cost of offer and contact, in the bank's currency.
        budget_cost: Expected use of budgets and capacities, at their prices.
        priority: What candidates are ranked by; None if a rule rejected it.
        selection_probability: Probability of being ranked first in its channel.
        rank_probability: Probability of getting the rank it has; 0 if it has none.
        verdicts: Verdicts of all rules that apply, in rule order.
    """

    offer: str
    channel: str
    propensity: float | None
    value: float | None
    context: float
    lever: float
    cost: float
    budget_cost: float = 0.0
    priority: float | None
    rank: int | None
    selection_probability: float
    rank_probability: float = 0.0
    verdicts: tuple[RuleVerdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to "what now, for this customer, in this channel", which can be replayed from its content.

    Attributes:
        decision_id: Unique; outcomes cite it.
        as_of: The moment the decision was made for, UTC.
        seed: Seed of the random draw.
        features: The customer's values of all features that rules, values and models used.
        versions: Digests of the policy, the catalogue and the models that were used.
        arm: How candidates were ranked: `standard`, or the control arm that the customer belongs to.
        request: What the channel sent about the moment of the request.
        prices: Price of one unit of each budget.
        remaining: What was left of each budget; None for a budget that does not bind yet.
        candidates: All candidates; the ranked ones first, by rank.
        fallback: Why nothing is offered; None if something is.
    """

    decision_id: str
    customer_id: str
    channel: str
    as_of: datetime
    stage: str | None
    seed: int
    features: Mapping[str, float | str | None]
    versions: Mapping[str, str]
    arm: str = "standard"
    request: Mapping[str, str | float | bool | None] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    remaining: Mapping[str, float | None] = field(default_factory=dict)
    candidates: tuple[Candidate, ...]
    fallback: str | None = None

    @property
    def offers(self) -> tuple[Candidate, ...]:
        """Return the ranked candidates, best first."""
        return tuple(candidate for candidate in self.candidates if candidate.rank is not None)
