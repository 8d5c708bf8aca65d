"""Expected maximum profit of a retention campaign whose customers a churn model selects."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from expressions.types import Array
from models.evaluation.ranked import RankedCounts
from models.evaluation.ratio import ratio
from models.settings import Economics


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
