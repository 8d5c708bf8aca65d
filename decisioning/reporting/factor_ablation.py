"""Factor ablation: counts customers whose first offer changes when one factor is left out of the priority."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import layout_of
from decisioning.arbitration.scores import CandidateScores, priority_of
from decisioning.engine import Decisions
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Factors
from expressions.types import Array

Counts = NDArray[np.int64]

FACTORS: Final = tuple(field.name for field in fields(Factors))
"""The factors of the priority; each is left out in turn."""

_NUMBERS: Final = ("propensity", "value", "context", "lever", "cost", "budget_cost", "priority")


@dataclass(frozen=True, slots=True)
class FactorAblation:
    """Counts of customers, as in the attributes of the same names of `decisioning.reporting.forensics.Forensics`."""

    compared: int
    decided: Counts
    changed: Counts
    changed_in_channel: Counts


def ablate_factors(decisions: Decisions, allowed: NDArray[np.bool_]) -> FactorAblation:
    """Rank the same allowed candidates again without each factor; the order of classes is kept.

    Only allowed candidates count, and only customers whose offers are ranked by priority.

    Args:
        decisions: Decisions for n customers.
        allowed: Whether the candidate is allowed and in a decided channel, shape (n, m).
    """
    policy = decisions.policy
    layout = layout_of(policy, decisions.channels)
    padded = np.zeros((len(decisions), len(policy.candidates) + 1), dtype=np.bool_)
    padded[:, :-1] = allowed & (decisions.arm == Arm.STANDARD)[:, None]
    grid = padded[:, layout.slots]
    if not layout.one_class:
        grid &= _foremost(grid, layout.slot_class)
    rows, channel, slot = np.nonzero(grid)
    columns = layout.slots[channel, slot]
    decided = _Runs.of(rows * len(decisions.channels) + channel)
    channel_of = channel[decided.begins]
    # a customer's best over all channels is the best of the channels' firsts, without those of a later class
    customers = _Runs.of(rows[decided.begins])
    of_class = layout.offer_class[columns[decided.begins]]
    behind = of_class > customers.spread(np.minimum, of_class)
    entries = rows * len(policy.candidates) + columns
    scores = replace(decisions.scores, **{name: getattr(decisions.scores, name).take(entries) for name in _NUMBERS})

    def winners(priority: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        keys = np.where(np.isnan(priority), 0.0, priority)  # as in `sort_keys`
        first, highest = decided.first(keys, columns)
        return customers.first(np.where(behind, -np.inf, highest), first)[0], first

    changed = np.zeros(len(FACTORS), dtype=np.int64)
    in_channel = np.zeros((len(FACTORS), len(decisions.channels)), dtype=np.int64)
    today = winners(scores.priority)
    for position, factor in enumerate(FACTORS):
        if _matters(decisions, scores, factor):
            best, first = winners(priority_of(scores, replace(policy.policy.factors, **{factor: False})))
            changed[position] = np.count_nonzero(best != today[0])
            in_channel[position] = np.bincount(channel_of[first != today[1]], minlength=len(decisions.channels))
    counts = np.bincount(channel_of, minlength=len(decisions.channels)).astype(np.int64)
    return FactorAblation(len(customers.begins), counts, changed, in_channel)


def _matters(decisions: Decisions, scores: CandidateScores, factor: str) -> bool:
    """Return whether leaving a factor out can change anything; not if it is unused, or always 1 or 0."""
    neutral = {"context": scores.context == 1.0, "levers": scores.lever == 1.0, "prices": scores.budget_cost == 0.0}
    used: bool = getattr(decisions.policy.policy.factors, factor)
    return used and not (factor in neutral and neutral[factor].all())


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of adjacent entries that belong together.

    Attributes:
        begins: First entry of each run.
        lengths: Number of entries of each run.
    """

    begins: NDArray[np.intp]
    lengths: NDArray[np.intp]

    @classmethod
    def of(cls, keys: NDArray[np.intp]) -> _Runs:
        """Find runs of equal keys."""
        new = np.ones(len(keys), dtype=np.bool_)
        new[1:] = keys[1:] != keys[:-1]
        begins = np.flatnonzero(new)
        return cls(begins, np.diff(begins, append=len(keys)))

    def spread(self, combine: np.ufunc, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Combine the values of each run and copy the result to all its entries."""
        return np.repeat(combine.reduceat(values, self.begins), self.lengths) if len(values) else values

    def first(self, keys: Array, columns: NDArray[np.intp]) -> tuple[NDArray[np.intp], Array]:
        """Return the column and the key of the highest entry of each run; ties go to the first in the catalogue."""
        if not len(keys):
            return columns, keys
        highest = np.maximum.reduceat(keys, self.begins)
        others = keys < np.repeat(highest, self.lengths)
        found = np.minimum.reduceat(np.where(others, np.iinfo(np.intp).max, columns), self.begins)
        return found, highest


def _foremost(grid: NDArray[np.bool_], classes: NDArray[np.int8]) -> NDArray[np.bool_]:
    standing = np.where(grid, classes, np.int8(127))
    foremost: NDArray[np.bool_] = standing == standing.min(axis=-1, keepdims=True)
    return foremost
