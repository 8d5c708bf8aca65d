"""Ship, hold or stop: what an evaluation means, in a sentence with its number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from decisioning.off_policy.support import Support
from domain.estimate import Estimate

LEAST_EFFECTIVE: Final = 100.0
"""Decisions that must speak of the policy; with fewer, no interval of a skewed reward can be trusted."""

MOST_OUTSIDE: Final = 0.01
"""Share of the policy's decisions that the logs may say nothing of, beyond noise."""

MOST_OF_LARGEST: Final = 0.5
"""Share of all weight that the largest 1 % of weights may have."""


class Word(StrEnum):
    """The three answers."""

    SHIP = "ship"
    HOLD = "hold"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with its reason.

    Attributes:
        word: Ship, hold or stop.
        reason: One sentence with the number behind it.
    """

    word: Word
    reason: str

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}"


def warnings_of(support: Support) -> tuple[str, ...]:
    """Say what makes the estimates untrustworthy, one sentence each; empty if nothing does."""
    found = []
    if support.outside.low > MOST_OUTSIDE:
        found.append(
            f"the logged policy never makes about {support.outside.value:.0%} of this policy's decisions"
            f" (at least {support.outside.low:.0%}), so that nothing is known of them"
        )
    if support.effective < LEAST_EFFECTIVE:
        found.append(
            f"{support.decisions:,} logged decisions tell as much as {support.effective:,.0f} of this policy's own;"
            f" at least {LEAST_EFFECTIVE:,.0f} are needed"
        )
    elif support.weight_of_largest > MOST_OF_LARGEST:
        found.append(f"1 % of the decisions carry {support.weight_of_largest:.0%} of all weight")
    return tuple(found)


def verdict_of(gain: Estimate, support: Support, least_gain: float) -> Verdict:
    """Judge a policy by its gain for each decision over the policy that was logged.

    Args:
        gain: With its interval.
        support: Where it has warnings, nothing is shipped; a policy that is worse beyond noise is stopped anyway.
        least_gain: The smallest gain worth shipping.
    """
    doubts = warnings_of(support)
    said = gain.as_gain("for each decision")
    if np.isnan(gain.low):
        return Verdict(Word.HOLD, f"{support.decisions:,} decisions are too few for an interval")
    if gain.high < 0.0 and support.effective >= LEAST_EFFECTIVE and support.outside.low <= MOST_OUTSIDE:
        return Verdict(Word.STOP, f"it earns less than the policy that was logged: {said}")
    if doubts:
        return Verdict(Word.HOLD, doubts[0])
    if gain.low > least_gain:
        return Verdict(Word.SHIP, f"it earns more than the policy that was logged: {said}")
    if gain.low > 0.0:
        return Verdict(Word.HOLD, f"it may earn less than the {least_gain:+.4g} that are asked for: {said}")
    return Verdict(Word.HOLD, f"cannot tell yet whether it earns more: {said}{_how_many_more(gain, support)}")


def _how_many_more(gain: Estimate, support: Support) -> str:
    """Say how many decisions would tell, if the gain is what it seems to be; intervals shrink by the square root."""
    if gain.value <= 0.0:
        return ""
    needed = support.decisions * (((gain.high - gain.low) / 2.0) / gain.value) ** 2
    return f"; about {needed:,.0f} decisions would tell" if needed < 1e12 else ""
