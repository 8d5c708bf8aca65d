"""Power: how many observations tell an effect, and the smallest effect that so many can tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from decisioning.policies.draws import Arm
from decisioning.policies.policy import Control
from domain.errors import DataError
from domain.estimate import NORMAL

Z: Final = NORMAL + 0.8416212335729143
"""Standard errors of a two-sided test at 5 % with a power of 80 %: 2.80."""

LARGEST_USEFUL: Final = 0.2
"""Relative effect above which an arm is too small: few changes of offers or policies have a larger one."""


def control_size(control_rate: float, treated_rate: float, treated_per_control: float) -> float:
    """Return how many control observations tell two rates apart, two-sided at 5 % with a power of 80 %.

    n = 2.80^2 [p1 (1 - p1) + p2 (1 - p2) / k] / (p2 - p1)^2, the test of two proportions with unpooled variance
    (Fleiss, Levin and Paik 2003, section 4.2).

    Args:
        control_rate: p1, above 0 and below 1.
        treated_rate: p2, above 0 and below 1, and not p1.
        treated_per_control: k, treated observations for each control observation.

    Raises:
        DataError: A number is out of range.

    Example:
        >>> share = 0.02  # of all are control
        >>> control = control_size(0.05, 0.055, (1 - share) / share)
        >>> round(control, -3), round(control / share, -3)
        (15000.0, 762000.0)
    """
    for rate in (control_rate, treated_rate):
        _expect(0.0 < rate < 1.0, "a rate is out of range", rate, "above 0 and below 1")
    _expect(
        control_rate != treated_rate, "the rates are equal, which no number of observations shows", control_rate, ""
    )
    _expect(treated_per_control > 0.0, "a group has no share", treated_per_control, "above 0")
    variance = control_rate * (1.0 - control_rate) + treated_rate * (1.0 - treated_rate) / treated_per_control
    return Z**2 * variance / (treated_rate - control_rate) ** 2


def detectable_rate(control_rate: float, controls: float, treated_per_control: float) -> float:
    """Return the smallest higher rate that so many control observations tell; above 1 if none.

    It solves the equation of `control_size` for p2.

    Example:
        >>> rate = detectable_rate(0.05, control_size(0.05, 0.055, 49.0), 49.0)
        >>> round(rate, 9)
        0.055
    """
    _expect(0.0 < control_rate < 1.0, "a rate is out of range", control_rate, "above 0 and below 1")
    _expect(treated_per_control > 0.0, "a group has no share", treated_per_control, "above 0")
    _expect(controls > 0.0, "there are no control observations", controls, "above 0")
    share = Z**2 / treated_per_control
    a, b = controls + share, 2.0 * controls * control_rate + share
    c = controls * control_rate**2 - Z**2 * control_rate * (1.0 - control_rate)
    return (b + math.sqrt(b * b - 4.0 * a * c)) / (2.0 * a)


@dataclass(frozen=True, slots=True)
class ArmPower:
    """What an arm can tell about the rest of the customers within a month.

    Attributes:
        arm: Its name.
        share: Its share of the customers.
        observations: Its observations in a month.
        effect: The smallest relative difference of the rates that it tells.
    """

    arm: str
    share: float
    observations: float
    effect: float

    @property
    def is_too_small(self) -> bool:
        """Whether it tells only effects that hardly occur."""
        return not self.effect <= LARGEST_USEFUL


def arm_powers(control: Control, rate: float, observations: Mapping[str, float] | float) -> list[ArmPower]:
    """Return what every arm with a share tells when it is compared with the standard arm.

    Args:
        control: Shares of the arms.
        rate: Rate of the smaller group, such as acceptances for each impression.
        observations: Observations of all arms together in a month; by the arm's name if they differ.

    Raises:
        DataError: The rate is out of range.

    Example:
        >>> [one] = arm_powers(Control(random_offer_share=0.02), 0.05, 762_000)
        >>> one.arm, one.observations, round(one.effect, 3)
        ('random_offer', 15240.0, 0.1)
    """
    shares = {arm: float(getattr(control, f"{arm.label}_share", 0.0)) for arm in Arm}
    standard = 1.0 - sum(shares.values())
    found = []
    for arm, share in shares.items():
        month = observations if isinstance(observations, int | float) else observations[arm.label]
        if share > 0.0 and standard > 0.0:
            effect = math.inf
            if month > 0.0:
                effect = detectable_rate(rate, share * month, standard / share) / rate - 1.0
            found.append(ArmPower(arm.label, share, share * month, effect))
    return found


def _expect(holds: bool, what: str, got: float, expected: str) -> None:
    if not holds:
        raise DataError(what, got=f"{got:g}", expected=expected)
