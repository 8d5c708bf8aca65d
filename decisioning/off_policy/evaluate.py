"""The evaluation of a policy on logged decisions, whole and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from decisioning.off_policy.estimators import Terms, all_terms
from decisioning.off_policy.intervals import confidence_sequence
from decisioning.off_policy.logged import LoggedDecisions, logged_decisions
from decisioning.off_policy.support import Support, WeightBand, effective_decisions, support_of
from decisioning.off_policy.verdict import Verdict, Word, verdict_of, warnings_of
from domain.errors import DataError
from domain.estimate import Estimate

HEADLINE: Final = "dr"
"""The estimator that the verdict reads: unbiased where support holds, and less noisy than weights alone."""


@dataclass(frozen=True, slots=True)
class SegmentGain:
    """The gain within a segment.

    Attributes:
        segment: Its name.
        decisions: Logged decisions.
        effective: Decisions of the evaluated policy that would tell as much.
        gain: More than was logged, for each decision.
    """

    segment: str
    decisions: int
    effective: float
    gain: Estimate


@dataclass(frozen=True, slots=True)
class PolicyEvaluation:
    """What a policy would have earned, for each decision.

    Attributes:
        verdict: Ship, hold or stop, with the reason.
        logged_reward: Mean reward that was logged.
        values: By estimator (`decisioning.off_policy.estimators.all_terms`).
        gains: The same, less what was logged.
        gain_at_any_time: The gain with an interval that stays valid however often one looks.
        support: What the weights say.
        warnings: Why the estimates may not be trusted; empty if nothing speaks against it.
        segments: Gains by segment, in the order of names.
    """

    verdict: Verdict
    logged_reward: float
    values: Mapping[str, Estimate]
    gains: Mapping[str, Estimate]
    gain_at_any_time: Estimate
    support: Support
    warnings: tuple[str, ...]
    segments: tuple[SegmentGain, ...]

    @property
    def gain(self) -> Estimate:
        """The gain by which the verdict was reached."""
        return self.gains[HEADLINE]

    def to_json(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> PolicyEvaluation:
        """Read what `to_json` returned; JSON has null where a figure is NaN.

        Raises:
            KeyError: A figure is missing.
        """
        verdict, support = content["verdict"], content["support"]
        return cls(
            verdict=Verdict(Word(verdict["word"]), verdict["reason"]),
            logged_reward=content["logged_reward"],
            values={name: _estimate(each) for name, each in content["values"].items()},
            gains={name: _estimate(each) for name, each in content["gains"].items()},
            gain_at_any_time=_estimate(content["gain_at_any_time"]),
            support=Support(
                decisions=support["decisions"],
                effective=support["effective"],
                mean_weight=_estimate(support["mean_weight"]),
                outside=_estimate(support["outside"]),
                largest_weight=support["largest_weight"],
                weight_of_largest=_number(support["weight_of_largest"]),
                bands=tuple(
                    WeightBand(one["above"], one["up_to"], one["decisions"], _number(one["share_of_weight"]))
                    for one in support["bands"]
                ),
            ),
            warnings=tuple(content["warnings"]),
            segments=tuple(
                SegmentGain(one["segment"], one["decisions"], one["effective"], _estimate(one["gain"]))
                for one in content["segments"]
            ),
        )


def evaluate_policy(
    action: ArrayLike,
    reward: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    *,
    context: ArrayLike | None = None,
    customer: ArrayLike | None = None,
    segment: ArrayLike | None = None,
    known_reward: ArrayLike | None = None,
    least_gain: float = 0.0,
    looked_at_again: bool = False,
) -> PolicyEvaluation:
    """Evaluate a policy on decisions that another one made with known probabilities.

    Args:
        action: What was chosen, positions, shape (n,), in time order.
        reward: What came of it, shape (n,), in any unit.
        probability: Probability with which it was chosen, shape (n,).
        target: Probabilities of the evaluated policy, shape (n, actions), or the one action it would choose, (n,).
        context: Numbers that rewards may depend on, shape (n, d); without them the estimates are noisier, not wrong.
        customer: Ids, shape (n,); by default every decision is a customer's only one.
        segment: Names, shape (n,).
        known_reward: Rewards of actions that need no evidence, NaN for the others, shape (actions,): offering nothing
            earns 0 whether or not it was ever logged.
        least_gain: The smallest gain worth shipping, in units of the reward for each decision.
        looked_at_again: Whether the evaluation is repeated as decisions come in; the verdict then reads the interval
            that is valid at any time.

    Raises:
        DataError: Something is missing, of another shape, or cannot be a probability.

    Example:
        >>> generator = np.random.default_rng(3)
        >>> action = generator.integers(2, size=4_000)
        >>> accepted = generator.random(4_000) < np.where(action == 1, 0.15, 0.05)
        >>> found = evaluate_policy(action, accepted, np.full(4_000, 0.5), np.tile([0.1, 0.9], (4_000, 1)))
        >>> found.verdict.word.value, round(found.gain.value, 2)
        ('ship', 0.04)
    """
    logged = logged_decisions(
        action, reward, probability, target, context=context, customer=customer, known_reward=known_reward
    )
    terms = all_terms(logged)
    gains = {name: each.gain(logged.reward, logged.unit, logged.units) for name, each in terms.items()}
    sequence = confidence_sequence(terms[HEADLINE].rows - logged.reward, logged.unit, logged.units)
    support = support_of(logged)
    return PolicyEvaluation(
        verdict=verdict_of(sequence if looked_at_again else gains[HEADLINE], support, least_gain),
        logged_reward=float(logged.reward.mean()),
        values={name: each.value(logged.unit, logged.units) for name, each in terms.items()},
        gains=gains,
        gain_at_any_time=sequence,
        support=support,
        warnings=warnings_of(support),
        segments=_segments(logged, terms[HEADLINE], segment),
    )


def _segments(logged: LoggedDecisions, terms: Terms, segment: ArrayLike | None) -> tuple[SegmentGain, ...]:
    if segment is None:
        return ()
    names = np.asarray(segment).astype(str)
    if names.shape != (len(logged),):
        raise DataError("segment has another shape", got=str(names.shape), expected=f"({len(logged)},)")
    weight, found = logged.weight + logged.certain, []
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        there, unit = np.unique(logged.unit[rows], return_inverse=True)
        part = Terms(terms.name, terms.rows[rows], terms.over[rows])
        gain = part.gain(logged.reward[rows], unit, len(there))
        found.append(SegmentGain(str(name), len(rows), effective_decisions(weight[rows]), gain))
    return tuple(found)


def _estimate(content: Mapping[str, float | None]) -> Estimate:
    return Estimate(*(_number(content[name]) for name in ("value", "low", "high")))


def _number(content: float | None) -> float:
    return float("nan") if content is None else content
