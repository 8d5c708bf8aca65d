"""The decision engine: choose what to offer n customers in every channel at one moment, and record why not the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import layout_of
from decisioning.arbitration.ranking import Ranking
from decisioning.arbitration.scores import (
    CandidateScores,
    best_candidate,
    reject_below_minimum,
    reject_unaffordable,
    score_candidates,
)
from decisioning.arbitration.sort_keys import SortedCandidates, ranked, sort_keys
from decisioning.policies.assignment import arms_of, trial_arms, units_of
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import Arm, Arms, Draws, as_microseconds, decision_id, hashes_of
from decisioning.policies.evaluation_context import EvaluationContext, moment_columns
from decisioning.policies.remaining import remaining_at
from decisioning.policies.requests import Said, request_columns
from decisioning.policies.verdicts import PASSED, Bits, first_failing
from domain.errors import DataError, nearest
from expressions.types import Array
from features.moments import utc_microseconds
from features.table import FeatureTable

OFFERED = -1
"""Value of `Decisions.fallback` where the channel has an offer."""

NO_CANDIDATES = -2
"""Value of `Decisions.fallback` where no offer has a treatment for the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """What a decision depends on besides features, scores and policy.

    Attributes:
        as_of: Decision time.
        seed: Seed of the draws; the same seed gives the same decisions.
        channels: Channels to decide for; None for all that have an offer. Channels do not influence each other.
        request: Request fields as declared in events.yaml, NULL where missing. One mapping for everybody, or one for
            each customer.
        prices: Price of one unit of each budget, by name; 0 for budgets that are not named.
        remaining: What is left of each budget, by name; the full amount for budgets that are not named.
        at_once: Whether contacts go out at this moment and not at the hour of their channel: at their delivery, and
            what a service decides for whoever asks.
        arms: Trial -> arm in which everybody who takes part is decided for, instead of the drawn one: to know what
            another arm would have decided. Such decisions are not stored.
        versions: Digests of the models and other inputs behind the scores; stored, and part of the decision ids.
    """

    as_of: datetime | np.datetime64
    seed: int
    channels: Sequence[str] | None = None
    request: Mapping[str, Said] | Sequence[Mapping[str, Said]] | None = None
    prices: Mapping[str, float] = field(default_factory=dict)
    remaining: Mapping[str, float] = field(default_factory=dict)
    at_once: bool = False
    arms: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions for n customers over m candidates and c channels.

    Attributes:
        features: The customers' features, as passed in.
        evaluation_context: The evaluation context of all expressions.
        as_of: Decision time, microseconds UTC.
        channels: The c requested channels.
        versions: Digests of the policy, the models and other inputs, by name.
        requests: Request fields sent by the channels: one mapping for everybody, or one for each customer.
        prices: Price of one unit of each budget, by name.
        remaining: What was left of each budget, by name.
        at_once: Whether contacts go out at the moment of the decision.
        arm: Shape (n,), the arm of each customer.
        bits: Shape (n, m, words), failing rules as bits.
        first_failed: Shape (n, m), position of the first failing rule that counts in the customer's arm;
            `verdicts.PASSED` where none failed.
        scores: Candidate scores: propensity, value, weights, costs and priority, each (n, m), and budget charges.
        keys: Shape (n, m), sort keys of the candidates within their class.
        ranking: Rank and probabilities, each (n, m); zeros in channels that were not requested.
        best: Shape (n,), the best candidate over the requested channels; -1 for none.
        fallback: Shape (n, c). Where a channel has nothing to offer: the failing rule of the candidate that got
            furthest. Otherwise `OFFERED` or `NO_CANDIDATES`.
    """

    policy: CompiledPolicy
    features: FeatureTable
    evaluation_context: EvaluationContext
    as_of: np.datetime64
    seed: int
    channels: tuple[str, ...]
    versions: Mapping[str, str]
    requests: tuple[Mapping[str, Said], ...]
    prices: Mapping[str, float]
    remaining: Mapping[str, float]
    at_once: bool
    arm: Arms
    bits: Bits
    first_failed: NDArray[np.int16]
    scores: CandidateScores
    keys: Array
    ranking: Ranking
    best: NDArray[np.intp]
    fallback: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Shape (n, m), whether the candidate passed every rule."""
        allowed: NDArray[np.bool_] = self.first_failed == PASSED
        return allowed

    @cached_property
    def counting(self) -> Bits:
        """Shape (n, m, words), the failing rules that count in the customer's arm."""
        return counting_rules(self.policy, self.bits, self.arm)

    def request_of(self, customer: int) -> Mapping[str, Said]:
        """Return the request fields of the customer at a position."""
        return self.requests[customer if len(self.requests) > 1 else 0]

    def decision_ids(self, places: Sequence[tuple[int, str]]) -> list[str]:
        """Return the ids of decisions, each given as the customer's position and a channel."""
        moment, digests = as_microseconds(self.as_of), self._digests
        customers = self.features.customer_ids
        # in other channels it decides nothing
        hurried = self.policy.policy.outbound if self.at_once else {}
        ids = []
        for row, channel in places:
            digest = digests[row if len(digests) > 1 else 0] + ("at once" if channel in hurried else "")
            ids.append(decision_id(str(customers[row]), channel, moment, self.seed, digest))
        return ids

    @cached_property
    def _digests(self) -> tuple[str, ...]:
        """Digests, per request, of all inputs of a decision but the customer: versions, request, prices."""
        return tuple(_digest((self.versions, request, self.prices)) for request in self.requests)


