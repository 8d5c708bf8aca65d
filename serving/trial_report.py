"""What is known of a trial, in words and as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any, Final

from decisioning.experiments.trials import TrialResult
from decisioning.experiments.triggered import TriggeredResult
from decisioning.policies.trial import Trial
from domain.estimate import Estimate
from serving.effects import LONGEST_WAIT_DAYS

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OfferGain:
    """What an arm gains in the outcomes of one offer.

    Attributes:
        offer: The offer.
        arm: The arm.
        gain: More than the control arm for each customer, with an interval that is valid however often one looks.
    """

    offer: str
    arm: str
    gain: Estimate


@dataclass(frozen=True, slots=True)
class TriggeredReport:
    """What is known of the customers of a trial whose decisions would have differed.

    Attributes:
        result: The answer.
        replayed: Number of replayed decisions.
        lost: Reason -> customers with a decision that cannot be replayed for it.
    """

    result: TriggeredResult
    replayed: int
    lost: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            **asdict(self.result),
            "share": self.result.share,
            "sentence": self.result.sentence,
            "replayed": self.replayed,
            "lost": dict(self.lost),
        }


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What is known of a trial.

    Attributes:
        trial: The trial.
        customers: Customers assigned to it, or who would be if it began now.
        needed: Customers that tell the expected gain, by the noise of the bank's own outcomes; None without outcomes.
        days: Whole days that have passed.
        result: The verdict; None before the first day has passed.
        offers: Gains by offer and arm, in the outcomes that each offer counts as: what one wins may be another's.
        triggered: The same by the customers whose decisions would have differed; None if decisions were not replayed.
    """

    trial: Trial
    customers: int
    needed: float | None
    days: int
    result: TrialResult | None
    offers: tuple[OfferGain, ...] = ()
    triggered: TriggeredReport | None = None

    @property
    def readable_from(self) -> date | None:
        """About when the expected gain shows: gains grow with time, and their noise with its square root."""
        if not self.needed or not self.customers:
            return None
        wait = self.trial.days * self.needed / self.customers
        return self.trial.starts + timedelta(days=ceil(wait)) if wait < LONGEST_WAIT_DAYS else None

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.needed is None:
            planned = "no outcome yet says how many customers it needs"
        else:
            planned = (
                f"{self.customers:,} customers, {self.needed:,.0f} are needed to tell {self.trial.expected_gain:g}"
            )
            at = self.readable_from
            if at is None or at > self.trial.starts + self.days * DAY:
                planned += f"; cannot tell before {'the trial is larger' if at is None else f'about {at}'}"
        if self.result is None:
            return f"{self.trial.name} has not begun: {planned}"
        return f"{self.trial.name}, day {self.days} of {self.trial.days}: {self.result.verdict} ({planned})"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "trial": self.trial.name,
            "question": self.trial.question,
            "starts": self.trial.starts.isoformat(),
            "ends": self.trial.ends.isoformat(),
            "shares": self.trial.arms,
            "control": self.trial.control,
            "guardrails": list(self.trial.guardrails),
            "expected_gain": self.trial.expected_gain,
            "customers": self.customers,
            "needed": self.needed,
            "readable_from": None if self.readable_from is None else self.readable_from.isoformat(),
            "days": self.days,
            "days_planned": self.trial.days,
            "sentence": self.sentence,
            "result": None if self.result is None else asdict(self.result),
            "offers": [asdict(one) for one in self.offers],
            "triggered": None if self.triggered is None else self.triggered.to_json(),
        }
