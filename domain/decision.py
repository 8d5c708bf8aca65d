"""What was decided for a customer, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of one rule about one candidate.

    Attributes:
        rule: Name of the rule.
        kind: Its kind (`consent`, `eligibility`, ...).
        reason: The smallest part that failed with the customer's value, as in "age = 17, needs >= 18".
    """

    rule: str
    kind: str
    passed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An offer in a channel, with everything that spoke for and against it.

    Attributes:
        propensity: Calibrated probability of acceptance; None where no model scores it.
        value: Worth of an acceptance, in the bank's currency.
        context: Weight of the situation.
        lever: Weight set by people.
        cost: Expected cost of offer and contact, in the bank's currency.
        budget_cost: What it is expected to use of budgets and capacities, at their prices.
        priority: What candidates are ranked by; None where a rule rejected it.
        selection_probability: Probability with which this candidate was put first in its channel.
        rank_probability: Probability with which it got the rank that it has; 0 where it has none.
        verdicts: Of every rule that applies, in their order.
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
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One answer to "what now, for this customer, in this channel", replayable from what it holds.

    Attributes:
        decision_id: Unique; outcomes cite it.
        as_of: The moment the decision was made for, UTC.
        seed: Seed of the random draw.
        features: What the customer looked like, for the features that rules, values and models used.
        versions: Digests of policy, catalogue, and models that answered.
        arm: `standard`, or the control arm that the customer belongs to: how candidates were put in order.
        request: What the channel said of the moment in which it asked.
        prices: Of one unit of each budget.
        remaining: What was left of each budget; None for one that does not bind yet.
        candidates: All of them, the ranked ones first, by rank.
        fallback: Why nothing is offered, where nothing is.
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
        """The ranked candidates, the first first."""
        return tuple(candidate for candidate in self.candidates if candidate.rank is not None)
