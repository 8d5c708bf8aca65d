import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.oracle import evaluate
from decisioning.allocation.prices import PriceSearch, find_prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from domain.errors import DataError
from tests.decisioning.allocation.build import EXACT, QUICK, Again, Few, cut, few, many
from tests.decisioning.allocation.linear_program import solve_whole


@settings(deadline=None)
@given(few())
def test_the_bound_is_the_optimum_of_the_whole_linear_program(small: Few):
    found, whole = find_prices(small.problem, EXACT), solve_whole(small.chunk, small.capacity)
    assert found.converged
    assert found.bound == pytest.approx(whole.value, rel=1e-6, abs=1e-9)


@settings(deadline=None)
@given(few())
def test_prices_are_not_negative_and_nothing_for_what_is_left_over(small: Few):
    found, whole = find_prices(small.problem, EXACT), solve_whole(small.chunk, small.capacity)
    assert (found.prices >= 0).all()
    left = np.maximum(small.capacity - whole.used, 0.0)
    assert found.prices @ left <= 1e-6 * max(found.bound, 1e-3)


@settings(deadline=None)
@given(few(), st.integers(0, 3), st.floats(0.1, 5.0))
def test_more_capacity_never_lowers_the_bound(small: Few, resource: int, more: float):
    capacity = small.capacity.copy()
    capacity[resource % len(capacity)] += more
    before = find_prices(small.problem, EXACT)
    after = find_prices(AllocationProblem([small.chunk], capacity), EXACT)
    assert after.bound >= before.bound * (1 - 1e-7)


@settings(deadline=None)
@given(few(), st.lists(st.floats(0.0, 30.0), min_size=4, max_size=4))
def test_any_prices_prove_a_bound(small: Few, prices: list[float]):
    dual = evaluate(small.problem, np.array(prices[: len(small.capacity)]), threads=1)
    assert dual.bound >= solve_whole(small.chunk, small.capacity).value * (1 - 1e-9) - 1e-9


@settings(deadline=None)
@given(few(), st.lists(st.floats(0.0, 30.0), min_size=4, max_size=4))
def test_warm_prices_only_shorten_the_way(small: Few, warm: list[float]):
    cold = find_prices(small.problem, EXACT)
    found = find_prices(small.problem, EXACT, np.array(warm[: len(small.capacity)]))
    assert found.bound == pytest.approx(cold.bound, rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 900), max_size=6), st.sampled_from([1, 2, 3]))
def test_neither_chunks_nor_threads_change_a_bit_of_the_prices(sizes: list[int], threads: int):
    bank = many(1_500)
    whole = find_prices(bank.problem, PriceSearch(sample_customers=300, threads=1))
    parts = find_prices(
        AllocationProblem(cut(bank.chunk, sizes), bank.capacity), PriceSearch(sample_customers=300, threads=threads)
    )
    assert whole.sample_passes > 0
    assert (parts.prices == whole.prices).all()
    assert parts.bound == whole.bound


def test_the_bound_of_thousands_is_that_of_the_linear_program():
    bank = many(3_000)
    found = find_prices(bank.problem, EXACT)
    assert found.bound == pytest.approx(solve_whole(bank.chunk, bank.capacity).value, rel=1e-6)
    assert found.prices[3] == 0.0
    assert (found.prices[:3] > 0.0).all()


def test_the_sample_and_yesterdays_prices_save_passes():
    bank = many(40_000)
    nothing = find_prices(bank.problem, PriceSearch(sample_customers=40_000, threads=1))
    sample = find_prices(bank.problem, PriceSearch(sample_customers=4_000, threads=1))
    warm = find_prices(many(40_000, seed=8).problem, QUICK, nothing.prices)
    assert sample.passes < nothing.passes
    assert warm.passes < nothing.passes
    assert sample.bound == pytest.approx(nothing.bound, rel=2e-6)


def test_passes_are_counted():
    bank = many(1_000)
    chunks = Again(bank, [400])
    found = find_prices(AllocationProblem(chunks, bank.capacity), QUICK)
    assert chunks.passes == found.passes