def decide(features: FeatureTable, propensity: Array, policy: CompiledPolicy, context: DecisionContext) -> Decisions:
    """Decide for n >= 0 customers. The decision for one customer does not depend on the others.

    Args:
        features: n rows, with the columns that `policy.features` names.
        propensity: Probability of acceptance of every candidate, shape (n, m).
        policy: Policy that compiled without problems.
        context: Time, seed, channels, requests, and prices and rests of budgets.

    Raises:
        DataError: If a column is missing; if a channel, request field or budget is unknown; if a price or remaining
            amount is not a number of at least 0; or if shapes do not match.

    Example:
        >>> from domain.journey import Stage
        >>> from domain.offer import Offer, Treatment
        >>> from events.vocabulary import Vocabulary
        >>> from features.catalogue import Feature, FeatureCatalogue
        >>> from expressions.types import Category
        >>> from decisioning.policies.compile import compile_policy
        >>> from decisioning.policies.policy import Policy
        >>> stage = Category(("growth", "mature"))
        >>> feature = Feature(name="stage", type=stage, unit="", description="", topic="", owner="")
        >>> loan = Offer(name="loan", description="", value="180", cost=10, stages=(Stage.GROWTH,),
        ...              treatments=(Treatment(channel="app", message="card", cost=0.5),))
        >>> policy, problems = compile_policy(Policy(), (loan,), Vocabulary(channels=("app",), products=(), types={}),
        ...                                   FeatureCatalogue({"stage": feature}, {}, {}))
        >>> moment = np.datetime64("2026-01-01", "us")
        >>> customers = FeatureTable(np.array(["c1", "c2"], dtype=object), np.full(2, moment),
        ...                          {"stage": np.array([0.0, 1.0])}, {"stage": stage})
        >>> decisions = decide(customers, np.full((2, 1), 0.1), policy, DecisionContext(as_of=moment, seed=7))
        >>> decisions.ranking.rank.tolist(), decisions.scores.priority[:, 0].tolist()
        ([[1], [0]], [16.5, 16.5])
    """
    moment, prices = utc_microseconds(context.as_of), context.prices
    wanted = _channels(policy, context.channels)
    shape = (len(features), len(policy.candidates))
    if propensity.shape != shape:
        raise DataError("propensities have the wrong shape", got=f"shape {propensity.shape}", expected=f"{shape}")
    at = as_datetime(moment)
    left = remaining_at(policy, context.remaining, prices, at)
    customers = hashes_of(map(str, features.customer_ids))
    control = policy.policy.control
    household = features.columns.get(control.household or "")
    day = at.astimezone(policy.time_zone).date()
    units = units_of(customers, household)
    arm = arms_of(units, control, day)
    trials = {
        one.column: trial_arms(units, arm, one, control.salt, day, context.arms.get(one.name))
        for one in policy.policy.trials
    }
    in_holdout = arm == Arm.HOLDOUT
    local = moment_columns(at, policy.time_zone, in_holdout)
    sent = {hour: 0 if context.at_once else hour for hour in policy.sources.contact_hours}
    zones = features.columns.get(policy.policy.recipient_time_zone or "")
    times = policy.names.contact_times.columns(at, sent, zones)
    requests = _requests(context.request, len(features))
    request_values = request_columns(requests, policy.names.request)
    of_the_moment = {**local, **times, **trials, **request_values}
    evaluation_context = EvaluationContext(policy.sources, len(features), features.columns, of_the_moment)
    answers = policy.program.run(evaluation_context.rows)
    arm = np.where(answers.personalised, arm, np.int8(Arm.NOT_PERSONALISED))
    bits = answers.failing
    scores = score_candidates(policy, answers, propensity, arm, prices)
    reject_below_minimum(policy, scores, bits)
    reject_unaffordable(policy, scores, left, bits)
    first_failed = first_failing(counting_rules(policy, bits, arm))
    allowed = first_failed == PASSED
    layout = layout_of(policy, wanted)
    draws = Draws(customers, moment, context.seed)
    keys = sort_keys(policy, scores, arm, draws)
    ranking = ranked(policy, scores, SortedCandidates(keys, allowed, layout), arm, draws)
    return Decisions(
        policy=policy,
        features=features,
        evaluation_context=evaluation_context,
        as_of=moment,
        seed=context.seed,
        channels=wanted,
        versions={"policy": policy.digest, **context.versions},
        requests=requests,
        prices=dict(prices),
        remaining=left,
        at_once=context.at_once,
        arm=arm,
        bits=bits,
        first_failed=first_failed,
        scores=scores,
        keys=keys,
        ranking=ranking,
        best=best_candidate(keys, layout.offer_class, allowed & layout.asked),
        fallback=_fallback(first_failed, layout.slots),
    )


