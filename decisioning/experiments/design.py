"""What a trial is judged from: its design, and what came of the customers whom chance assigned to its arms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decisioning.outcomes.groups import expect_columns
from domain.errors import DataError
from expressions.types import Array


@dataclass(frozen=True, slots=True)
class TrialDesign:
    """What a trial compares, and the gains that it was planned for.

    Attributes:
        shares: Declared share of each arm; they add up to 1.
        control: Arm that the others are compared with.
        expected_gain: Gain of a customer that was hoped for; it tunes the always-valid interval.
        smallest_gain: Gain of a customer that is worth shipping.

    Raises:
        DataError: There is no control arm, or no other one.
    """

    shares: Mapping[str, float]
    control: str
    expected_gain: float
    smallest_gain: float = 0.0

    def __post_init__(self) -> None:
        if self.control not in self.shares or len(self.shares) < 2:
            got, expected = ", ".join(self.shares), f"'{self.control}'"
            raise DataError("a trial needs a control arm and another one", got=got, expected=expected)


@dataclass(frozen=True, slots=True, eq=False)
class TrialOutcomes:
    """What came of n customers.

    Attributes:
        outcome: What came of each so far, 0 for nothing, shape (n,).
        arm: Name of the arm each was assigned to, shape (n,).
        unit: Number of what was drawn, such as the household, shape (n,).
        before: Something known of each before, shape (n,), to remove noise (CUPED); None for nothing.
        guardrails: By name, how often something bad happened to each, shape (n,).
    """

    outcome: Array
    arm: NDArray[np.str_]
    unit: NDArray[np.intp]
    before: Array | None = None
    guardrails: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        outcome: ArrayLike,
        arm: ArrayLike,
        *,
        unit: ArrayLike | None = None,
        before: ArrayLike | None = None,
        guardrails: Mapping[str, ArrayLike] | None = None,
    ) -> TrialOutcomes:
        """Check plain arrays; `unit` may hold anything that names what was drawn, by default each customer.

        Raises:
            DataError: Shapes differ, or an outcome is not finite.
        """
        numbers = np.asarray(outcome, dtype=np.float64)
        found = cls(
            numbers,
            np.asarray(arm).astype(str),
            np.arange(len(numbers)) if unit is None else np.unique(np.asarray(unit), return_inverse=True)[1],
            None if before is None else np.asarray(before, dtype=np.float64),
            {name: np.asarray(count, dtype=np.float64) for name, count in (guardrails or {}).items()},
        )
        expect_columns(len(numbers), outcome=numbers, arm=found.arm, unit=found.unit, **found.guardrails)
        if found.before is not None:
            expect_columns(len(numbers), before=found.before)
        if not np.isfinite(numbers).all():
            raise DataError("an outcome is not a number", expected="a finite number for every assigned customer")
        return found

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: NDArray[np.intp]) -> TrialOutcomes:
        """Return what came of some of the customers."""
        return replace(
            self,
            outcome=self.outcome[rows],
            arm=self.arm[rows],
            unit=self.unit[rows],
            before=None if self.before is None else self.before[rows],
            guardrails={name: count[rows] for name, count in self.guardrails.items()},
        )
