"""A decision as a record: everything that led to it, in words and numbers that can be kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from decisioning.arms import Arm
from decisioning.engine import Decisions, as_datetime
from decisioning.explanation import Explanation
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
    mine = decisions.policy.candidates.by_channel[channel].tolist()
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
        remaining={name: left if np.isfinite(left) else None for name, left in decisions.remaining.items()},
        candidates=tuple(
            _candidate(decisions, customer, column, explanation)
            for column in sorted(mine, key=lambda column: _order(decisions, customer, column))
        ),
        fallback=explanation.fallback(channel),
    )


def _candidate(decisions: Decisions, customer: int, column: int, explanation: Explanation) -> Candidate:
    offer, treatment = decisions.policy.candidates.pairs[column]
    worth, ranking = decisions.worth, decisions.ranking
    allowed = bool(decisions.allowed[customer, column])
    return Candidate(
        offer=offer.name,
        channel=treatment.channel,
        propensity=_known(worth.propensity[customer, column]),
        value=_known(worth.value[customer, column]),
        context=float(worth.context[customer, column]),
        lever=float(worth.lever[customer, column]),
        cost=float(np.nan_to_num(worth.cost[customer, column], nan=treatment.cost)),
        budget_cost=float(np.nan_to_num(worth.budget_cost[customer, column])),
        priority=_known(worth.priority[customer, column]) if allowed else None,
        rank=int(ranking.rank[customer, column]) or None,
        selection_probability=float(ranking.selection_probability[customer, column]),
        rank_probability=float(ranking.rank_probability[customer, column]),
        verdicts=explanation.verdicts(column),
    )


def _order(decisions: Decisions, customer: int, column: int) -> tuple[bool, int, bool, float, int]:
    rank = int(decisions.ranking.rank[customer, column])
    allowed = bool(decisions.allowed[customer, column])
    key = float(decisions.keys[customer, column]) if allowed else 0.0
    return (rank == 0, rank, not allowed, -key, column)


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
