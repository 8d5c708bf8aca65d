"""Decide: for n customers at one moment, what to offer in every channel, and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration import Worth, best_candidate, reject_unworthy, weigh
from decisioning.compiled import CompiledPolicy
from decisioning.draws import as_microseconds, channel_draws, decision_id, hashes_of
from decisioning.exploration import Ranking, channel_slots, rank_candidates
from decisioning.situation import Situation, moment_columns
from decisioning.verdicts import PASSED, Bits, failing_rules, first_failing
from domain.errors import DataError, nearest
from expressions.types import Array
from features.moments import utc_microseconds
from features.table import FeatureTable

OFFERED = -1
"""In place of the rule that left nothing, where something is offered."""

NO_CANDIDATES = -2
"""In place of it, where no offer can be put in the channel at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What was decided for n customers over m candidates and c channels.

    Attributes:
        features: Of the customers, as they were given.
        situation: What expressions saw.
        as_of: The moment, microseconds UTC.
        channels: The c channels that were asked for.
        versions: Digests of the policy and whatever else took part, by name.
        bits: Shape (n, m, words), failing rules as bits.
        first_failed: Shape (n, m), position of the first failing rule; `verdicts.PASSED` where none failed.
        worth: Propensity, value, weights, cost and priority, each (n, m).
        ranking: Rank and selection probability, each (n, m); zeros in channels that were not asked for.
        best: Shape (n,), the candidate of highest priority over the channels asked for; -1 for none.
        fallback: Shape (n, c), the rule that the candidate which got furthest failed, where a channel has nothing
            to offer; `OFFERED` or `NO_CANDIDATES` else.
    """

    policy: CompiledPolicy
    features: FeatureTable
    situation: Situation
    as_of: np.datetime64
    seed: int
    channels: tuple[str, ...]
    versions: Mapping[str, str]
    bits: Bits
    first_failed: NDArray[np.int16]
    worth: Worth
    ranking: Ranking
    best: NDArray[np.intp]
    fallback: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Shape (n, m): no rule rejected the candidate."""
        allowed: NDArray[np.bool_] = self.first_failed == PASSED
        return allowed

    @property
    def digest(self) -> str:
        """One digest of all versions."""
        joined = "\x1f".join(f"{name}={version}" for name, version in sorted(self.versions.items()))
        return blake2b(joined.encode(), digest_size=16).hexdigest()

    def decision_ids(self, places: Sequence[tuple[int, str]]) -> list[str]:
        """Name the decisions for some customers, by position, each in one channel."""
        moment, digest = as_microseconds(self.as_of), self.digest
        customers = self.features.customer_ids
        return [decision_id(str(customers[row]), channel, moment, self.seed, digest) for row, channel in places]


def decide(
    features: FeatureTable,
    propensity: Array,
    policy: CompiledPolicy,
    *,
    as_of: datetime | np.datetime64,
    seed: int,
    channels: Sequence[str] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Decisions:
    """Decide for n customers, n >= 1 or 0; each as if it were alone.

    Args:
        features: n rows, with the columns that `policy.features` names.
        propensity: Shape (n, m), probability of acceptance of every candidate.
        policy: Compiled without problems.
        as_of: The moment of the decision.
        seed: Of the draws: the same seed decides the same.
        channels: Those to answer for; None for all that have an offer. An answer does not depend on the others.
        versions: Digests of models and whatever else the scores came from; kept, and part of decisions' ids.

    Raises:
        DataError: A column is missing, a channel unknown, or the shapes do not fit.

    Example:
        >>> from domain.journey import Stage
        >>> from domain.offer import Offer, Treatment
        >>> from events.vocabulary import Vocabulary
        >>> from features.catalogue import Feature, FeatureCatalogue
        >>> from expressions.types import Category
        >>> from decisioning.compile import compile_policy
        >>> from decisioning.policy import Policy
        >>> stage = Category(("growth", "mature"))
        >>> feature = Feature(name="stage", type=stage, unit="", description="", topic="", owner="")
        >>> loan = Offer(name="loan", description="", value="180", cost=10, stages=(Stage.GROWTH,),
        ...              treatments=(Treatment(channel="app", message="card", cost=0.5),))
        >>> policy, problems = compile_policy(Policy(), (loan,), Vocabulary(channels=("app",), products=(), types={}),
        ...                                   FeatureCatalogue({"stage": feature}, {}, {}))
        >>> moment = np.datetime64("2026-01-01", "us")
        >>> customers = FeatureTable(np.array(["c1", "c2"], dtype=object), np.full(2, moment),
        ...                          {"stage": np.array([0.0, 1.0])}, {"stage": stage})
        >>> decisions = decide(customers, np.full((2, 1), 0.1), policy, as_of=moment, seed=7)
        >>> decisions.ranking.rank.tolist(), decisions.worth.priority[:, 0].tolist()
        ([[1], [0]], [16.5, 16.5])
    """
    moment = utc_microseconds(as_of)
    wanted = _channels(policy, channels)
    shape = (len(features), len(policy.candidates))
    if propensity.shape != shape:
        raise DataError("propensities do not fit", got=f"shape {propensity.shape}", expected=f"{shape}")
    customers = hashes_of(map(str, features.customer_ids))
    local = moment_columns(as_datetime(moment), policy.time_zone, customers, policy.policy)
    situation = Situation(policy.names, len(features), features.columns, local)
    bits = failing_rules(policy, situation)
    worth = weigh(policy, situation, propensity)
    reject_unworthy(policy, worth, bits)
    first_failed = first_failing(bits)
    allowed = first_failed == PASSED
    slots = channel_slots(policy.candidates, wanted)
    ranking = rank_candidates(
        worth.priority,
        allowed,
        slots,
        channel_draws(customers, wanted, moment, seed),
        policy=policy.policy,
    )
    asked = np.zeros(shape[1] + 1, dtype=bool)
    asked[slots] = True
    return Decisions(
        policy=policy,
        features=features,
        situation=situation,
        as_of=moment,
        seed=seed,
        channels=wanted,
        versions={"policy": policy.digest, **(versions or {})},
        bits=bits,
        first_failed=first_failed,
        worth=worth,
        ranking=ranking,
        best=best_candidate(worth.priority, allowed & asked[:-1]),
        fallback=_fallback(first_failed, slots),
    )


def as_datetime(moment: np.datetime64) -> datetime:
    """Convert numpy's microseconds to an aware datetime, in UTC.

    Example:
        >>> as_datetime(np.datetime64("2026-01-01T12:00", "us")).isoformat()
        '2026-01-01T12:00:00+00:00'
    """
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=as_microseconds(moment))


def _channels(policy: CompiledPolicy, channels: Sequence[str] | None) -> tuple[str, ...]:
    known = policy.candidates.by_channel
    for channel in channels or ():
        if channel not in known:
            raise DataError("no such channel", got=f"'{channel}'", expected=nearest(channel, known))
    return policy.channels if channels is None else tuple(dict.fromkeys(channels))


def _fallback(first_failed: NDArray[np.int16], slots: NDArray[np.intp]) -> NDArray[np.int16]:
    """Find the rule that stopped the last candidate of every channel that has nothing to offer."""
    customers, candidates = first_failed.shape
    padded = np.full((customers, candidates + 1), NO_CANDIDATES, dtype=np.int16)
    padded[:, :candidates] = first_failed
    grid = padded[:, slots]
    if not grid.shape[2]:
        return np.full(grid.shape[:2], NO_CANDIDATES, dtype=np.int16)
    furthest: NDArray[np.int16] = grid.max(axis=2)
    return np.where((grid == PASSED).any(axis=2), np.int16(OFFERED), furthest)
