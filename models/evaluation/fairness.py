"""Fairness: selection rates of groups of customers, compared as ratios with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.estimate import NORMAL
from models.evaluation.estimate import wilson_interval

FOUR_FIFTHS = 0.8
"""A rate below four fifths of the highest group's counts as evidence of adverse impact (29 CFR 1607.4 D)."""

SMALLEST_SHARE = 0.02
"""Groups below two per cent are shown, but neither flagged nor compared with (29 CFR 1607.15 A (2) omits them)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSelection:
    """Selection rate of one group, compared with the group that is selected most.

    Attributes:
        rate: Share of customers selected, with its Wilson interval.
        reference: Group with the highest rate among those that are large enough.
        ratio: Ratio of the rate to the reference's; None if the reference's is 0, or the group is empty.
        ratio_low: Lower bound of its 95 % interval, by the normal distribution of the logarithm of the ratio of two
            independent shares (Katz, Baptista, Azen and Pike 1978), with a half added to all counts if nobody in
            the group is selected (Walter 1975); None for the reference itself, and without a ratio.
        ratio_high: Upper bound of the interval.
        below_four_fifths: Whether the ratio is below four fifths in a group that is large enough.
        surely: Whether the upper bound is too, so that chance alone does not explain it.
    """

    group: str
    customers: int
    selected: int
    rate: float
    rate_low: float
    rate_high: float
    reference: str
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    below_four_fifths: bool
    surely: bool


def group_selections(
    groups: Sequence[str], customers: Sequence[int], selected: Sequence[int]
) -> tuple[GroupSelection, ...]:
    """Compare how often groups are selected, from counts.

    Args:
        groups: Names of the groups of one feature.
        customers: Number of customers in each group.
        selected: Number of selected customers in each group.

    Returns:
        One selection for each group that has customers, in the given order.

    Example:
        >>> old, young = group_selections(["old", "young"], [1000, 1000], [500, 300])
        >>> young.reference, young.ratio, round(young.ratio_low, 3), round(young.ratio_high, 3)
        ('old', 0.6, 0.536, 0.672)
        >>> young.below_four_fifths, young.surely
        (True, True)
    """
    there = [position for position, count in enumerate(customers) if count]
    if not there:
        return ()
    names = [groups[position] for position in there]
    counts = np.array([[selected[position], customers[position]] for position in there], dtype=np.int64)
    rates = _rates(names, counts)
    large = counts[:, 1] >= SMALLEST_SHARE * counts[:, 1].sum()
    reference = int(np.argmax(np.where(large, rates, -1.0)))
    lows, highs = wilson_interval(counts[:, 0].astype(np.float64), counts[:, 1].astype(np.float64))
    found = []
    for position, name in enumerate(names):
        ratio, low, high = _ratio(counts[position], counts[reference], rates[position], rates[reference])
        if position == reference:
            low = high = None
        below = bool(large[position]) and ratio is not None and ratio < FOUR_FIFTHS
        found.append(
            GroupSelection(
                group=name,
                customers=int(counts[position, 1]),
                selected=int(counts[position, 0]),
                rate=float(rates[position]),
                rate_low=float(lows[position]),
                rate_high=float(highs[position]),
                reference=names[reference],
                ratio=ratio,
                ratio_low=low,
                ratio_high=high,
                below_four_fifths=below,
                surely=below and high is not None and high < FOUR_FIFTHS,
            )
        )
    return tuple(found)


def _rates(names: Sequence[str], counts: np.ndarray) -> np.ndarray:
    """Compute rates with fairlearn, whose frames weight rows: each group has one row of selected and one of others."""
    from fairlearn.metrics import MetricFrame, selection_rate

    picked = np.tile([1, 0], len(names))
    weights = np.column_stack([counts[:, 0], counts[:, 1] - counts[:, 0]]).reshape(-1)
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=picked,
        y_pred=picked,
        sensitive_features=np.repeat(np.arange(len(names)), 2),
        sample_params={"sample_weight": weights},
    )
    return np.asarray(frame.by_group.loc[range(len(names))], dtype=np.float64)


def _ratio(
    mine: np.ndarray, others: np.ndarray, rate: float, reference: float
) -> tuple[float | None, float | None, float | None]:
    if not reference > 0.0:
        return None, None, None
    halves = 0.0 if mine[0] else 0.5
    (selected, customers), (others_selected, others_customers) = mine + halves, others + halves
    spread = 1.0 / selected - 1.0 / customers + 1.0 / others_selected - 1.0 / others_customers
    factor = float(np.exp(NORMAL * np.sqrt(spread)))
    centre = float((selected / customers) / (others_selected / others_customers))
    return float(rate / reference), centre / factor if mine[0] else 0.0, centre * factor
