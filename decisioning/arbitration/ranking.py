"""Ranking within a channel: normally by sort key, but exploration may draw another candidate as the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import Layout
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order of the allowed candidates in every channel.

    Attributes:
        rank: Shape (n, m), from 1; 0 for candidates that are not ranked.
        selection_probability: Shape (n, m), probability that the candidate is put first in its channel.
        rank_probability: Shape (n, m), probability of the rank that the candidate has; 0 if it is not ranked.
    """

    rank: NDArray[np.int16]
    selection_probability: Array
    rank_probability: Array


def rank_candidates(
    keys: Array,
    allowed: NDArray[np.bool_],
    layout: Layout,
    draws: Array,
    explored: NDArray[np.int8],
    *,
    offers_per_channel: int,
) -> Ranking:
    """Order the allowed candidates of every channel; a draw decides which one is first.

    The order is total: by class, then by key, highest first, then catalogue order. One candidate of the first class
    that has any is drawn to be first; the others follow in order. If products must be distinct, only the best of each
    family follows.

    Args:
        keys: Sort keys, shape (n, m), finite where allowed.
        allowed: Whether the candidate passed all rules, shape (n, m).
        layout: Layout of the channels.
        draws: Uniform draws in [0, 1), shape (n, c).
        explored: Way of exploring each customer's first offer, a row of `layout.probabilities`; shape (n,).
        offers_per_channel: How many candidates are ranked; the rest have rank 0.
    """
    customers, candidates = keys.shape
    slots = layout.slots
    width = slots.shape[1]
    rank = np.zeros((customers, candidates + 1), dtype=np.int16)
    selection = np.zeros((customers, candidates + 1))
    standing = np.zeros((customers, candidates + 1))
    if width:
        scores = np.full((customers, candidates + 1), -np.inf)
        scores[:, :candidates] = np.where(allowed, keys, -np.inf)
        grid = scores[:, slots]
        present = grid > -np.inf
        count = present.sum(axis=2)
        foremost = count
        if layout.one_class:
            order = np.argsort(-grid, axis=2, kind="stable")
        else:
            classes = np.where(present, layout.slot_class, np.int8(127))
            order = np.lexsort((-grid, classes))
            foremost = (present & (classes == classes.min(axis=2, keepdims=True))).sum(axis=2)
        probabilities = layout.probabilities[explored[:, None], foremost]
        chosen = (draws[:, :, None] >= layout.sums[explored[:, None], foremost]).sum(axis=2)[:, :, None]
        ranks, standings = _followed(order, count, chosen, probabilities, layout)
        dropped = (np.arange(width) >= count[:, :, None]) | (ranks > offers_per_channel)
        ranks[dropped] = 0
        standings[ranks == 0] = 0.0
        columns = np.take_along_axis(np.broadcast_to(slots, grid.shape), order, axis=2)
        rows = np.arange(customers)[:, None, None]
        rank[rows, columns] = ranks
        selection[rows, columns] = probabilities
        standing[rows, columns] = standings
    return Ranking(rank[:, :candidates], selection[:, :candidates], standing[:, :candidates])


def _followed(
    order: NDArray[np.intp], count: NDArray[np.intp], chosen: NDArray[np.intp], probabilities: Array, layout: Layout
) -> tuple[NDArray[np.intp], Array]:
    """Rank the positions of every order given which one was chosen, with the probability of each such rank.

    Groups are ordered by their best candidate. The group of the chosen position moves to the front, and the best of
    the other groups follow: the group at position g gets rank g + 2 if the chosen group was behind it, else g + 1.
    """
    width = order.shape[2]
    place = np.arange(width)
    if layout.slot_group is None:
        group, best = np.broadcast_to(place, order.shape), np.ones(order.shape, dtype=np.bool_)
        up_to = np.cumsum(probabilities, axis=2)
        before = up_to - probabilities
    else:
        names = np.take_along_axis(np.broadcast_to(layout.slot_group, order.shape), order, axis=2)
        same = (names[..., :, None] == names[..., None, :]) & (place < count[..., None])[..., None, :]
        first = same.argmax(axis=3)
        best = (first == place) & (place < count[..., None])
        group = np.take_along_axis(np.cumsum(best, axis=2) - 1, first, axis=2)
        before = (probabilities[..., None, :] * (group[..., None, :] < group[..., :, None])).sum(axis=3)
        up_to = (probabilities[..., None, :] * (group[..., None, :] <= group[..., :, None])).sum(axis=3)
    chosen_group = np.take_along_axis(group, chosen, axis=2)
    behind = group < chosen_group
    ranks = np.where(behind, group + 2, group + 1)
    standings = np.where(behind, 1.0 - up_to, before)
    ranks[~best | (group == chosen_group)] = 0
    np.put_along_axis(ranks, chosen, 1, axis=2)
    np.put_along_axis(standings, chosen, np.take_along_axis(probabilities, chosen, axis=2), axis=2)
    return ranks, standings
