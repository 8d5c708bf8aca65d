from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from models.splits import calibration_split, customer_folds, rolling_folds, thin

DAY = np.timedelta64(1, "D")
START = np.datetime64("2025-01-01", "us")


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 90)), min_size=30, max_size=200),
    st.integers(1, 4),
    st.integers(0, 10),
)
def test_nothing_known_after_a_fold_begins_is_trained_on(rows: list[tuple[int, int]], folds: int, embargo: int) -> None:
    as_of = START + np.array([day for day, _ in rows]) * DAY
    known_at = as_of + np.array([delay for _, delay in rows]) * DAY
    try:
        cut = rolling_folds(as_of, known_at, folds, embargo)
    except DataError:
        return
    assert len(cut) == folds
    tested: list[int] = []
    for fold in cut:
        assert (known_at[fold.train] < fold.test_start - embargo * DAY).all()
        assert (as_of[fold.test] >= fold.test_start).all()
        assert len(fold.train)
        assert len(fold.test)
        tested += fold.test.tolist()
    assert len(tested) == len(set(tested))
    assert sorted(tested) == np.flatnonzero(as_of >= cut[0].test_start).tolist()


def test_folds_have_about_equal_counts_and_never_cut_a_moment() -> None:
    as_of = np.repeat(START + np.arange(12) * 30 * DAY, 100)
    folds = rolling_folds(as_of, as_of + 67 * DAY, 3, 2)
    assert [len(fold.test) for fold in folds] == [200, 200, 200]
    assert [len(np.unique(as_of[fold.train])) for fold in folds] == [4, 6, 8]


def test_the_first_fold_waits_until_enough_is_known() -> None:
    as_of = START + np.arange(100) * DAY
    first = rolling_folds(as_of, as_of + 60 * DAY, 2, 0)[0]
    assert first.test_start == START + 75 * DAY
    assert len(first.train) == 15


def test_too_short_a_history_is_refused_with_a_remedy() -> None:
    as_of = np.repeat(START + np.arange(3) * 30 * DAY, 10)
    with pytest.raises(DataError, match=r"too short for 3 rolling folds.*lower `training\.folds`"):
        rolling_folds(as_of, as_of + 67 * DAY, 3, 2)


def test_the_calibration_slice_is_later_and_its_customers_overlap_with_nothing_fitted() -> None:
    customers = np.tile(np.array([f"c{position}" for position in range(200)], dtype=object), 8)
    as_of = np.repeat(START + np.arange(8) * 30 * DAY, 200)
    known_at = as_of + 67 * DAY
    fit, later = calibration_split(customers, as_of, known_at, 0.2, 7)
    assert not (fit & later).any()
    assert later.mean() == pytest.approx(0.2, abs=0.08)
    assert as_of[later].min() == START + 4 * 30 * DAY
    of_slice = np.isin(customers, customers[later])
    assert (known_at[fit & of_slice] < as_of[later].min()).all()


def test_a_customer_is_in_one_fold_only() -> None:
    customers = np.array(["a", "b", "c", "a", "b", "d"], dtype=object)
    folds = customer_folds(customers, 2, 1)
    assert folds[0] == folds[3]
    assert folds[1] == folds[4]
    assert set(folds.tolist()) == {0, 1}


def test_thinning_keeps_whole_customers() -> None:
    customers = np.repeat(np.array([f"c{position}" for position in range(50)], dtype=object), 4)
    kept = thin(customers, 100, 3)
    assert kept.sum() == 100
    assert not set(customers[kept]) & set(customers[~kept])
    assert thin(customers, 200, 3).all()
