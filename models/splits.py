"""Who may be trained on, judged on and calibrated on: folds that roll forward in time, purged of what was not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError

_DAY = np.timedelta64(24 * 3600 * 1_000_000, "us")
_LEAST_TRAINING_SHARE = 0.15
"""Share of all rows that must be known before the first fold is tested: less is not yet the model that will run."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One step of the rolling origin.

    Attributes:
        index: From 0 on, in the order of time.
        test_start: The first moment that is tested.
        train: Positions of rows that may be fitted on.
        test: Positions of rows to be judged.
    """

    index: int
    test_start: np.datetime64
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def rolling_folds(
    as_of: NDArray[np.datetime64], known_at: NDArray[np.datetime64], folds: int, embargo_days: int
) -> tuple[Fold, ...]:
    """Cut the later half of the rows into folds of about equal counts, each with everything known before it.

    Equal counts, not equal durations, so that every fold judges with about the same precision. A moment is never
    cut in two: all rows of one anchor are in one fold. Where the later half would start before enough labels are
    known, the first fold starts later.

    Args:
        as_of: Shape (n,), the moments of the rows.
        known_at: Shape (n,), when each label was complete. A row is trained on only if that lies at least
            `embargo_days` before the fold's first test moment (purge and embargo).
        folds: How many.
        embargo_days: Rest for facts that arrive late.

    Raises:
        DataError: If time does not suffice for so many folds.

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
    # the wanted row at which each fold begins, moved to the nearest whole moment that leaves one for all others
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
    """Set the latest rows of half of the customers aside, to stop early and to calibrate.

    Anchors overlap: the label of the same customer a month earlier is nearly the same label, and a model that has
    learned it looks better on the slice than it is. So the slice is the latest `2 * share` of the rows, of a random
    half of the customers, and of these customers only what was known before the slice begins is fitted on; of the
    other half everything is, up to the latest.

    Returns:
        Masks of shape (n,): rows to fit on, rows to calibrate on; together less than all.

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
    """Deal customers out to folds at random; all rows of a customer go together.

    Returns:
        Shape (n,), from 0 to `folds` - 1.
    """
    distinct, positions = np.unique(customer_ids.astype(str), return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(distinct)) % folds
    return dealt[positions].astype(np.int64)


def thin(customer_ids: NDArray[np.object_], maximum_rows: int, seed: int) -> NDArray[np.bool_]:
    """Keep whole customers at random until there are no more than so many rows.

    Returns:
        Mask of shape (n,); all true where nothing has to go.
    """
    if len(customer_ids) <= maximum_rows:
        return np.ones(len(customer_ids), dtype=bool)
    distinct, positions, rows = np.unique(customer_ids.astype(str), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    kept = np.zeros(len(distinct), dtype=bool)
    kept[order[np.cumsum(rows[order]) <= maximum_rows]] = True
    return kept[positions]
