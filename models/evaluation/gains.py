"""Contacting only the best customers: lift, the gain curve, the area below it, and the expected maximum profit."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from expressions.types import Array
from models.evaluation.metrics import ratio
from models.evaluation.ranked import RankedCounts
from models.settings import Economics


def lift_at(counts: RankedCounts, share: float) -> Array:
    """Positives among the `share` with the highest scores, relative to a random choice of that size.

    If the cut falls into a tie, the tied rows count by the part that fits.

    Returns:
        Shape of the leading axes; 1 is random, NaN without positives.

    Example:
        >>> counts = RankedCounts.of(np.linspace(1, 0, 10), np.array([1.0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
        >>> float(lift_at(counts, 0.1)), float(lift_at(counts, 0.4))
        (5.0, 2.5)
    """
    rows = counts.positives + counts.negatives
    before = np.cumsum(rows, axis=-1) - rows
    wanted = share * rows.sum(axis=-1, keepdims=True)
    inside: Array = np.clip(ratio(wanted - before, rows, otherwise=0.0), 0.0, 1.0)
    return ratio((counts.positives * inside).sum(axis=-1), share * counts.positives.sum(axis=-1))


def area_under_gain(counts: RankedCounts) -> Array:
    """Area under the cumulative gain curve, known as ALIFT (Moro, Cortez & Rita 2014, Decision Support Systems 62).

    The curve shows the share of positives found by the share contacted. Random is 0.5 and perfect 1 - prevalence / 2.
    The area equals prevalence / 2 + (1 - prevalence) x AUC: the share of positives found, on average over all sizes
    of a campaign.

    Returns:
        Shape of the leading axes; NaN without positives.

    Example:
        >>> float(area_under_gain(RankedCounts.of(np.array([0.9, 0.5, 0.2, 0.1]), np.array([1.0, 0.0, 0.0, 0.0]))))
        0.875
    """
    rows = counts.positives + counts.negatives
    found = np.cumsum(counts.positives, axis=-1) - counts.positives / 2.0
    return ratio((rows * found).sum(axis=-1), rows.sum(axis=-1) * counts.positives.sum(axis=-1))


def gain_curve(counts: RankedCounts, points: int = 101) -> tuple[Array, Array]:
    """Share of positives found by share of rows contacted, at evenly spaced shares.

    Returns:
        Shares contacted and shares found (NaN without positives), each of shape (points,), both from 0 to 1.

    Example:
        >>> contacted, found = gain_curve(RankedCounts.of(np.array([0.9, 0.1]), np.array([1.0, 0.0])), points=3)
        >>> found.tolist()
        [0.0, 1.0, 1.0]
    """
    rows = np.concatenate([[0.0], np.cumsum(counts.positives + counts.negatives)])
    found = np.concatenate([[0.0], np.cumsum(counts.positives)])
    contacted = np.linspace(0.0, 1.0, points)
    return contacted, ratio(np.interp(contacted, rows / rows[-1], found), found[-1])


def expected_maximum_profit(counts: RankedCounts, economics: Economics) -> Array:
    """EMPC per customer of the base (Verbraken, Verbeke & Baesens 2013, IEEE TKDE 25(5), 961-973).

    A share g of contacted churners, beta distributed, accepts the incentive and stays. Contacting a churner brings
    `g (value - offer) - contact` on average, contacting anybody else costs `offer + contact`; for every g the
    campaign stops at the score where profit is largest. On the convex hull of the ROC curve that is where
    `g = ((1 - r) / r (offer + contact) + contact) / (value - offer)`, with r the share of churners there; the
    integral over g is then a sum over the hull of incomplete beta functions. The hull is found by pooling adjacent
    violators, whose blocks are its segments (Fawcett & Niculescu-Mizil 2007).

    Args:
        counts: Counts by churn score.
        economics: Economics of the bank.

    Returns:
        In the bank's currency, shape of the leading axes; NaN without rows, 0 if nobody is worth contacting.

    Example:
        >>> perfect = RankedCounts(np.array([10.0, 0.0]), np.array([0.0, 90.0]))
        >>> round(float(expected_maximum_profit(perfect, Economics())), 3)
        5.6
    """
    rows = counts.positives + counts.negatives
    rate = _hull_rate(counts.positives, rows)
    value = economics.customer_lifetime_value
    kept = value - economics.offer_cost
    loss = economics.offer_cost + economics.contact_cost
    if kept > 0.0:
        with np.errstate(divide="ignore"):  # without churners no acceptance rate pays: infinity, clipped to 1
            needed = ((1.0 - rate) / rate * loss + economics.contact_cost) / kept
        threshold = np.clip(needed, 0.0, 1.0)
    else:  # an incentive that costs more than the retained value never pays
        threshold = np.ones_like(rate)
    alpha, beta = economics.accept_alpha, economics.accept_beta
    contacted = 1.0 - betainc(alpha, beta, threshold)
    accepting = alpha / (alpha + beta) * (1.0 - betainc(alpha + 1.0, beta, threshold))
    profit = (
        counts.positives * (accepting * kept - contacted * economics.contact_cost) - counts.negatives * contacted * loss
    )
    return ratio(profit.sum(axis=-1), rows.sum(axis=-1))


def _hull_rate(positives: Array, rows: Array) -> Array:
    """Return the share of positives in each group's hull segment, never increasing along the last axis."""
    flat_positives = positives.reshape(-1, positives.shape[-1])
    flat_rows = rows.reshape(-1, rows.shape[-1])
    rates = np.zeros_like(flat_rows)
    for replicate in range(len(flat_rows)):
        filled = flat_rows[replicate] > 0
        if filled.any():
            weights = flat_rows[replicate, filled]
            shares = flat_positives[replicate, filled] / weights
            rates[replicate, filled] = isotonic_regression(shares, weights=weights, increasing=False).x
    shaped: Array = rates.reshape(rows.shape).clip(0.0, 1.0)
    return shaped
