"""Calibration per offer: how likely acceptances were said to be, and how many there were, in matured decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.figures.acceptance import Rate
from serving.what_if.logged import LoggedOutcomes


def calibration(outcomes: LoggedOutcomes) -> list[dict[str, Any]]:
    """Compare propensities with acceptances, for the offers that were chosen and presented.

    Args:
        outcomes: Matured decisions of `serving.what_if.logged.logged_outcomes`.

    Returns:
        A row per offer: offer, matured, accepted, expected (mean propensity), rate with low and high, and `off`:
        whether the interval of the rate leaves the expected one out. Decisions without a propensity are left out.
    """
    found: dict[str, list[tuple[float, bool]]] = {}
    for decision, accepted in zip(outcomes.decisions, outcomes.accepted.tolist(), strict=True):
        if decision.offer is not None and decision.propensity is not None:
            found.setdefault(decision.offer, []).append((decision.propensity, accepted))
    return [_row(offer, pairs) for offer, pairs in sorted(found.items())]


def _row(offer: str, pairs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    matured, accepted = len(pairs), sum(one for _, one in pairs)
    expected = sum(propensity for propensity, _ in pairs) / matured
    rate = Rate.of(accepted, matured)
    assert rate.low is not None, "there is at least one decision"
    assert rate.high is not None, "there is at least one decision"
    return {
        "offer": offer,
        "matured": matured,
        "accepted": accepted,
        "expected": expected,
        "rate": rate.value,
        "low": rate.low,
        "high": rate.high,
        "off": not rate.low <= expected <= rate.high,
    }
