"""Groups compared by what was realised for each assigned customer, whether or not anything was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decisioning.off_policy.intervals import difference_estimate, ratio_estimate
from domain.errors import DataError
from domain.estimate import Estimate
from expressions.types import Array

LEAST_UNITS: Final = 30
"""Independent customers or households in a group; with fewer, nobody can say how far its mean may be off."""


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What a group was worth.

    Attributes:
        group: Its name.
        customers: Customers assigned to it.
        mean: Outcome of each of them.
        gain: More than each customer of the control group; None for the control group itself.
    """

    group: str
    customers: int
    mean: Estimate
    gain: Estimate | None


def compare_groups(
    outcome: ArrayLike,
    group: ArrayLike,
    control: str,
    *,
    unit: ArrayLike | None = None,
    before: ArrayLike | None = None,
) -> tuple[GroupOutcome, ...]:
    """Compare the mean outcomes of groups to which customers were assigned by chance.

    Args:
        outcome: One number for each assigned customer, 0 for those without any, shape (n,).
        group: Name of the group each was assigned to, shape (n,).
        control: Name of the group that the others are compared with.
        unit: What was drawn, such as the household, shape (n,); by default each customer. Intervals count units.
        before: Something known of each customer before the assignment, such as the same outcome of an earlier period,
            shape (n,). What it explains is removed from the noise (CUPED: Deng, Xu, Kohavi and Walker 2013).

    Returns:
        The control group first, then the others in the order of their names.

    Raises:
        DataError: Shapes differ, a number is not finite, or nobody is in the control group.

    Example:
        >>> outcome, group = [0.0, 60.0, 0.0, 0.0] * 500, ["shown", "shown", "holdout", "holdout"] * 500
        >>> [held, shown] = compare_groups(outcome, group, "holdout")
        >>> shown.customers, shown.mean.value, shown.gain.low > 25.0
        (1000, 30.0, True)
    """
    numbers, names = np.asarray(outcome, dtype=np.float64), np.asarray(group).astype(str)
    expect_columns(len(numbers), outcome=numbers, group=names)
    if not np.isfinite(numbers).all():
        raise DataError("an outcome is not a number", expected="a finite number for every assigned customer")
    if control not in names:
        raise DataError("nobody is in the control group", got=f"'{control}'", expected="a group with customers")
    place = np.arange(len(numbers)) if unit is None else np.unique(np.asarray(unit), return_inverse=True)[1]
    expect_columns(len(numbers), unit=place)
    units = int(place.max()) + 1
    if before is not None:
        earlier = np.asarray(before, dtype=np.float64)
        expect_columns(len(numbers), before=earlier)
        numbers = without_what_was_known(numbers, earlier, names)
    held = (names == control).astype(np.float64)
    few = {name for name in np.unique(names).tolist() if len(np.unique(place[names == name])) < LEAST_UNITS}
    found = [GroupOutcome(control, int(held.sum()), _told(_mean(numbers, held, place, units), control in few), None)]
    for name in sorted(set(names.tolist()) - {control}):
        there = (names == name).astype(np.float64)
        gain = difference_estimate(numbers * there, there, numbers * held, held, place, units)
        mean = _told(_mean(numbers, there, place, units), name in few)
        found.append(GroupOutcome(name, int(there.sum()), mean, _told(gain, bool({name, control} & few))))
    return tuple(found)


def _mean(numbers: Array, there: Array, place: NDArray[np.intp], units: int) -> Estimate:
    return ratio_estimate(numbers * there, there, place, units)


def _told(estimate: Estimate, too_few: bool) -> Estimate:
    return Estimate(estimate.value, float("nan"), float("nan")) if too_few else estimate


def without_what_was_known(outcome: Array, before: Array, group: NDArray[np.str_]) -> Array:
    """Remove from outcomes what an earlier number explains, by one slope within groups; the overall mean stays.

    Example:
        >>> before = np.array([0.0, 1.0, 2.0, 3.0])
        >>> without_what_was_known(2.0 * before, before, np.array(["a", "a", "b", "b"])).tolist()
        [3.0, 3.0, 3.0, 3.0]
    """
    known = np.where(np.isfinite(before), before, np.nanmean(before) if np.isfinite(before).any() else 0.0)
    _, place = np.unique(group, return_inverse=True)
    size = np.bincount(place)
    x = known - (np.bincount(place, known) / size)[place]
    y = outcome - (np.bincount(place, outcome) / size)[place]
    spread = float(x @ x)
    slope = float(x @ y) / spread if spread > 0.0 else 0.0
    found: Array = outcome - slope * (known - known.mean())
    return found


def expect_columns(rows: int, **columns: NDArray[np.generic]) -> None:
    """Raise a DataError if there are no rows, or a column has another shape."""
    if rows == 0:
        raise DataError("there is nothing to compare", got="no rows", expected="at least one")
    for name, column in columns.items():
        if column.shape != (rows,):
            raise DataError(f"{name} has another shape", got=str(column.shape), expected=f"({rows},)")
