"""What a policy would have decided where decisions were logged, beside what came of them, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.explaining.trace import STAGE
from decisioning.off_policy.evaluate import PolicyEvaluation, evaluate_policy
from domain.errors import DataError
from domain.offer import OfferClass
from events.log import EventLog
from expressions.types import Array
from models.segments import segment_names
from serving.decider import Decider
from serving.scoring import CHURN_PROBABILITY
from serving.what_if.comparison import NOTHING
from serving.what_if.logged import LoggedOutcomes
from serving.what_if.occasions import occasions

NO_STAGE: Final = "no_stage"
"""Segment of customers whose stage is not known."""

MEAN_PROPENSITY: Final = 2
"""Column of `EvaluationArrays.context` with the mean propensity of the channel's candidates."""


@dataclass(frozen=True, slots=True)
class EvaluationArrays:
    """What `decisioning.off_policy.evaluate.evaluate_policy` takes; its actions are offers, and `nothing`.

    Attributes:
        actions: Names of the k actions.
        action: Shape (n,).
        reward: Shape (n,).
        probability: Shape (n,).
        target: Shape (n, k).
        context: Shape (n, 3): churn probability, highest and mean propensity of the channel's candidates.
        customer: Shape (n,).
        stage: Shape (n,).
        propensity: What the policy's model says of the offer that was made, NaN if nothing, shape (n,).
        known_reward: 0 for `nothing` and for offers that every policy has to make, NaN for the others, shape (k,).
    """

    actions: tuple[str, ...]
    action: NDArray[np.intp]
    reward: Array
    probability: Array
    target: Array
    context: Array
    customer: NDArray[np.object_]
    stage: NDArray[np.object_]
    propensity: Array
    known_reward: Array

    def take(self, rows: NDArray[np.intp]) -> EvaluationArrays:
        """Return some of the decisions."""
        return EvaluationArrays(
            actions=self.actions,
            action=self.action[rows],
            reward=self.reward[rows],
            probability=self.probability[rows],
            target=self.target[rows],
            context=self.context[rows],
            customer=self.customer[rows],
            stage=self.stage[rows],
            propensity=self.propensity[rows],
            known_reward=self.known_reward,
        )

    def evaluation(self, *, looked_at_again: bool = False) -> PolicyEvaluation:
        """Estimate what the policy would have earned, whole and by stage.

        Offering nothing earns nothing, and so do mandatory and transactional offers, which every policy has to make.

        Args:
            looked_at_again: Whether this is repeated as decisions come in.
        """
        return evaluate_policy(
            self.action,
            self.reward,
            self.probability,
            self.target,
            context=self.context,
            customer=self.customer,
            segment=self.stage,
            known_reward=self.known_reward,
            looked_at_again=looked_at_again,
        )


def evaluation_arrays(
    outcomes: LoggedOutcomes, decider: Decider, log: EventLog, decisions_folder: Path
) -> EvaluationArrays:
    """Let a policy decide where the logged decisions were made, from the same features, requests, prices and budgets.

    Features that the policy reads and the records lack are computed from the event log as of each decision.

    Args:
        outcomes: Logged decisions.
        decider: The policy to evaluate.
        log: Event log.
        decisions_folder: Folder that holds one folder per batch run.

    Raises:
        DataError: There are no decisions.
        StateError: Files of a batch run are gone.
    """
    logged = outcomes.decisions
    if not logged:
        raise DataError(
            "there are no logged decisions with an outcome",
            got=_reasons(outcomes.left_out),
            expected="presented offers that cite a decision or have a probability, with their response windows over",
            remedy="ask again when the windows of decisions are over, or evaluate a model that was trained before them",
        )
    names = [offer.name for offer in decider.bank.offers]
    actions = tuple(dict.fromkeys([*(str(one.offer) for one in logged), *names, NOTHING]))
    places = {name: place for place, name in enumerate(actions)}
    target, context = np.zeros((len(logged), len(actions))), np.full((len(logged), 3), np.nan)
    propensity, stage = np.full(len(logged), np.nan), np.array([one.stage or NO_STAGE for one in logged], dtype=object)
    for one in occasions(logged, decider, log, decisions_folder):
        rows, decisions = one.rows, decider.decide(one.features, one.context, unknown=one.unknown)
        channel = logged[rows[0]].channel
        columns = decisions.policy.candidates.by_channel.get(channel, np.empty(0, dtype=np.intp))
        for column in columns.tolist():
            offer = decisions.policy.candidates.pairs[column][0].name
            target[rows, places[offer]] += decisions.ranking.selection_probability[:, column]
            made = np.array([logged[row].offer == offer for row in rows.tolist()], dtype=bool)
            propensity[rows[made]] = decisions.scores.propensity[made, column]
        if logged[rows[0]].stage is None and STAGE in decisions.features.schema:
            stage[rows] = [name or NO_STAGE for name in segment_names(decisions.features, STAGE).tolist()]
        context[rows, 0] = decisions.features.columns[CHURN_PROBABILITY]
        known = decisions.scores.propensity[:, columns]
        some = np.isfinite(known).any(axis=1)
        context[rows[some], 1] = np.nanmax(known[some], axis=1)
        context[rows[some], MEAN_PROPENSITY] = np.nanmean(known[some], axis=1)
    target[:, places[NOTHING]] = np.clip(1.0 - target.sum(axis=1), 0.0, 1.0)
    owed = {offer.name for offer in decider.bank.offers if offer.offer_class is not OfferClass.COMMERCIAL}
    known_reward = np.array([0.0 if name in owed or name == NOTHING else np.nan for name in actions])
    action = np.array([places[str(one.offer)] for one in logged], dtype=np.intp)
    return EvaluationArrays(
        actions,
        action,
        np.where(np.isnan(known_reward[action]), outcomes.reward, 0.0),
        np.array([one.selection_probability for one in logged], dtype=np.float64),
        target,
        context,
        np.array([one.customer_id for one in logged], dtype=object),
        stage,
        propensity,
        known_reward,
    )


def _reasons(left_out: Mapping[str, int]) -> str:
    return "; ".join(f"{count:,} impressions: {reason}" for reason, count in left_out.items()) or "no impressions"
