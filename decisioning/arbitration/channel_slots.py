"""The layout of a policy's candidates by channel, and the selection probabilities of exploration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from decisioning.policies.candidates import Candidates
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import UNIFORM, Arm
from decisioning.policies.policy import Exploration
from domain.offer import OfferClass
from expressions.types import Array

AS_DECLARED, UNIFORMLY, NEVER = range(3)
"""How a customer's first offer is explored: rows of `Layout.probabilities`."""

EXPLORED: NDArray[np.int8] = np.array(
    [
        UNIFORMLY if arm in UNIFORM else NEVER if arm in {Arm.RANDOM_PROPENSITY, Arm.NOT_PERSONALISED} else AS_DECLARED
        for arm in Arm
    ],
    dtype=np.int8,
)
"""Way of exploring, by arm. Random propensities already explore, and the catalogue's order is not explored."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The c requested channels, each with up to k of the m candidates.

    Attributes:
        channels: The requested channels.
        slots: Shape (c, k), each channel's candidates in catalogue order, padded with m, which is no candidate.
        asked: Shape (m,), whether the candidate is in one of these channels.
        offer_class: Shape (m,), 0 for the class that comes first.
        slot_class: Shape (c, k), the same by slot.
        one_class: Whether all candidates are of one class.
        slot_group: Shape (c, k), groups of candidates of which only the best is ranked beside others; None for no such
            groups.
        probabilities: Shape (3, k + 1, k): way of exploring, number of allowed candidates, position in the order (from
            0) -> probability of being first.
        sums: Cumulative probabilities, infinite at the last position: a draw selects the first position whose sum is
            above it.
    """

    channels: tuple[str, ...]
    slots: NDArray[np.intp]
    asked: NDArray[np.bool_]
    offer_class: NDArray[np.int8]
    slot_class: NDArray[np.int8]
    one_class: bool
    slot_group: NDArray[np.intp] | None
    probabilities: Array
    sums: Array


@lru_cache(maxsize=256)
def layout_of(policy: CompiledPolicy, channels: tuple[str, ...]) -> Layout:
    """Return the layout of a policy's candidates for some channels, computed once for each choice of channels."""
    candidates = policy.candidates
    slots = channel_slots(candidates, channels)
    asked = np.zeros(len(candidates) + 1, dtype=np.bool_)
    asked[slots] = True
    classes = [list(OfferClass).index(offer.offer_class) for offer, _ in candidates.pairs]
    offer_class = np.array([*classes, len(OfferClass)], dtype=np.int8)
    width = slots.shape[1]
    explored = (
        policy.policy.exploration,
        Exploration(epsilon=1.0, top=max(width, 1)),
        Exploration(epsilon=0.0, floor=0.0),
    )
    probabilities = np.stack([position_probabilities(exploration, width) for exploration in explored])
    sums = np.cumsum(probabilities, axis=2)
    last = np.arange(1, width + 1) >= np.arange(width + 1)[:, None]
    sums[:, last] = np.inf  # so that rounding never leaves a draw without a position
    return Layout(
        channels=channels,
        slots=slots,
        asked=asked[:-1],
        offer_class=offer_class[:-1],
        slot_class=offer_class[slots],
        one_class=len(set(classes)) <= 1,
        slot_group=_groups(candidates)[slots] if policy.policy.distinct_products else None,
        probabilities=probabilities,
        sums=sums,
    )


def channel_slots(candidates: Candidates, channels: Sequence[str]) -> NDArray[np.intp]:
    """Return each channel's candidates in catalogue order, shape (c, k), padded with m, which is no candidate."""
    members = [candidates.by_channel[name] for name in channels]
    slots = np.full((len(channels), max(map(len, members), default=0)), len(candidates), dtype=np.intp)
    for row, positions in zip(slots, members, strict=True):
        row[: len(positions)] = positions
    return slots


def position_probabilities(exploration: Exploration, most: int) -> Array:
    """Compute the probability of each position of an order to be drawn as first.

    With a allowed candidates, t = min(top, a) and f = min(floor, 1 / a), place i (from 1) has

        f + (1 - a f) * ((1 - epsilon) * [i = 1] + epsilon / t * [i <= t])

    Args:
        exploration: Exploration settings of the policy.
        most: Maximum number of candidates in a channel.

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


def _groups(candidates: Candidates) -> NDArray[np.intp]:
    """Number the product families; an offer without a product is a group of its own, and so is the padding."""
    numbers: dict[str, int] = {}
    names = [
        product or f"offer {offer.name}"
        for product, (offer, _) in zip(candidates.products, candidates.pairs, strict=True)
    ]
    return np.array([numbers.setdefault(name, len(numbers)) for name in (*names, "no candidate")], dtype=np.intp)
