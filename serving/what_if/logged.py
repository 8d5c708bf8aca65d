"""A bank's logged decisions with their outcomes, beside what another policy would have decided, as plain arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.off_policy.evaluate import PolicyEvaluation, evaluate_policy
from domain.errors import DataError
from events.log import EventLog
from expressions.types import Array
from features.moments import utc_microseconds
from features.responses import responses
from records.decision_log import DecisionLog, LoggedDecision
from serving.decider import Decider
from serving.scoring import CHURN_PROBABILITY
from serving.what_if.comparison import NOTHING
from serving.what_if.occasions import occasions

NO_DECISION: Final = "cite no decision"
NOT_MATURED: Final = "not matured"
NOT_FIRST: Final = "not the first offer of their decision"
NO_PROBABILITY: Final = "decided without a probability"
NO_FEATURES: Final = "features are no longer kept"
UNKNOWN: Final = "decision is archived or unknown"
LEARNED_FROM: Final = "made before the model's last training data"
REASONS: Final = (NO_DECISION, NOT_MATURED, NOT_FIRST, NO_PROBABILITY, NO_FEATURES, UNKNOWN, LEARNED_FROM)
"""Why impressions tell nothing."""

MEAN_PROPENSITY: Final = 2
"""Column of `EvaluationArrays.context` with the mean propensity of the channel's candidates."""


@dataclass(frozen=True, slots=True)
class LoggedOutcomes:
    """Decisions that were presented and whose response windows have ended, in time order.

    Attributes:
        decisions: The n logged decisions.
        reward: Value of the acceptance, in the bank's currency; 0 without one. Shape (n,).
        accepted: Whether the offer was accepted. Shape (n,).
        left_out: Number of impressions that tell nothing, by reason.
    """

    decisions: tuple[LoggedDecision, ...]
    reward: Array
    accepted: NDArray[np.bool_]
    left_out: Mapping[str, int]

    def since(self, moment: datetime) -> LoggedOutcomes:
        """Return the decisions from a moment on: a model is not judged on what it has learned from."""
        moments = np.array([utc_microseconds(one.as_of) for one in self.decisions], dtype="datetime64[us]")
        rows = np.flatnonzero(moments >= utc_microseconds(moment))
        early = len(self.decisions) - len(rows)
        return LoggedOutcomes(
            tuple(self.decisions[row] for row in rows.tolist()),
            self.reward[rows],
            self.accepted[rows],
            {**self.left_out, **({LEARNED_FROM: early} if early else {})},
        )


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

    def evaluation(self, *, looked_at_again: bool = False) -> PolicyEvaluation:
        """Estimate what the policy would have earned, whole and by stage.

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
            looked_at_again=looked_at_again,
        )


def logged_outcomes(decision_log: DecisionLog, log: EventLog, bank: Bank, until: datetime) -> LoggedOutcomes:
    """Match the impressions of the event log with the decisions that they cite.

    Args:
        decision_log: Log of decisions.
        log: Event log.
        bank: The bank that decided.
        until: Moment of the evaluation; later news does not count, and windows that end later are not over.

    Raises:
        DataError: The bank's vocabulary has no contacts.
    """
    contacts = bank.vocabulary.contacts
    types = () if contacts is None else (contacts.presented, contacts.accepted)
    found = responses(log.read_types(types), bank.vocabulary, bank.offers, until)
    cited = ~np.array([decision is None for decision in found.decision_id], dtype=bool)
    left_out = Counter({NO_DECISION: int((~cited).sum()), NOT_MATURED: int((cited & ~found.matured).sum())})
    rows = np.flatnonzero(cited & found.matured)
    outcome: dict[str, tuple[str, bool]] = {}
    for row in rows.tolist():
        outcome.setdefault(found.decision_id[row], (found.offer[row], bool(found.accepted[row])))
    decisions, rewards, answers = [], [], []
    for logged in decision_log.with_ids(sorted(outcome)):
        offer, accepted = outcome.pop(logged.decision_id)
        if logged.offer != offer:
            left_out[NOT_FIRST] += 1
        elif logged.selection_probability is None or not logged.selection_probability > 0.0:
            left_out[NO_PROBABILITY] += 1
        elif logged.record is None and logged.part is None:
            left_out[NO_FEATURES] += 1
        else:
            decisions.append(logged)
            rewards.append((logged.value or 0.0) if accepted else 0.0)
            answers.append(accepted)
    left_out[UNKNOWN] = len(outcome)
    order = sorted(range(len(decisions)), key=lambda row: (decisions[row].as_of, decisions[row].decision_id))
    return LoggedOutcomes(
        tuple(decisions[row] for row in order),
        np.array([rewards[row] for row in order], dtype=np.float64),
        np.array([answers[row] for row in order], dtype=bool),
        {reason: count for reason, count in left_out.items() if count},
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
            expected="presented offers that cite a decision, with their response windows over",
            remedy="decide every night, or serve, and ask again when windows are over",
        )
    names = [offer.name for offer in decider.bank.offers]
    actions = tuple(dict.fromkeys([*(str(one.offer) for one in logged), *names, NOTHING]))
    places = {name: place for place, name in enumerate(actions)}
    target, context = np.zeros((len(logged), len(actions))), np.full((len(logged), 3), np.nan)
    propensity = np.full(len(logged), np.nan)
    for one in occasions(logged, decider, log, decisions_folder):
        rows, decisions = one.rows, decider.decide(one.features, one.context, unknown=one.unknown)
        channel = logged[rows[0]].channel
        columns = decisions.policy.candidates.by_channel.get(channel, np.empty(0, dtype=np.intp))
        for column in columns.tolist():
            offer = decisions.policy.candidates.pairs[column][0].name
            target[rows, places[offer]] += decisions.ranking.selection_probability[:, column]
            made = np.array([logged[row].offer == offer for row in rows.tolist()], dtype=bool)
            propensity[rows[made]] = decisions.scores.propensity[made, column]
        context[rows, 0] = decisions.features.columns[CHURN_PROBABILITY]
        known = decisions.scores.propensity[:, columns]
        some = np.isfinite(known).any(axis=1)
        context[rows[some], 1] = np.nanmax(known[some], axis=1)
        context[rows[some], MEAN_PROPENSITY] = np.nanmean(known[some], axis=1)
    target[:, places[NOTHING]] = np.clip(1.0 - target.sum(axis=1), 0.0, 1.0)
    return EvaluationArrays(
        actions,
        np.array([places[str(one.offer)] for one in logged], dtype=np.intp),
        outcomes.reward,
        np.array([one.selection_probability for one in logged], dtype=np.float64),
        target,
        context,
        np.array([one.customer_id for one in logged], dtype=object),
        np.array([one.stage or NOTHING for one in logged], dtype=object),
        propensity,
    )


def _reasons(left_out: Mapping[str, int]) -> str:
    return "; ".join(f"{count:,} impressions: {reason}" for reason, count in left_out.items()) or "no impressions"
