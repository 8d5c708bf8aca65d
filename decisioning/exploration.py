"""Who comes first in a channel: nearly always the best, sometimes another, with known probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.candidates import Candidates
from decisioning.policy import Exploration, Policy
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order of the allowed candidates in every channel.

    Attributes:
        rank: Shape (n, m), from 1; 0 where a candidate is not among the answer's offers.
        selection_probability: Shape (n, m), probability with which the candidate was put first in its channel.
    """

    rank: NDArray[np.int16]
    selection_probability: Array


def channel_slots(candidates: Candidates, channels: Sequence[str]) -> NDArray[np.intp]:
    """List each channel's candidates in catalogue order: shape (c, k), filled up with m, which is no candidate."""
    members = [candidates.by_channel[name] for name in channels]
    slots = np.full((len(channels), max(map(len, members), default=0)), len(candidates), dtype=np.intp)
    for row, positions in zip(slots, members, strict=True):
        row[: len(positions)] = positions
    return slots


def position_probabilities(exploration: Exploration, most: int) -> Array:
    """Compute with which probability each place of an order is drawn to be first.

    With a allowed candidates, t = min(top, a) and f = min(floor, 1 / a), place i (from 1) has

        f + (1 - a f) * ((1 - epsilon) * [i = 1] + epsilon / t * [i <= t])

    Args:
        exploration: The policy's.
        most: Largest number of candidates in a channel.

    Returns:
        Shape (most + 1, most): row a for a allowed candidates; every row but the first sums to 1.

    Example:
        >>> position_probabilities(Exploration(epsilon=0.2, top=2, floor=0.0), 3)[3].tolist()
        [0.9, 0.1, 0.0]
    """
    probabilities = np.zeros((most + 1, most))
    for allowed in range(1, most + 1):
        top = min(exploration.top, allowed)
        floor = min(exploration.floor, 1.0 / allowed)
        probabilities[allowed, :allowed] = floor
        rest = 1.0 - allowed * floor
        probabilities[allowed, :top] += rest * exploration.epsilon / top
        probabilities[allowed, 0] += rest * (1.0 - exploration.epsilon)
    return probabilities


def rank_candidates(
    priority: Array,
    allowed: NDArray[np.bool_],
    slots: NDArray[np.intp],
    draws: Array,
    *,
    policy: Policy,
) -> Ranking:
    """Order the allowed candidates of every channel, and let the draw decide who is first.

    The order is by priority, highest first, equals in catalogue order; the drawn candidate moves to the front and
    the others keep their order.

    Args:
        priority: Shape (n, m), finite where allowed.
        allowed: Shape (n, m).
        slots: Shape (c, k), of `channel_slots`.
        draws: Shape (n, c), uniform in [0, 1).
        policy: Says how to explore, and how many offers are ranked; the rest has rank 0.
    """
    customers, candidates = priority.shape
    width = slots.shape[1]
    rank = np.zeros((customers, candidates + 1), dtype=np.int16)
    selection = np.zeros((customers, candidates + 1))
    if width:
        worth = np.full((customers, candidates + 1), -np.inf)
        worth[:, :candidates] = np.where(allowed, priority, -np.inf)
        grid = worth[:, slots]
        order = np.argsort(-grid, axis=2, kind="stable")
        count = (grid > -np.inf).sum(axis=2)
        probabilities = position_probabilities(policy.exploration, width)
        sums = np.cumsum(probabilities, axis=1)
        last = np.arange(1, width + 1) >= np.arange(width + 1)[:, None]
        sums[last] = np.inf  # the last place takes what rounding leaves
        chosen = (draws[:, :, None] >= sums[count]).sum(axis=2)
        place = np.arange(width)
        ranks = np.where(place == chosen[:, :, None], 1, place + 1 + (place < chosen[:, :, None]))
        ranks[(place >= count[:, :, None]) | (ranks > policy.offers_per_channel)] = 0
        columns = np.take_along_axis(np.broadcast_to(slots, grid.shape), order, axis=2)
        rows = np.arange(customers)[:, None, None]
        rank[rows, columns] = ranks
        selection[rows, columns] = probabilities[count]
    return Ranking(rank[:, :candidates], selection[:, :candidates])
