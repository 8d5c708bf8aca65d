"""Trials judged: ship, hold or stop, for outcomes of customers whom chance assigned to arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.power import Z
from decisioning.experiments.sample_ratio import SampleRatio, sample_ratio
from decisioning.experiments.sequential import always_valid, shrunk
from decisioning.off_policy.verdict import Verdict, Word
from decisioning.outcomes.groups import LEAST_UNITS, without_what_was_known
from domain.errors import DataError
from domain.estimate import Estimate
from expressions.types import Array

WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm against the control arm.

    Attributes:
        arm: Its name.
        customers: Customers assigned to it.
        mean: Mean outcome.
        gain: More than the control arm, with an interval that is valid however often one looks.
        shrunk_gain: What is to be expected of it, because winners are chosen partly by chance.
        broken: Guardrails of which it has more than the control arm, beyond chance.
    """

    arm: str
    customers: int
    mean: float
    gain: Estimate
    shrunk_gain: float
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial says.

    Attributes:
        verdict: Ship, hold or stop, with the reason.
        control_mean: Mean outcome of the control arm.
        arms: The other arms, best first.
        sample_ratio: Whether the arms have the sizes that their shares ask for.
    """

    verdict: Verdict
    control_mean: float
    arms: tuple[ArmResult, ...]
    sample_ratio: SampleRatio


def trial_result(outcomes: TrialOutcomes, design: TrialDesign, *, days: int, is_over: bool = True) -> TrialResult:
    """Judge a trial from the outcomes of everybody assigned; it may be called every day.

    Args:
        outcomes: What came of the customers so far.
        design: Arms, and the gains that were planned for.
        days: Days that the outcomes cover.
        is_over: Whether outcomes can no longer be undone, and the last response window has ended; without it, and
            before whole weeks have passed, nothing is shipped.

    Raises:
        DataError: The shares do not add up, or an arm has none.

    Example:
        >>> generator = np.random.default_rng(1)
        >>> arm = np.where(generator.random(4_000) < 0.5, "usual", "bonus")
        >>> outcome = generator.exponential(np.where(arm == "bonus", 12.0, 10.0))
        >>> design = TrialDesign({"usual": 0.5, "bonus": 0.5}, "usual", expected_gain=1.0)
        >>> found = trial_result(TrialOutcomes.of(outcome, arm), design, days=28)
        >>> found.verdict.word.value, round(found.arms[0].gain.value)
        ('ship', 2)
    """
    numbers, names, place, shares = outcomes.outcome, outcomes.arm, outcomes.unit, design.shares
    # households are drawn, so they are what the shares are of
    drawn = names[np.unique(place, return_index=True)[1]]
    sizes = {str(name): int(count) for name, count in zip(*np.unique(drawn, return_counts=True), strict=True)}
    ratio = sample_ratio(sizes, shares)
    if outcomes.before is not None:
        numbers = without_what_was_known(numbers, outcomes.before, names)
    held = names == design.control
    if min(sizes.get(name, 0) for name in shares) < LEAST_UNITS:
        reason = f"an arm has fewer than {LEAST_UNITS} customers, too few to tell anything"
        return TrialResult(Verdict(Word.HOLD, reason), _mean(numbers, held), (), ratio)
    results = []
    for name in shares:
        if name == design.control:
            continue
        there = names == name
        value, error = _difference(numbers, there, held, place)
        gain = Estimate(value, value, value) if error == 0.0 else always_valid(value, error, design.expected_gain)
        broken = tuple(kind for kind, count in outcomes.guardrails.items() if _is_worse(count, there, held, place))
        expected = shrunk(value, error, design.expected_gain)
        results.append(ArmResult(name, int(there.sum()), _mean(numbers, there), gain, expected, broken))
    results.sort(key=lambda one: -one.gain.value)
    verdict = _verdict(results, ratio, days, design.smallest_gain, is_over=is_over)
    return TrialResult(verdict, _mean(numbers, held), tuple(results), ratio)


def trial_size(deviation: float, gain: float, shares: tuple[float, float], correlation: float = 0.0) -> float:
    """Return how many customers in both arms together tell a gain, two-sided at 5 % with a power of 80 %.

    n = 2.80^2 s^2 (1 - r^2) (1 / share_1 + 1 / share_2) / gain^2, where r is the correlation of outcomes with what is
    known before (CUPED).

    Args:
        deviation: Standard deviation of a customer's outcome.
        gain: Difference of means to be told, above 0.
        shares: Shares of the two arms among these customers, adding up to 1.
        correlation: Of the outcome with `before`, between -1 and 1.

    Raises:
        DataError: A number is out of range.

    Example:
        >>> round(trial_size(10.0, 1.0, (0.5, 0.5))), round(trial_size(10.0, 1.0, (0.5, 0.5), correlation=0.6))
        (3140, 2009)
    """
    usable = deviation > 0.0 and gain > 0.0 and min(shares) > 0.0 and -1.0 < correlation < 1.0
    if not usable or abs(sum(shares) - 1.0) > 1e-9:
        got = f"deviation {deviation:g}, gain {gain:g}, shares {shares}, correlation {correlation:g}"
        raise DataError("a trial cannot be planned", got=got, expected="numbers above 0, shares that add up to 1")
    return Z**2 * deviation**2 * (1.0 - correlation**2) * sum(1.0 / share for share in shares) / gain**2


def _verdict(
    results: list[ArmResult], ratio: SampleRatio, days: int, smallest_gain: float, *, is_over: bool
) -> Verdict:
    best = results[0]
    for one in results:
        if one.broken:
            reason = f"{one.arm} has more {', '.join(one.broken)} than the control arm, beyond chance"
            return Verdict(Word.STOP, reason)
    if ratio.is_mismatch:
        reason = f"arms have other sizes than declared (p = {ratio.p_value:.2g}): find the cause first"
        return Verdict(Word.HOLD, reason)
    gain = best.gain.as_gain("a customer")
    if best.gain.high < smallest_gain and best.gain.high < 0.0:
        return Verdict(Word.STOP, f"{best.arm} loses {gain}, whenever one looks")
    but = None
    if best.gain.low <= smallest_gain:
        but = f"which is not surely above {smallest_gain:g}"
    elif days < WEEK or days % WEEK:
        but = f"but {days} days are not whole weeks"
    elif not is_over:
        but = "but the last response window has not ended"
    if but is not None:
        return Verdict(Word.HOLD, f"{best.arm} gains {gain}, {but}")
    return Verdict(Word.SHIP, f"{best.arm} gains {gain}; expect {best.shrunk_gain:+.4g}, because winners look good")


def _difference(
    numbers: Array, there: NDArray[np.bool_], held: NDArray[np.bool_], place: NDArray[np.intp]
) -> tuple[float, float]:
    """Return the difference of means and its standard error, with units as the observations (Deng et al. 2011)."""
    means, variance = [], 0.0
    for group in (there, held):
        owner = np.unique(place[group], return_inverse=True)[1]
        mean, units = float(numbers[group].mean()), int(owner.max()) + 1
        off = np.bincount(owner, numbers[group] - mean, units)
        variance += float(off @ off) * units / (units - 1) / float(group.sum()) ** 2
        means.append(mean)
    return means[0] - means[1], float(np.sqrt(variance))


def _is_worse(count: Array, there: NDArray[np.bool_], held: NDArray[np.bool_], place: NDArray[np.intp]) -> bool:
    value, error = _difference(count, there, held, place)
    if error == 0.0:
        return value > 0.0
    # tuned to a tenth of the usual number, or to the noise where there is none
    tau = 0.1 * _mean(count, held) or error
    return always_valid(value, error, tau).low > 0.0


def _mean(numbers: Array, rows: NDArray[np.bool_]) -> float:
    return float(numbers[rows].mean()) if rows.any() else float("nan")
