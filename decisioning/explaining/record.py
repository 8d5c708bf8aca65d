"""A decision as a record: everything that led to it, in words and numbers that can be kept."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, isnan
from operator import itemgetter

import numpy as np

from decisioning.engine import Decisions, as_datetime
from decisioning.explaining.explanation import Explanation
from decisioning.policies.arms import Arm
from domain.decision import Candidate, Decision

STAGE = "stage"


def decision_record(decisions: Decisions, customer: int, channel: str, features: Iterable[str] = ()) -> Decision:
    """Write down what was decided for one customer in one channel.

    Args:
        decisions: That of the customer among them.
        customer: Position of the customer.
        channel: One of the channels that were decided.
        features: Columns to keep beside those that the policy read: what the models used.

    Returns:
        The record, with the ranked candidates first, then those allowed by priority, then those rejected.
    """
    names = sorted({*decisions.policy.features, *features} | ({STAGE} & set(decisions.features.columns)))
    one = decisions.features.select(names).take(np.array([customer]))
    said = one.row(0)
    stage = said.get(STAGE)
    explanation = Explanation(decisions, customer)
    return Decision(
        decision_id=decisions.decision_ids([(customer, channel)])[0],
        customer_id=str(decisions.features.customer_ids[customer]),
        channel=channel,
        as_of=as_datetime(decisions.as_of),
        stage=None if stage is None else str(stage),
        seed=decisions.seed,
        features=said,
        versions=dict(decisions.versions),
        arm=Arm(int(decisions.arm[customer])).label,
        request=dict(decisions.request),
        prices=dict(decisions.prices),
        remaining={name: left if isfinite(left) else None for name, left in decisions.remaining.items()},
        candidates=tuple(_candidates(decisions, customer, channel, explanation)),
        fallback=explanation.fallback(channel),
    )


def _candidates(decisions: Decisions, customer: int, channel: str, explanation: Explanation) -> list[Candidate]:
    mine = decisions.policy.candidates.by_channel[channel]
    worth, ranking = decisions.worth, decisions.ranking
    arrays = (
        mine,
        worth.propensity[customer, mine],
        worth.value[customer, mine],
        worth.context[customer, mine],
        worth.lever[customer, mine],
        worth.cost[customer, mine],
        worth.budget_cost[customer, mine],
        worth.priority[customer, mine],
        decisions.allowed[customer, mine],
        ranking.rank[customer, mine],
        ranking.selection_probability[customer, mine],
        ranking.rank_probability[customer, mine],
        decisions.keys[customer, mine],
    )
    ordered: list[tuple[tuple[bool, int, bool, float, int], Candidate]] = []
    for (
        column,
        propensity,
        value,
        context,
        lever,
        cost,
        budget_cost,
        priority,
        allowed,
        rank,
        first,
        standing,
        key,
    ) in zip(*(array.tolist() for array in arrays), strict=True):
        offer, treatment = decisions.policy.candidates.pairs[column]
        candidate = Candidate(
            offer=offer.name,
            channel=treatment.channel,
            propensity=_known(propensity),
            value=_known(value),
            context=context,
            lever=lever,
            cost=treatment.cost if isnan(cost) else cost,
            budget_cost=0.0 if isnan(budget_cost) else budget_cost,
            priority=_known(priority) if allowed else None,
            rank=rank or None,
            selection_probability=first,
            rank_probability=standing,
            verdicts=explanation.verdicts(column),
        )
        ordered.append(((rank == 0, rank, not allowed, -key if allowed else 0.0, column), candidate))
    return [candidate for _, candidate in sorted(ordered, key=itemgetter(0))]


def _known(value: float) -> float | None:
    return None if isnan(value) else value
