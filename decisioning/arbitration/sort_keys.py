"""Sort keys of the candidates: the priority, or what the customer's arm replaces it with.

Random propensities are one of a few fixed draws, the same for everybody, so that the probability that a candidate
comes first is known exactly: the share of the draws in which it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import EXPLORED, NEVER, Layout
from decisioning.arbitration.ranking import Ranking, rank_candidates
from decisioning.arbitration.scores import CandidateScores, priority_of, with_propensity
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import RANKED_BY, UNIFORM, Arm, Arms, Draws, hashes_of, mixed, uniforms
from expressions.types import Array

RANDOM_PROPENSITIES: Final = 64
"""Number of draws of random propensities. The cost for customers of that arm grows with it."""


@dataclass(frozen=True, slots=True, eq=False)
class SortedCandidates:
    """What candidates are ranked by.

    Attributes:
        keys: Sort keys, shape (n, m).
        allowed: Whether the candidate passed all rules, shape (n, m).
        layout: The requested channels and their candidates.
    """

    keys: Array
    allowed: NDArray[np.bool_]
    layout: Layout


def sort_keys(policy: CompiledPolicy, scores: CandidateScores, arm: Arms, draws: Draws) -> Array:
    """Compute the number by which each customer's candidates are ordered, highest first: shape (n, m).

    Customers who do not want personalised offers get them in the order of the catalogue. Candidates without a score
    have key 0.

    Args:
        policy: The compiled policy.
        scores: Candidate scores.
        arm: Arm of each customer, shape (n,).
        draws: The customers' draws.
    """
    keys = scores.priority.copy()
    for kind in _unusual(arm):
        rows = np.flatnonzero(arm == kind)
        if kind in RANKED_BY:
            keys[rows] = priority_of(scores, RANKED_BY[kind], rows)
        elif kind in UNIFORM:
            names = [f"{offer.name} in {treatment.channel}" for offer, treatment in policy.candidates.pairs]
            keys[rows] = draws.of(names, rows)
        elif kind == Arm.RANDOM_PROPENSITY:
            drawn = _random_propensities(keys.shape[1])[_which(draws, rows)]
            keys[rows] = with_propensity(policy, scores, rows, drawn)
        elif kind == Arm.NOT_PERSONALISED:
            keys[rows] = -np.arange(keys.shape[1], dtype=np.float64)
    return np.where(np.isnan(keys), 0.0, keys)


def ranked(
    policy: CompiledPolicy, scores: CandidateScores, candidates: SortedCandidates, arm: Arms, draws: Draws
) -> Ranking:
    """Rank the candidates of every channel by their keys; for arguments see `sort_keys`."""
    keys, allowed, layout = candidates.keys, candidates.allowed, candidates.layout
    most = policy.policy.offers_per_channel
    ranking = rank_candidates(keys, allowed, layout, draws.of(layout.channels), EXPLORED[arm], offers_per_channel=most)
    rows = np.flatnonzero(arm == Arm.RANDOM_PROPENSITY)
    if len(rows):
        again = np.repeat(rows, RANDOM_PROPENSITIES)
        every = np.tile(_random_propensities(keys.shape[1]), (len(rows), 1))
        could_be = with_propensity(policy, scores, again, every)
        ranks = rank_candidates(
            np.where(np.isnan(could_be), 0.0, could_be),
            allowed[again],
            layout,
            np.zeros((len(again), len(layout.channels))),
            np.full(len(again), NEVER, dtype=np.int8),
            offers_per_channel=most,
        ).rank.reshape(len(rows), RANDOM_PROPENSITIES, -1)
        is_ = ranking.rank[rows]
        ranking.selection_probability[rows] = (ranks == 1).mean(axis=1)
        ranking.rank_probability[rows] = (ranks == is_[:, None, :]).mean(axis=1) * (is_ > 0)
    return ranking


def _unusual(arm: Arms) -> list[Arm]:
    return [Arm(kind) for kind in np.unique(arm).tolist()] if arm.any() else []


def _which(draws: Draws, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    drawn = draws.of(["random propensities"], rows)[:, 0]
    return (drawn * RANDOM_PROPENSITIES).astype(np.intp)


@lru_cache(maxsize=16)
def _random_propensities(candidates: int) -> Array:
    """Shape (draws, candidates), uniform in [0, 1)."""
    words = hashes_of(
        f"{draw} of {candidate}" for draw in range(RANDOM_PROPENSITIES) for candidate in range(candidates)
    )
    return uniforms(mixed(words)).reshape(RANDOM_PROPENSITIES, candidates)
