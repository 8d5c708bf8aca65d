"""Training, test and calibration splits: folds that roll forward in time and use only what was known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError

_DAY = np.timedelta64(24 * 3600 * 1_000_000, "us")
_LEAST_TRAINING_SHARE = 0.15
"""Share of all rows that must be known before the first test fold; less would not represent the final model."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One step of the rolling origin.

    Attributes:
        index: From 0, in time order.
        test_start: First tested moment.
        train: Positions of the training rows.
        test: Positions of the test rows.
    """

    index: int
    test_start: np.datetime64
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def rolling_folds(
    as_of: NDArray[np.datetime64], known_at: NDArray[np.datetime64], folds: int, embargo_days: int
) -> tuple[Fold, ...]:
    """Split the later half of the rows into folds of about equal counts, each with everything known before it.

    Counts are equal rather than durations, so that all folds have about the same precision. All rows of one moment
    (anchor) are in one fold. If too few labels are known at the middle of the rows, the first fold starts later.

    Args:
        as_of: Moments of the rows, shape (n,).
        known_at: When each label was complete, shape (n,). A row is trained on only if that is at least
            `embargo_days` before the fold's first test moment (purge and embargo).
        folds: Number of folds.
        embargo_days: Waiting time for facts that arrive late.

    Raises:
        DataError: If the history is too short for this many folds.

    Example:
        >>> months = np.arange("2025-01", "2026-01", dtype="datetime64[M]").astype("datetime64[us]")
        >>> known = months + np.timedelta64(60, "D")
        >>> for fold in rolling_folds(months, known, folds=2, embargo_days=1):
        ...     print(fold.test_start.astype("datetime64[M]"), fold.train.tolist(), fold.test.tolist())
        2025-07 [0, 1, 2, 3] [6, 7, 8]
        2025-10 [0, 1, 2, 3, 4, 5, 6] [9, 10, 11]
    """
    moments, first_rows = np.unique(np.sort(as_of), return_index=True)
    total = len(as_of)
    embargo = embargo_days * _DAY
    known_before = np.searchsorted(np.sort(known_at), moments - embargo, side="left")
    may_start = (first_rows >= total / 2) & (known_before >= _LEAST_TRAINING_SHARE * total)
    possible = np.flatnonzero(may_start)
    if folds < 1 or len(possible) < folds:
        raise DataError(
            f"the history is too short for {folds} rolling folds",
            got=f"{len(moments)} distinct moments, of which {len(possible)} have enough known labels before them",
            expected=f"at least {folds}",
            remedy="lower `training.folds`, the label's horizon or `anchors_every_days`, or bring more history",
        )
    start = int(possible[0])
    # the wanted first row of each fold, moved to the nearest moment that leaves at least one for every other fold
    wanted = first_rows[start] + (total - first_rows[start]) * np.arange(folds) / folds
    starts: list[int] = []
    for position, row in enumerate(wanted):
        least = starts[-1] + 1 if starts else start
        most = len(moments) - (folds - position)
        nearest_moment = int(np.argmin(np.abs(first_rows - row)))
        starts.append(min(max(nearest_moment, least), most))
    bounds = [*(moments[position] for position in starts), moments[-1] + _DAY]
    return tuple(
        Fold(
            index,
            bounds[index],
            np.flatnonzero(known_at < bounds[index] - embargo),
            np.flatnonzero((as_of >= bounds[index]) & (as_of < bounds[index + 1])),
        )
        for index in range(folds)
    )


def calibration_split(
    customer_ids: NDArray[np.object_],
    as_of: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
    share: float,
    seed: int,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Set the latest rows of half of the customers aside, for early stopping and calibration.

    Anchors overlap: a customer's label a month earlier is nearly the same, and a model that has learned it looks better
    on the slice than it is. The slice is therefore the latest `2 * share` of the rows, of a random half of the
    customers. Of these customers, only what was known before the slice begins is fitted on; of the others, everything.

    Returns:
        Masks of shape (n,): rows to fit on, rows to calibrate on; some rows are in neither.

    Raises:
        DataError: If no rows are left for one of the two.
    """
    start = np.quantile(as_of.astype(np.int64), max(1.0 - 2.0 * share, 0.0), method="higher").astype("datetime64[us]")
    distinct, positions = np.unique(customer_ids.astype(str), return_inverse=True)
    aside = (np.random.default_rng(seed).permutation(len(distinct)) % 2 == 0)[positions]
    calibrate = aside & (as_of >= start)
    fit = ~aside | (known_at < start)
    if not fit.any() or not calibrate.any():
        raise DataError(
            "too few rows to set some aside for calibration",
            got=f"{len(as_of)} rows of {len(distinct)} customers",
            remedy="bring more history, or a calibration_share between 0.1 and 0.4",
        )
    return fit, calibrate


def customer_folds(customer_ids: NDArray[np.object_], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign customers to folds at random; all rows of a customer stay together.

    Returns:
        Shape (n,), from 0 to `folds` - 1.
    """
    distinct, positions = np.unique(customer_ids.astype(str), return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(distinct)) % folds
    return dealt[positions].astype(np.int64)


def thin(customer_ids: NDArray[np.object_], maximum_rows: int, seed: int) -> NDArray[np.bool_]:
    """Keep whole customers at random, up to a maximum number of rows.

    Returns:
        Mask of shape (n,); all true if nothing has to be dropped.
    """
    if len(customer_ids) <= maximum_rows:
        return np.ones(len(customer_ids), dtype=bool)
    distinct, positions, rows = np.unique(customer_ids.astype(str), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    kept = np.zeros(len(distinct), dtype=bool)
    kept[order[np.cumsum(rows[order]) <= maximum_rows]] = True
    return kept[positions]
