"""Calibration per offer: how likely acceptances were said to be, and how many there were, in matured decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from serving.figures.acceptance import Rate
from serving.what_if.logged import LoggedOutcomes


class CalibrationRow(TypedDict):
    """An offer in matured decisions.

    Attributes:
        offer: Its name.
        matured: Decisions for it whose response window is over.
        accepted: Those that were accepted.
        expected: Mean propensity.
        rate: Share accepted, with its interval.
        off: Whether the interval of the rate leaves the expected one out.
    """

    offer: str
    matured: int
    accepted: int
    expected: float
    rate: float | None
    low: float
    high: float
    off: bool


def calibration(outcomes: LoggedOutcomes) -> list[CalibrationRow]:
    """Compare propensities with acceptances, for the offers that were chosen and presented.

    Args:
        outcomes: Matured decisions of `serving.what_if.logged.logged_outcomes`.

    Returns:
        A row per offer. Decisions without a propensity are left out.
    """
    found: dict[str, list[tuple[float, bool]]] = {}
    for decision, accepted in zip(outcomes.decisions, outcomes.accepted.tolist(), strict=True):
        if decision.offer is not None and decision.propensity is not None:
            found.setdefault(decision.offer, []).append((decision.propensity, accepted))
    return [_row(offer, pairs) for offer, pairs in sorted(found.items())]


def _row(offer: str, pairs: Sequence[tuple[float, bool]]) -> CalibrationRow:
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
