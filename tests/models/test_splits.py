from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from models.settings import Training
from models.splits import choice_folds, customer_folds, evaluated_in_time, evaluation_folds, rolling_folds, thin

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


def rows_of(customers: int, moments: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.tile(np.array([f"c{position}" for position in range(customers)], dtype=object), moments)
    return ids, np.repeat(START + np.arange(moments) * 30 * DAY, customers)


def test_choices_of_a_fit_are_made_on_other_customers_and_every_row_is_held_out_once() -> None:
    ids, _ = rows_of(200, 12)
    folds = choice_folds(ids, 7)
    assert len(folds) == 5
    assert sorted(np.concatenate([held for _, held in folds]).tolist()) == list(range(len(ids)))
    assert all(not set(ids[train]) & set(ids[held]) for train, held in folds)
    assert len(choice_folds(np.tile(ids, 5), 7)) == 3


def test_with_fewer_customers_than_folds_rows_are_dealt_one_by_one() -> None:
    folds = choice_folds(np.array(["one"] * 20, dtype=object), 7)
    assert [len(held) for _, held in folds] == [4] * 5


def test_one_campaign_is_judged_on_other_customers_and_several_on_later_rows_unless_said_otherwise() -> None:
    ids, as_of = rows_of(90, 1)
    folds = evaluation_folds(ids, as_of, as_of, Training(folds=3))
    assert not evaluated_in_time(as_of, Training())
    assert [len(fold.test) for fold in folds] == [30, 30, 30]
    assert all(not set(ids[fold.train]) & set(ids[fold.test]) for fold in folds)
    ids, as_of = rows_of(90, 12)
    assert evaluated_in_time(as_of, Training())
    assert not evaluated_in_time(as_of, Training(evaluated_by="customers"))
    with pytest.raises(DataError, match="too few customers for 3 folds"):
        evaluation_folds(ids[:2], as_of[:2], as_of[:2], Training(folds=3))


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
