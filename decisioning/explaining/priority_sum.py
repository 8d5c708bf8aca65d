"""The priority of a candidate as a sum in words, so that anybody can check it."""

from __future__ import annotations

from decisioning.policies.policy import Factors
from domain.counts import figure
from domain.decision import Candidate


def priority_sum(candidate: Candidate, factors: Factors) -> str:
    """Return how the priority of a candidate comes about: every part that changes it, then the result.

    The formula is that of `decisioning.arbitration.scores`. Weights of 1 and costs of 0 are left out, as are factors
    that the policy does not use; weights do not apply to a value that is not positive.

    Args:
        candidate: A candidate of a decision, in the bank's currency.
        factors: What enters the priority by the policy.

    Returns:
        One line; without a number if the customer's offers are not personalised, so that nothing was computed.

    Example:
        >>> candidate = Candidate(offer="savings", channel="app", propensity=0.25, value=40.0, context=1.2, lever=1.0,
        ...     cost=1.5, budget_cost=0.0, priority=10.5, rank=1, selection_probability=1.0)
        >>> priority_sum(candidate, Factors())
        'propensity 0.25 x value 40.00 x context 1.2 - costs 1.5 = priority 10.5'
    """
    if candidate.propensity is None or candidate.value is None:
        return "propensity or value unknown"
    weighted = not factors.value or candidate.value > 0.0
    product = [
        text
        for text, counts in (
            (f"propensity {figure(candidate.propensity)}", factors.propensity),
            (f"value {candidate.value:,.2f}", factors.value),
            (f"context {figure(candidate.context)}", factors.context and weighted and candidate.context != 1.0),
            (f"lever {figure(candidate.lever)}", factors.levers and weighted and candidate.lever != 1.0),
        )
        if counts
    ]
    costs = [
        text
        for text, counts in (
            (f" - costs {figure(candidate.cost)}", factors.costs and candidate.cost != 0.0),
            (f" - budgets {figure(candidate.budget_cost)}", factors.prices and candidate.budget_cost != 0.0),
        )
        if counts
    ]
    priority = "" if candidate.priority is None else f" = priority {figure(candidate.priority)}"
    return f"{' x '.join(product) or '1'}{''.join(costs)}{priority}"
