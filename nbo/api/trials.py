"""Trials of anybody: plain arrays in, ship, hold or stop out."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.trials import TrialResult, trial_result
from decisioning.experiments.triggered import TriggeredResult, triggered_result


def judge_trial(
    outcome: ArrayLike,
    arm: ArrayLike,
    shares: Mapping[str, float],
    control: str,
    *,
    days: int,
    expected_gain: float,
    smallest_gain: float = 0.0,
    unit: ArrayLike | None = None,
    before: ArrayLike | None = None,
    guardrails: Mapping[str, ArrayLike] | None = None,
    is_over: bool = True,
) -> TrialResult:
    """Judge a trial from the outcomes of everybody assigned; it may be called every day.

    Args:
        outcome: What came of each assigned customer so far, 0 for nothing, shape (n,).
        arm: Name of the arm each was assigned to, shape (n,).
        shares: Declared share of each arm; they add up to 1.
        control: Arm that the others are compared with.
        days: Days that the outcomes cover.
        expected_gain: Gain that was hoped for when the trial was planned; it tunes the always-valid interval.
        smallest_gain: Gain worth shipping.
        unit: What was drawn, such as the household, shape (n,); by default each customer.
        before: Something known of each customer before, shape (n,), to remove noise (CUPED).
        guardrails: By name, how often something bad happened to each customer, shape (n,).
        is_over: Whether outcomes can no longer be undone, and the last response window has ended; without it, and
            before whole weeks have passed, nothing is shipped.

    Raises:
        DataError: Shapes differ, arms do not add up, or an arm is unknown.

    Example:
        >>> import numpy as np
        >>> generator = np.random.default_rng(1)
        >>> arm = np.where(generator.random(4_000) < 0.5, "usual", "bonus")
        >>> outcome = generator.exponential(np.where(arm == "bonus", 12.0, 10.0))
        >>> found = judge_trial(outcome, arm, {"usual": 0.5, "bonus": 0.5}, "usual", days=28, expected_gain=1.0)
        >>> found.verdict.word.value, round(found.arms[0].gain.value)
        ('ship', 2)
    """
    outcomes = TrialOutcomes.of(outcome, arm, unit=unit, before=before, guardrails=guardrails)
    return trial_result(
        outcomes, TrialDesign(shares, control, expected_gain, smallest_gain), days=days, is_over=is_over
    )


def judge_triggered(
    outcome: ArrayLike,
    arm: ArrayLike,
    triggered: ArrayLike,
    unknown: ArrayLike,
    shares: Mapping[str, float],
    control: str,
    *,
    days: int,
    expected_gain: float,
    smallest_gain: float = 0.0,
    unit: ArrayLike | None = None,
    before: ArrayLike | None = None,
    guardrails: Mapping[str, ArrayLike] | None = None,
    is_over: bool = True,
) -> TriggeredResult:
    """Judge a trial by the customers for whom some decision would have differed between its arms.

    Arguments and errors are those of `judge_trial`, for all customers of the trial, and:

    Args:
        outcome: What came of each assigned customer so far.
        arm: Name of the arm each was assigned to.
        triggered: Whether a decision would have differed, by one rule for all arms, shape (n,).
        unknown: Whether that cannot be told, shape (n,).
        shares: Declared share of each arm.
        control: Arm that the others are compared with.
        days: Days that the outcomes cover.
        expected_gain: Gain of a customer of the trial that was hoped for.
        smallest_gain: Gain of a customer of the trial that is worth shipping.
        unit: What was drawn.
        before: Something known of each customer before.
        guardrails: How often something bad happened to each customer.
        is_over: Whether outcomes are final.

    Example:
        >>> import numpy as np
        >>> generator = np.random.default_rng(1)
        >>> arm = np.where(generator.random(10_000) < 0.5, "usual", "bonus")
        >>> differs = generator.random(10_000) < 0.05
        >>> outcome = generator.exponential(10.0, 10_000) + 5.0 * (differs & (arm == "bonus"))
        >>> found = judge_triggered(outcome, arm, differs, np.zeros(10_000, bool), {"usual": 0.5, "bonus": 0.5},
        ...                         "usual", days=28, expected_gain=0.25)
        >>> found.verdict.word.value, round(found.share, 2), round(found.gains["bonus"].value)
        ('ship', 0.05, 5)
    """
    outcomes = TrialOutcomes.of(outcome, arm, unit=unit, before=before, guardrails=guardrails)
    design = TrialDesign(shares, control, expected_gain, smallest_gain)
    return triggered_result(outcomes, design, triggered, unknown, days=days, is_over=is_over)
