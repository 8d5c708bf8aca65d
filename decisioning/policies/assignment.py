"""Assignment of customers or households to the holdout and the other control arms, drawn again from time to time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from decisioning.policies.draws import Arm, Arms, Hashes, hashes_of, mixed, uniforms
from decisioning.policies.policy import Control
from decisioning.policies.trial import Trial
from domain.errors import DataError, nearest
from expressions.types import Array

WASH_OUT: Final = timedelta(days=28)
"""After a new drawing, effects of the former group fade for so long: outcomes count for neither group."""

DRAWN: Final = tuple(arm for arm in Arm if arm not in {Arm.STANDARD, Arm.NOT_PERSONALISED})
"""Arms to which customers are assigned by chance, in the order of the drawing; the rest are standard."""

_HOUSEHOLDS: Final = hashes_of(["household"])


def units_of(customers: Hashes, household: Array | None) -> Hashes:
    """Return what is drawn for each customer: the hash of the household, or of the customer where that is unknown.

    Args:
        customers: Hashes of the customers' ids (`hashes_of`), shape (n,).
        household: Values of the household attribute, shape (n,), NaN where unknown; None if the bank declares none.

    Example:
        >>> units = units_of(hashes_of(["c1", "c2", "c3"]), np.array([7.0, 7.0, np.nan]))
        >>> bool(units[0] == units[1]), bool(units[2] == hashes_of(["c3"])[0])
        (True, True)
    """
    if household is None:
        return customers
    bits = np.ascontiguousarray(household + 0.0, dtype=np.float64).view(np.uint64)  # -0 and 0 are one household
    return np.where(np.isnan(household), customers, mixed(bits ^ _HOUSEHOLDS))


def generation_start(day: date, months: int) -> date:
    """Return the first day of the generation that a day belongs to; the first of all days if it never ends.

    Example:
        >>> str(generation_start(date(2026, 8, 17), 3)), str(generation_start(date(2026, 8, 17), 12))
        ('2026-07-01', '2026-01-01')
    """
    if months < 1:
        return date.min
    since = (day.year * 12 + day.month - 1) // months * months
    return date(since // 12, since % 12 + 1, 1)


def counted_since(day: date, months: int) -> date:
    """Return the first day from which outcomes count in the generation of a day: when its wash-out has ended."""
    start = generation_start(day, months)
    return start if start == date.min else start + WASH_OUT


def arms_of(units: Hashes, control: Control, day: date) -> Arms:
    """Assign customers to arms by salted hash, so that the assignment is the same in every run and process.

    Each arm has a hash of its own, and is drawn from those whom no arm before it has taken. So a changed share moves
    customers at its edge into or out of the arm, and leaves the others where they are.

    Args:
        units: What is drawn (`units_of`), shape (n,).
        control: Shares, salt and months.
        day: Local day of the decision, which says which drawing is in force.

    Example:
        >>> arms_of(hashes_of(["c1", "c2"]), Control(holdout_share=1.0), date(2026, 1, 1)).tolist()
        [1, 1]
    """
    arms: Arms = np.zeros(len(units), dtype=np.int8)
    left = 1.0
    for arm in DRAWN:
        share = float(getattr(control, f"{arm.label}_share"))
        if share > 0.0:
            months = control.holdout_months if arm is Arm.HOLDOUT else control.arms_months
            name = f"{control.salt}/{arm.label}/{generation_start(day, months)}"
            chosen = uniforms(mixed(units ^ hashes_of([name]))) * left < share
            arms[chosen & (arms == Arm.STANDARD)] = arm
        left -= share
    return arms


def trial_arms(units: Hashes, arms: Arms, trial: Trial, salt: str, day: date, instead: str | None = None) -> Array:
    """Assign customers of the standard arm to the arms of a trial.

    Args:
        units: What is drawn (`units_of`), shape (n,).
        arms: Control arm of each customer (`arms_of`), shape (n,).
        trial: The trial.
        salt: Salt of the layers (`Control.salt`).
        day: Local day of the decision.
        instead: Arm in which everybody who takes part is, instead of the drawn one; None for the drawn ones.

    Returns:
        Position of the arm in `trial.arms`, NaN for customers outside the trial, shape (n,).

    Raises:
        DataError: The trial has no such arm.

    Example:
        >>> trial = Trial(name="bonus", question="", arms={"low": 0.5, "high": 0.5}, control="low", expected_gain=1.0,
        ...               starts=date(2026, 1, 5), ends=date(2026, 1, 18))
        >>> trial_arms(hashes_of(["c1", "c2"]), np.zeros(2, np.int8), trial, "control", date(2026, 1, 7)).tolist()
        [1.0, 0.0]
    """
    found = np.full(len(units), np.nan)
    if not trial.starts <= day <= trial.ends:
        return found
    place = uniforms(mixed(units ^ hashes_of([f"{salt}/layer/{trial.layer}"])))
    inside = (place >= trial.slice[0]) & (place < trial.slice[1]) & (arms == Arm.STANDARD)
    if instead is not None:
        if instead not in trial.arms:
            raise DataError(f"{trial.name} has no such arm", got=f"'{instead}'", expected=nearest(instead, trial.arms))
        found[inside] = list(trial.arms).index(instead)
        return found
    edges = np.cumsum(list(trial.arms.values()))[:-1]
    drawn = np.searchsorted(edges, uniforms(mixed(units ^ hashes_of([f"{salt}/trial/{trial.salt}"]))), side="right")
    found[inside] = drawn[inside]
    return found
