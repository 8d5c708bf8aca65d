"""Contacts that another system chose with a recorded probability: what a bank's past says of a policy at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from events.log import EventLog
from features.moments import utc_microseconds
from features.responses import Responses
from records.decision_log import LoggedDecision
from serving.decider import Decider
from serving.what_if.logged import (
    LEARNED_FROM,
    MOST_CONTACTS,
    NO_DECISION,
    NO_PROBABILITY,
    NOT_DRAWN,
    NOT_OFFERED,
    UNKNOWN,
    LoggedOutcomes,
)
from serving.what_if.occasions import occasions


def with_randomised_contacts(
    outcomes: LoggedOutcomes, decider: Decider, log: EventLog, folder: Path, since: datetime
) -> LoggedOutcomes:
    """Add the contacts that cite no logged decision, but were chosen with a recorded probability.

    They are decisions of which nothing is kept. What an acceptance was worth is what the decider's policy says as of
    its moment. Contacts whose offer the policy does not have in their channel are left out, whether they were accepted
    or not. Of more than `MOST_CONTACTS`, so many are drawn, the same ones each time.

    Args:
        outcomes: What is known of the bank's own decisions.
        decider: The bank's own decider.
        log: Event log, from which features are computed.
        folder: Folder that holds one folder per batch run.
        since: The model's last training data: what came before it has learned from.
    """
    found = outcomes.without_decision
    if found is None:
        return outcomes
    recorded = ~np.isnan(found.selection_probability)
    found = found.take(recorded)
    left_out = Counter(outcomes.left_out)
    cited = sum(decision is not None for decision in found.decision_id)
    left_out[UNKNOWN] -= cited
    left_out[NO_DECISION] -= len(found) - cited
    columns = decider.policy.candidates.positions()
    chance = found.selection_probability
    known = (chance > 0.0) & (chance <= 1.0)
    new = found.presented_at >= utc_microseconds(since)
    offered = np.array(
        [pair in columns for pair in zip(found.offer.tolist(), found.channel.tolist(), strict=True)], dtype=bool
    )
    left_out[NO_PROBABILITY] += int((~known).sum())
    left_out[LEARNED_FROM] += int((known & ~new).sum())
    left_out[NOT_OFFERED] += int((known & new & ~offered).sum())
    found = found.take(known & new & offered)
    drawn = np.sort(np.random.default_rng(0).permutation(len(found))[:MOST_CONTACTS])
    left_out[NOT_DRAWN] += len(found) - len(drawn)
    found = found.take(drawn)
    decisions = [_decision(found, row) for row in range(len(found))]
    accepted = np.flatnonzero(found.accepted).tolist()
    for one in occasions([decisions[row] for row in accepted], decider, log, folder):
        value = decider.decide(one.features, one.context).scores.value
        for row, place in enumerate(one.rows.tolist()):
            decision = decisions[accepted[place]]
            worth = float(value[row, columns[str(decision.offer), decision.channel]])
            decisions[accepted[place]] = replace(decision, value=worth if np.isfinite(worth) else None)
    return outcomes.with_decisions(decisions, found.accepted, left_out)


def _decision(found: Responses, row: int) -> LoggedDecision:
    return LoggedDecision(
        decision_id=found.decision_id[row] or "",
        customer_id=found.customer_ids[row],
        channel=found.channel[row],
        as_of=found.presented_at[row].item().replace(tzinfo=UTC),
        features_from="log",
        stage=None,
        offer=found.offer[row],
        propensity=None,
        value=None,
        priority=None,
        selection_probability=float(found.selection_probability[row]),
        seed=0,
        versions={},
        part=None,
        record=None,
    )
