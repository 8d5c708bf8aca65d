"""Two runs are compared on the rows that both held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.errors import DataError
from models.comparison import CUSTOMER, recorded_predictions
from models.held_out import HeldOutPredictions
from models.run_comparison import compare_recorded
from tests.models.evaluation.worlds import judged_world


@pytest.fixture(scope="module")
def held_out() -> HeldOutPredictions:
    return judged_world(rows=1_500)


def blurred(held_out: HeldOutPredictions) -> HeldOutPredictions:
    noise = np.random.default_rng(3).uniform(0.01, 0.99, len(held_out))
    return replace(held_out, scores={**held_out.scores, "model": 0.4 * held_out.scores["model"] + 0.6 * noise})


def test_a_run_is_as_good_as_itself(held_out: HeldOutPredictions) -> None:
    recorded = recorded_predictions(held_out)
    found = compare_recorded(recorded, recorded_predictions(held_out.take(np.arange(len(held_out))[::-1])))
    assert {one.grouping for one in found} >= {"all"} | {name for name in held_out.groups if name == "stage"}
    assert all((one.first, one.better, one.low, one.high) == (one.second, 0.0, 0.0, 0.0) for one in found)


def test_a_worse_run_is_worse_beyond_noise_and_the_other_way_round_better(held_out: HeldOutPredictions) -> None:
    good, bad = recorded_predictions(held_out), recorded_predictions(blurred(held_out))
    worse = {one.metric: one for one in compare_recorded(good, bad) if one.grouping == "all"}
    better = {one.metric: one for one in compare_recorded(bad, good) if one.grouping == "all"}
    for metric in ("auc", "log_loss"):
        assert worse[metric].high < 0.0 < better[metric].low
        assert worse[metric].is_beyond_noise
        assert worse[metric].better == pytest.approx(-better[metric].better)


def test_only_rows_of_both_are_compared(held_out: HeldOutPredictions) -> None:
    half = held_out.take(np.arange(0, len(held_out), 2))
    found = compare_recorded(recorded_predictions(held_out), recorded_predictions(half))
    assert {one.rows for one in found if one.grouping == "all"} == {len(half)}


def test_runs_without_a_row_in_common_are_refused(held_out: HeldOutPredictions) -> None:
    later = replace(held_out, as_of=held_out.as_of + np.timedelta64(1, "us"))
    with pytest.raises(DataError, match="judged on different rows"):
        compare_recorded(recorded_predictions(held_out), recorded_predictions(later))


def test_numbers_of_customers_say_which_rows_are_of_one_and_nothing_else(held_out: HeldOutPredictions) -> None:
    numbers = recorded_predictions(held_out)[CUSTOMER].to_numpy()
    by_customer: dict[str, set[int]] = {}
    for customer, number in zip(held_out.customer_ids, numbers, strict=True):
        by_customer.setdefault(customer, set()).add(int(number))
    assert all(len(found) == 1 for found in by_customer.values())
    assert len(set().union(*by_customer.values())) == len(by_customer)
    assert not np.array_equal(numbers, recorded_predictions(held_out)[CUSTOMER].to_numpy())