def counting_rules(policy: CompiledPolicy, bits: Bits, arm: Arms) -> Bits:
    """Clear the bits of rules that do not count in each customer's arm; for non-commercial offers all rules count.

    Args:
        policy: Policy that says which rules each arm ignores.
        bits: Failing rules, shape (n, m, words).
        arm: Arm of each customer, shape (n,).
    """
    if not arm.any():
        return bits
    counting = bits.copy()
    counting[:, policy.scored] &= ~policy.ignored[arm][:, None, :]
    return counting


def as_datetime(moment: np.datetime64) -> datetime:
    """Convert a numpy datetime to an aware datetime in UTC.

    Example:
        >>> as_datetime(np.datetime64("2026-01-01T12:00", "us")).isoformat()
        '2026-01-01T12:00:00+00:00'
    """
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=as_microseconds(moment))


def _requests(
    request: Mapping[str, Said] | Sequence[Mapping[str, Said]] | None, customers: int
) -> tuple[Mapping[str, Said], ...]:
    if request is None or isinstance(request, Mapping):
        return (dict(request or {}),)
    if len(request) != customers:
        raise DataError(
            "wrong number of requests", got=f"{len(request)}", expected=f"one for each of {customers} customers"
        )
    return tuple(map(dict, request))


def _digest(parts: Sequence[Mapping[str, Said]]) -> str:
    joined = "\x1f".join(f"{name}={value}" for part in parts for name, value in sorted(part.items()))
    return blake2b(joined.encode(), digest_size=16).hexdigest()


def _channels(policy: CompiledPolicy, channels: Sequence[str] | None) -> tuple[str, ...]:
    known = policy.candidates.by_channel
    for channel in channels or ():
        if channel not in known:
            raise DataError("no such channel", got=f"'{channel}'", expected=nearest(channel, known))
    return policy.channels if channels is None else tuple(dict.fromkeys(channels))


def _fallback(first_failed: NDArray[np.int16], slots: NDArray[np.intp]) -> NDArray[np.int16]:
    """For every channel with nothing to offer, find the rule that rejected the candidate which got furthest."""
    customers, candidates = first_failed.shape
    padded = np.full((customers, candidates + 1), NO_CANDIDATES, dtype=np.int16)
    padded[:, :candidates] = first_failed
    grid = padded[:, slots]
    if not grid.shape[2]:
        return np.full(grid.shape[:2], NO_CANDIDATES, dtype=np.int16)
    furthest: NDArray[np.int16] = grid.max(axis=2)
    return np.where((grid == PASSED).any(axis=2), np.int16(OFFERED), furthest)
