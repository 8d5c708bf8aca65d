"""Trials: randomised comparisons of ways of deciding, declared in the policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from decisioning.experiments.design import TrialDesign
from domain.spec import Spec

PREFIX: Final = "trial_"
"""Prefix of the name by which conditions read the arm of a trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Spec):
    """A randomised comparison (A/B test) among customers of the standard arm.

    Conditions of rules, weights and levers read the arm as `trial_<name>`: `when: "trial_bonus = 'high'"`. It is NULL
    for everybody else, and before and after the trial. Customers or households are drawn by a hash that depends on
    name, first day and arms: after a change of these it is another trial with other customers.

    Attributes:
        name: Name in conditions and results.
        question: What it is to answer, in words.
        layer: Trials of one layer never share a customer; those of different layers are independent.
        slice: Part of the layer's customers, from and until a share: `[0, 0.5]` and `[0.5, 1]` share nobody.
        arms: Arm -> share of the slice; the shares add up to 1.
        control: The arm that the others are compared with.
        starts: First local day.
        ends: Last local day: whole weeks after the first one.
        guardrails: Event types of which no arm may have more than the control arm, such as complaints.
        smallest_gain: Gain of a customer that is worth shipping, in the bank's currency for the whole trial.
        expected_gain: Gain that is hoped for; it tunes the always-valid interval, and is fixed with the trial.
        slowest: Processor time of a service's decision in an arm with a model of its own, over that in the control arm,
            above which the arm stops.
        models: Arm -> version, or alias in MLflow, of the propensity model that decides for it; the champion decides
            for the other arms.
    """

    name: str
    question: str
    arms: dict[str, float]
    control: str
    starts: date
    ends: date
    expected_gain: float
    layer: str = "offers"
    slice: tuple[float, float] = (0.0, 1.0)
    guardrails: tuple[str, ...] = ()
    smallest_gain: float = 0.0
    slowest: float = 1.5
    models: dict[str, str] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """The name by which conditions read the arm."""
        return PREFIX + self.name

    @property
    def design(self) -> TrialDesign:
        """What it is judged by."""
        return TrialDesign(self.arms, self.control, self.expected_gain, self.smallest_gain)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.ends - self.starts).days + 1

    @property
    def salt(self) -> str:
        """What the drawing of arms depends on: a change of it is another trial."""
        shares = ",".join(f"{name}={share!r}" for name, share in self.arms.items())
        models = "".join(f"/{arm}:{model}" for arm, model in sorted(self.models.items()))
        return f"{self.name}/{self.starts}/{shares}{models}"
