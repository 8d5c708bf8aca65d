"""Triggered analysis: a trial judged by the customers for whom another arm would have decided something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.sample_ratio import SampleRatio, sample_ratio
from decisioning.experiments.trials import TrialResult, trial_result
from decisioning.off_policy.verdict import Verdict, Word
from decisioning.outcomes.groups import expect_columns
from domain.estimate import Estimate

LEAST_UNKNOWN: Final = 20
"""Customers of whom nothing is known, from which their distribution over the arms is tested."""


@dataclass(frozen=True, slots=True)
class TriggeredResult:
    """What a trial says of the customers whose decisions would have differed.

    Attributes:
        verdict: Ship, hold or stop, with the reason.
        customers: Customers of whom it is known whether a decision would have differed.
        triggered: Those of them with a decision that would have.
        unknown: Arm -> customers with a decision that cannot be replayed, who are left out.
        unknown_ratio: Whether these are spread over the arms as chance would.
        gains: Arm -> more than the control arm for each triggered customer.
        diluted: The same for each customer of the trial, as `trial_result` returns it; None if it cannot be judged.
    """

    verdict: Verdict
    customers: int
    triggered: int
    unknown: Mapping[str, int]
    unknown_ratio: SampleRatio
    gains: Mapping[str, Estimate]
    diluted: TrialResult | None

    @property
    def share(self) -> float:
        """Share of customers with a decision that would have differed; NaN if nothing is known of anybody."""
        return self.triggered / self.customers if self.customers else float("nan")

    @property
    def sentence(self) -> str:
        """The answer in words."""
        lost = sum(self.unknown.values())
        left_out = f" ({lost:,} customers with a decision that cannot be replayed are left out)" if lost else ""
        some = f"decisions would have differed for {self.triggered:,} of {self.customers:,} customers{left_out}"
        gains = "; ".join(f"{arm} gains {gain.as_gain('for each of them')}" for arm, gain in self.gains.items())
        return f"{some}: {gains}; {self.verdict}" if gains else f"{some}: {self.verdict}"


def triggered_result(
    outcomes: TrialOutcomes,
    design: TrialDesign,
    triggered: ArrayLike,
    unknown: ArrayLike,
    *,
    days: int,
    is_over: bool = True,
) -> TriggeredResult:
    """Judge a trial by the customers for whom some decision would have differed between its arms.

    Nobody else can have been changed by the trial, so that they only add noise. Gains are measured for each customer of
    the trial (the gain of a triggered customer times the share of triggered ones), because the gain that the trial was
    planned for is, and because the interval holds at all looks only if its tuning does not follow the share.

    Args:
        outcomes: What came of all n customers of the trial, as for `trial_result`; so are `design`, `days`, `is_over`.
        triggered: Whether a decision would have differed, by one rule for all arms, shape (n,).
        unknown: Whether that cannot be told, shape (n,).

    Raises:
        DataError: Shapes differ, or as `trial_result`.

    Example:
        >>> generator = np.random.default_rng(1)
        >>> arm = np.where(generator.random(10_000) < 0.5, "usual", "bonus")
        >>> differs = generator.random(10_000) < 0.05
        >>> outcome = generator.exponential(10.0, 10_000) + 5.0 * (differs & (arm == "bonus"))
        >>> design = TrialDesign({"usual": 0.5, "bonus": 0.5}, "usual", expected_gain=0.25)
        >>> outcomes = TrialOutcomes.of(outcome, arm)
        >>> found = triggered_result(outcomes, design, differs, np.zeros(10_000, bool), days=28)
        >>> found.verdict.word.value, round(found.share, 2), round(found.gains["bonus"].value)
        ('ship', 0.05, 5)
    """
    lost, differs = np.asarray(unknown, dtype=bool), np.asarray(triggered, dtype=bool)
    expect_columns(len(outcomes), triggered=differs, unknown=lost)
    names, shares = outcomes.arm, design.shares
    drawn = np.unique(outcomes.unit[lost], return_index=True)[1]
    unknown_ratio = sample_ratio(_counts(names[lost][drawn], shares), shares, least=LEAST_UNKNOWN)
    known, rows = ~lost, np.flatnonzero(differs & ~lost)
    result = None
    if len(rows):
        share = len(rows) / int(known.sum())
        of_them = outcomes.take(rows)
        diluted = replace(of_them, outcome=share * of_them.outcome)
        result = trial_result(diluted, design, days=days, is_over=is_over)
    return TriggeredResult(
        verdict=_verdict(result, unknown_ratio, int(known.sum())),
        customers=int(known.sum()),
        triggered=len(rows),
        unknown=_counts(names[lost], shares),
        unknown_ratio=unknown_ratio,
        gains={} if result is None else {one.arm: _of_each(one.gain, share) for one in result.arms},
        diluted=result,
    )


def _verdict(result: TrialResult | None, unknown_ratio: SampleRatio, known: int) -> Verdict:
    if unknown_ratio.is_mismatch:
        reason = f"decisions that cannot be replayed differ between arms (p = {unknown_ratio.p_value:.2g})"
        return Verdict(Word.HOLD, f"{reason}: those left over cannot be compared")
    if not known:
        return Verdict(Word.HOLD, "nobody's decisions can be replayed")
    if result is None:
        return Verdict(Word.HOLD, "nothing would have differed, so that the trial cannot have changed anything")
    return result.verdict


def _counts(names: NDArray[np.str_], shares: Mapping[str, float]) -> dict[str, int]:
    return {name: int((names == name).sum()) for name in shares}


def _of_each(diluted: Estimate, share: float) -> Estimate:
    return Estimate(diluted.value / share, diluted.low / share, diluted.high / share)
