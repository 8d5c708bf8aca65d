import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.pacing import DayPlan, Pacing, pace, spend
from decisioning.allocation.prices import Prices, PriceSearch, find_prices
from domain.errors import DataError
from tests.decisioning.allocation.build import QUICK, Few, few, many, rows_of


def day(plan: DayPlan, bank: Few, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Let everybody arrive in blocks."""
    remaining, chosen = plan.ledger.capacity, []
    for first in range(0, len(bank.chunk), block):
        here = rows_of(bank.chunk, np.arange(first, min(first + block, len(bank.chunk))))
        part, remaining = pace(plan, remaining, here.gain, here.consumption, first / len(bank.chunk))
        chosen.append(part)
    return np.concatenate([np.empty(0, dtype=np.int32), *chosen]), remaining


def warm(*prices: float) -> Prices:
    return Prices(np.array(prices), 10.0, 10.0, 1, 0, converged=True)


@settings(deadline=None)
@given(few(), st.integers(1, 4), st.floats(0.0, 3.0))
def test_a_day_never_exceeds_a_capacity(small: Few, block: int, off: float):
    found = find_prices(small.problem, QUICK)
    wrong = Prices(found.prices * off, found.bound, found.lowest, 1, 0, converged=True)
    chosen, remaining = day(DayPlan.of(wrong, small.capacity, Pacing()), small, block)
    rows = np.flatnonzero(chosen >= 0)
    for resource, capacity in enumerate(small.capacity.tolist()):
        assert math.fsum(small.chunk.taken(resource, rows, chosen[rows])) <= capacity
    assert (remaining >= 0).all()
    assert (small.chunk.gain[rows, chosen[rows]] > 0).all()


@settings(deadline=None)
@given(few(), st.floats(0.0, 1.0))
def test_a_block_is_its_customers_one_after_the_other_at_the_same_prices(small: Few, share: float):
    plan = DayPlan.of(find_prices(small.problem, QUICK), small.capacity, Pacing(stiffness=0.0))
    together, left = pace(plan, plan.ledger.capacity, small.chunk.gain, small.chunk.consumption, share)
    remaining, alone = plan.ledger.capacity, []
    for row in range(len(small.chunk)):
        here = rows_of(small.chunk, np.array([row]))
        one, remaining = pace(plan, remaining, here.gain, here.consumption, share)
        alone += one.tolist()
    assert (together.tolist(), left.tolist()) == (alone, remaining.tolist())


def test_a_day_in_random_order_comes_near_the_bound_that_knew_everybody():
    bank = many(60_000)
    found = find_prices(bank.problem, PriceSearch())
    for off in (1.0, 0.9, 1.1):
        prices = Prices(found.prices * off, found.bound, found.lowest, 1, 0, converged=True)
        chosen, _ = day(DayPlan.of(prices, bank.capacity, Pacing()), bank, 20)
        rows = np.flatnonzero(chosen >= 0)
        assert bank.chunk.gain[rows, chosen[rows]].sum() > 0.98 * found.bound


def test_feedback_makes_good_what_wrong_prices_would_lose():
    bank = many(20_000)
    found = find_prices(bank.problem, PriceSearch())
    prices = Prices(found.prices * 1.3, found.bound, found.lowest, 1, 0, converged=True)
    values = []
    for stiffness in (0.0, Pacing().stiffness):
        chosen, _ = day(DayPlan.of(prices, bank.capacity, Pacing(stiffness=stiffness)), bank, 20)
        rows = np.flatnonzero(chosen >= 0)
        values.append(bank.chunk.gain[rows, chosen[rows]].sum())
    assert values[1] > 1.05 * values[0]


def test_prices_follow_what_is_spent_and_a_day_on_course_keeps_them():
    plan = DayPlan.of(warm(2.0, 0.0), np.array([100.0, 100.0]), Pacing())
    half = plan.ledger.capacity // 2
    assert plan.prices_now(plan.ledger.capacity, 0.0).tolist() == [2.0, 0.0]
    assert plan.prices_now(half, 0.5).tolist() == [2.0, 0.0]
    assert (plan.prices_now(half, 0.25) > [2.0, 0.0]).all()
    assert plan.prices_now(half, 0.75)[0] < 2.0


@settings(deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_prices_stay_within_their_range(left: float, share: float):
    pacing = Pacing(largest_change=0.5)
    plan = DayPlan.of(warm(2.0), np.array([100.0]), pacing)
    price = plan.prices_now(np.floor(plan.ledger.capacity * left).astype(np.int64), share)[0]
    assert 0.0 <= price <= 3.0


def test_what_does_not_fit_or_is_no_number_is_never_chosen():
    plan = DayPlan.of(warm(0.0), np.array([1.0]), Pacing())
    gain = np.array([[9.0, 8.0, 7.0, np.nan, np.inf, 1.0]])
    chosen, _ = pace(plan, plan.ledger.capacity, gain, [np.array([1.5, np.nan, -1.0, 0.0, 0.0, 1.0])], 0.0)
    assert chosen.tolist() == [5]


def test_of_a_block_those_are_served_for_whom_something_is_left_and_the_others_get_what_still_fits():
    plan = DayPlan.of(warm(0.0), np.array([2.0]), Pacing(stiffness=0.0))
    gain = np.array([[5.0, 1.0]] * 4)
    chosen, remaining = pace(plan, plan.ledger.capacity, gain, [np.array([1.0, 0.0])], 0.0)
    assert (chosen.tolist(), remaining.tolist()) == ([0, 0, 1, 1], [0])


def test_nobody_arrives():
    plan = DayPlan.of(warm(1.0), np.ones(1), Pacing())
    chosen, remaining = pace(plan, plan.ledger.capacity, np.empty((0, 2)), [np.ones(2)], 0.0)
    assert (len(chosen), remaining.tolist()) == (0, plan.ledger.capacity.tolist())


def test_spending_elsewhere_counts_and_never_goes_below_nothing():
    plan = DayPlan.of(warm(1.0, 1.0), np.array([10.0, 10.0]), Pacing())
    after = spend(plan, plan.ledger.capacity, np.array([4.0, 40.0]))
    assert plan.ledger.amounts(after).tolist() == [6.0, 0.0]
    with pytest.raises(DataError, match="invalid amounts to spend"):
        spend(plan, after, np.array([-1.0, 0.0]))


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_share_of_the_day_that_is_none_is_refused(share: float):
    plan = DayPlan.of(warm(1.0), np.ones(1), Pacing())
    with pytest.raises(DataError, match="invalid share of a day"):
        pace(plan, plan.ledger.capacity, np.ones((1, 1)), [np.ones(1)], share)


def test_arrivals_that_do_not_fit_are_refused():
    plan = DayPlan.of(warm(1.0), np.ones(1), Pacing())
    for gain, amounts in ((np.ones(2), [np.ones(2)]), (np.ones((1, 2)), []), (np.ones((1, 2)), [np.ones(3)])):
        with pytest.raises(DataError, match=r"do not match|wrong shape"):
            pace(plan, plan.ledger.capacity, gain, amounts, 0.0)


def test_a_plan_needs_a_capacity_for_each_price():
    with pytest.raises(DataError, match="the number of prices differs"):
        DayPlan.of(warm(1.0), np.ones(2), Pacing())


@pytest.mark.parametrize("wrong", [{"stiffness": -1.0}, {"least_rest": 0.0}, {"largest_change": np.inf}])
def test_pacing_out_of_range_is_refused(wrong: dict[str, float]):
    with pytest.raises(DataError, match="out of range"):
        Pacing(**wrong)
