"""Splits of training rows: folds that roll forward in time and use only what was known, or folds of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataError
from models.settings import Training

Folds: TypeAlias = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Ascending positions of training rows and of held-out rows, for each fold."""

_DAY = np.timedelta64(24 * 3600 * 1_000_000, "us")
_LEAST_TRAINING_SHARE = 0.15
"""Share of all rows that must be known before the first test fold; less would not represent the final model."""

_FOLDS = 3
_FOLDS_OF_FEW_ROWS = 5
_FEW_ROWS = 10_000
"""With fewer rows than this, a fit on two thirds of them is too far from one on all."""


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


def evaluated_in_time(as_of: NDArray[np.datetime64], training: Training) -> bool:
    """Say whether evaluation is on later rows; it cannot be where all rows are of one moment."""
    return training.evaluated_by == "time" and len(as_of) > 0 and bool(as_of.min() < as_of.max())


def evaluated_on(as_of: NDArray[np.datetime64], training: Training) -> str:
    """Say in words what evaluation is on."""
    rows = "later rows" if evaluated_in_time(as_of, training) else "rows of other customers"
    return f"{rows} in {training.folds} folds"


def evaluation_folds(
    customer_ids: NDArray[np.object_],
    as_of: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
    training: Training,
) -> tuple[Fold, ...]:
    """Split rows for evaluation: rolling in time, or by customer.

    Args:
        customer_ids: Shape (n,).
        as_of: Moments of the rows, shape (n,).
        known_at: When each label was complete, shape (n,).
        training: Number of folds, embargo and seed.

    Raises:
        DataError: If the rows have several moments, but too few for the folds, or too few customers.
    """
    if not evaluated_in_time(as_of, training):
        fold_of = customer_folds(customer_ids, training.folds, training.seed)
        if len(np.unique(fold_of)) < max(training.folds, 2):
            raise DataError(
                f"too few customers for {training.folds} folds",
                got=f"{len(np.unique(customer_ids.astype(str)))} customers",
                remedy="bring more customers, or more moments",
            )
        return tuple(
            Fold(index, as_of.min(), np.flatnonzero(fold_of != index), np.flatnonzero(fold_of == index))
            for index in range(training.folds)
        )
    return rolling_folds(as_of, known_at, training.folds, training.embargo_days)


def choice_folds(customer_ids: NDArray[np.object_], seed: int) -> Folds:
    """Split training rows by customer into folds on which the choices of a fit are made.

    Not in time: under drift, what is best for the next weeks of an early part of the rows is far from best for a fit on
    all of them, and a calibration learned from the drift between two parts does not hold for the next. Evaluation
    remains in time.
    """
    folds = _FOLDS_OF_FEW_ROWS if len(customer_ids) < _FEW_ROWS else _FOLDS
    fold_of = customer_folds(customer_ids, folds, seed)
    if len(np.unique(fold_of)) < folds:  # fewer customers than folds: rows are dealt one by one
        fold_of = np.random.default_rng(seed).permutation(len(customer_ids)) % folds
    return tuple((np.flatnonzero(fold_of != one), np.flatnonzero(fold_of == one)) for one in range(folds))


def held_out_in(folds: Folds, rows: int) -> NDArray[np.int64]:
    """Return the fold that each row is held out in, -1 if in none, shape (rows,)."""
    fold = np.full(rows, -1)
    for number, (_, test) in enumerate(folds):
        fold[test] = number
    return fold


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