def test_a_search_that_is_cut_short_says_so_and_its_bound_holds():
    bank = many(2_000)
    short = find_prices(bank.problem, PriceSearch(most_passes=4, threads=1))
    assert not short.converged
    assert short.bound >= find_prices(bank.problem, EXACT).bound > short.lowest


def test_money_in_millions_and_five_call_slots_weigh_alike():
    rng = np.random.default_rng(7)
    gain = rng.lognormal(3.0, 1.0, (2_000, 3))
    loan = rng.uniform(1e6, 5e7, (2_000, 3)) * np.array([1.0, 1.0, 0.0])
    chunk = CustomerChunk(gain, (loan, np.array([0.0, 1.0, 1.0])))
    capacity = np.array([3e9, 5.0])
    found = find_prices(AllocationProblem([chunk], capacity), EXACT)
    assert found.bound == pytest.approx(solve_whole(chunk, capacity / 1.0).value, rel=1e-6)


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_the_unit_of_money_does_not_matter(size: float):
    bank = many(500)
    other = CustomerChunk(bank.chunk.gain * size, bank.chunk.consumption)
    found = find_prices(AllocationProblem([other], bank.capacity), EXACT)
    assert found.bound == pytest.approx(find_prices(bank.problem, EXACT).bound * size, rel=1e-6)


def test_with_everything_forbidden_the_bound_is_nothing_and_so_are_prices():
    found = find_prices(AllocationProblem([CustomerChunk(np.full((3, 2), -np.inf), (np.ones(2),))], np.ones(1)), QUICK)
    assert (found.bound, found.prices.tolist()) == (0.0, [0.0])


@pytest.mark.parametrize(
    "chunks", [[], [CustomerChunk(np.empty((0, 2)), (np.ones(2),))], [CustomerChunk(np.empty((3, 0)), (np.ones(0),))]]
)
def test_without_customers_or_candidates_the_bound_is_nothing(chunks: list[CustomerChunk]):
    assert find_prices(AllocationProblem(chunks, np.ones(1)), QUICK).bound == 0.0


def test_where_nothing_is_consumed_nothing_has_a_price():
    found = find_prices(
        AllocationProblem([CustomerChunk(np.array([[2.0, 1.0]]), (np.zeros(2),))], np.array([0.0])), QUICK
    )
    assert (found.bound, found.prices.tolist()) == (2.0, [0.0])


def test_the_price_of_no_capacity_is_what_keeps_everybody_out():
    chunk = CustomerChunk(np.array([[6.0, 1.0], [4.0, 0.5]]), (np.array([2.0, 0.0]),))
    found = find_prices(AllocationProblem([chunk], np.array([0.0])), EXACT)
    assert found.bound == 1.5
    assert found.prices[0] == pytest.approx(3.0, rel=1e-12)


def test_equal_gains_have_the_price_of_the_last_one_served():
    found = find_prices(
        AllocationProblem([CustomerChunk(np.full((100, 1), 3.0), (np.ones(1),))], np.array([40.0])), EXACT
    )
    assert found.bound == pytest.approx(120.0, rel=1e-6)
    assert found.prices[0] == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("warm", [[1.0, 2.0], [-1.0], [np.nan], [np.inf]])
def test_warm_prices_that_do_not_fit_are_refused(warm: list[float]):
    with pytest.raises(DataError, match="invalid initial prices"):
        find_prices(AllocationProblem([], np.ones(1)), QUICK, np.array(warm))


@pytest.mark.parametrize(
    "wrong", [{"relative_tolerance": 0.0}, {"most_passes": 0}, {"sample_customers": 0}, {"threads": 0}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]):
    with pytest.raises(DataError):
        PriceSearch(**wrong)


def test_what_costs_more_than_any_number_is_not_wanted():
    chunk = CustomerChunk(np.array([[5.0, 1.0]]), (np.array([1e300, 0.0]), np.array([[1e-300, 0.0]])))
    found = find_prices(AllocationProblem([chunk], np.array([0.0, 0.0])), QUICK)
    assert found.bound >= 1.0
