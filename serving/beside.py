"""Models beside the champions: in the shadow of decisions, or deciding for the customers assigned to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from threading import Lock
from time import thread_time_ns
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions, as_datetime
from decisioning.policies.assignment import arms_of, trial_arms, units_of
from decisioning.policies.draws import hashes_of
from decisioning.policies.policy import Control
from decisioning.policies.trial import Trial
from features.moments import utc_microseconds
from features.table import FeatureTable
from serving.scorers import PropensityScorer

MODEL_FAILURES: Final = (ArithmeticError, TypeError, AttributeError, RuntimeError, ValueError)
"""What a model raises that cannot score."""

TOGETHER: Final = 256
"""Scores that are computed in one call, though not all of them were asked for."""

NEW: Final = "new"
"""Arm of a slice for which the challenger decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a model beside the champions was called for; counts add up.

    Attributes:
        decisions: Decisions that it took part in.
        failed: Those of them that it could not score.
        own_nanoseconds: Processor time of its scores in the shadow.
        all_nanoseconds: Processor time of the timed decisions: in the shadow without its scores, else all of it.
        timed: Decisions that were timed: single ones of a service, for which somebody waits.
    """

    decisions: int = 0
    failed: int = 0
    own_nanoseconds: int = 0
    all_nanoseconds: int = 0
    timed: int = 0

    @property
    def milliseconds(self) -> float:
        """Mean processor time of a timed decision; NaN without one."""
        return self.all_nanoseconds / self.timed / 1e6 if self.timed else float("nan")

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            decisions=self.decisions + other.decisions,
            failed=self.failed + other.failed,
            own_nanoseconds=self.own_nanoseconds + other.own_nanoseconds,
            all_nanoseconds=self.all_nanoseconds + other.all_nanoseconds,
            timed=self.timed + other.timed,
        )


class CallCounter:
    """Counts calls by version of the model, for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: dict[str, Calls] = {}

    def add(self, version: str, calls: Calls) -> None:
        """Add what a version was called for."""
        with self._lock:
            self._calls[version] = self._calls.get(version, Calls()) + calls

    def take(self) -> Mapping[str, Calls]:
        """Return what was counted, and begin again."""
        with self._lock:
            taken, self._calls = self._calls, {}
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelArm:
    """A propensity model that decides for the customers of an arm.

    Attributes:
        name: Registered name of the model.
        cited: Its version and digest, as decisions cite them.
        scorer: The model; None for the champion, in a trial whose other arms have other models.
        trial: The trial that assigns customers.
        arm: Position of the arm among the trial's.
    """

    name: str
    cited: str
    scorer: PropensityScorer | None
    trial: Trial
    arm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A propensity model that scores what the champion has chosen.

    Attributes:
        cited: Its version and digest.
        scorer: The model.
    """

    cited: str
    scorer: PropensityScorer

    def score(self, decisions: Decisions) -> Calls:
        """Score the first offer of every decision; a failure is counted and disturbs nobody."""
        started = thread_time_ns()
        rows, columns = np.nonzero(decisions.ranking.rank == 1)
        distinct, place = np.unique(columns, return_inverse=True)
        # a call costs more than many scores: few decisions are scored together, with some pairs that nobody asked for
        together = len(decisions) * len(distinct) <= TOGETHER
        groups = [np.arange(len(rows))] if together else [np.flatnonzero(place == one) for one in range(len(distinct))]
        failed = 0
        for group in groups if len(rows) else ():
            used = distinct if together else distinct[place[group[:1]]]
            try:
                inputs = decisions.features.select(self.scorer.names)
                inputs = inputs if together else inputs.take(rows[group])
                scores = self.scorer.predict(inputs, [decisions.policy.candidates.pairs[one] for one in used.tolist()])
                found = scores[rows, place] if together else scores[:, 0]
                failed += int((~((found >= 0.0) & (found <= 1.0))).sum())
            except MODEL_FAILURES:
                failed += len(group)
        return Calls(decisions=len(rows), failed=failed, own_nanoseconds=thread_time_ns() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """All models beside the champions.

    Attributes:
        shadow: Model in the shadow; None for none.
        arms: Models that decide; a customer of several arms belongs to the first.
        calls: Counts what they are called for.
    """

    shadow: Shadow | None = None
    arms: tuple[ModelArm, ...] = ()
    calls: CallCounter = field(default_factory=CallCounter)

    def arm_of(
        self,
        features: FeatureTable,
        control: Control,
        time_zone: tzinfo,
        as_of: datetime | np.datetime64,
        instead: Mapping[str, str],
    ) -> NDArray[np.intp]:
        """Return the position of the arm that each customer is assigned to at a moment, -1 for none, shape (n,).

        Args:
            features: The customers' features.
            control: Control arms of the policy.
            time_zone: Of the bank.
            as_of: The moment.
            instead: Trial -> arm in which everybody who takes part is, instead of the drawn one.
        """
        taken = np.full(len(features), -1)
        if not self.arms:
            return taken
        units = units_of(hashes_of(map(str, features.customer_ids)), features.columns.get(control.household or ""))
        day = as_datetime(utc_microseconds(as_of)).astimezone(time_zone).date()
        drawn = arms_of(units, control, day)
        for place, one in enumerate(self.arms):
            inside = trial_arms(units, drawn, one.trial, control.salt, day, instead.get(one.trial.name)) == one.arm
            taken[inside & (taken == -1)] = place
        return taken


def slice_trial(name: str, version: str, share: float) -> Trial:
    """Return the trial that assigns a share of the customers or households to a version in its slice.

    A larger share only adds customers, and each version has a slice of its own.
    """
    return Trial(
        name=f"slice of {name} {version}",
        question="",
        arms={NEW: 1.0},
        control="",
        layer=f"slice/{name}/{version}",
        slice=(0.0, share),
        starts=date.min,
        ends=date.max,
        expected_gain=0.0,
    )
