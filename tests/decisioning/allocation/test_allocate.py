import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.allocate import allocate
from decisioning.allocation.oracle import evaluate
from decisioning.allocation.prices import Prices, PriceSearch, find_prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from domain.errors import DataError
from tests.decisioning.allocation.build import QUICK, Again, Few, cut, exactly_used, few, many, rows_of, value_of


def at(problem: AllocationProblem, prices: list[float]) -> Prices:
    dual = evaluate(problem, np.array(prices), threads=1)
    return Prices(dual.prices, dual.bound, dual.bound, 1, 0, converged=False)


@settings(deadline=None)
@given(few(), st.one_of(st.none(), st.lists(st.floats(0.0, 30.0), min_size=4, max_size=4)))
def test_no_capacity_is_ever_exceeded_whatever_the_prices(small: Few, prices: list[float] | None):
    problem = small.problem
    found = find_prices(problem, QUICK) if prices is None else at(problem, prices[: problem.resources])
    shared = allocate(problem, found, threads=1)
    for used, exact, capacity in zip(
        shared.resources, exactly_used(small.chunk, shared), small.capacity.tolist(), strict=True
    ):
        assert exact <= used.used <= capacity
    assert shared.value == pytest.approx(value_of(small.chunk, shared), rel=1e-12, abs=1e-12)
    assert shared.bound >= shared.value * (1 - 1e-12)


@settings(deadline=None)
@given(few())
def test_only_allowed_candidates_that_gain_something_are_chosen(small: Few):
    chosen = np.concatenate(allocate(small.problem, find_prices(small.problem, QUICK), threads=1).chosen)
    rows = np.flatnonzero(chosen >= 0)
    assert (small.chunk.gain[rows, chosen[rows]] > 0).all()
    assert len(chosen) == len(small.chunk)


@settings(deadline=None)
@given(few(), st.lists(st.integers(0, 4), max_size=5), st.sampled_from([1, 2]))
def test_chunks_do_not_change_who_gets_what(small: Few, sizes: list[int], threads: int):
    whole = allocate(small.problem, find_prices(small.problem, QUICK), threads=1)
    problem = AllocationProblem(cut(small.chunk, sizes), small.capacity)
    parts = allocate(problem, find_prices(problem, QUICK), threads=threads)
    assert np.array_equal(np.concatenate(parts.chosen), np.concatenate(whole.chosen))
    assert [len(part) for part in parts.chosen] == [len(chunk) for chunk in problem.chunks]
    assert parts.value == whole.value


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 50))
def test_the_order_of_customers_changes_the_value_only_within_the_gap(seed: int):
    bank = many(800)
    order = np.random.default_rng(seed).permutation(800)
    turned = AllocationProblem([rows_of(bank.chunk, order)], bank.capacity)
    one, other = (allocate(problem, find_prices(problem, QUICK)) for problem in (bank.problem, turned))
    assert abs(one.value - other.value) <= max(one.gap, other.gap) * one.bound * (1 + 1e-5)


def test_with_keys_equal_customers_are_told_apart_by_them_in_any_order():
    keys = np.random.default_rng(7).permutation(100).astype(np.uint64)
    bank = Few(CustomerChunk(np.full((100, 2), 3.0), (np.array([1.0, 2.0]),), keys), np.array([40.0]))
    order = np.random.default_rng(8).permutation(100)
    turned = AllocationProblem([rows_of(bank.chunk, order)], bank.capacity)
    one = allocate(bank.problem, find_prices(bank.problem, QUICK)).chosen[0]
    other = allocate(turned, find_prices(turned, QUICK)).chosen[0]
    assert (one[order] == other).all()
    assert (one >= 0).sum() == 40


@pytest.mark.parametrize("tight", [0.1, 1.0, 3.0])
def test_thousands_come_within_a_thousandth_of_the_bound(tight: float):
    bank = many(20_000, tight=tight)
    shared = allocate(bank.problem, find_prices(bank.problem, PriceSearch()))
    assert shared.gap < 1e-3
    assert all(
        exact <= capacity
        for exact, capacity in zip(exactly_used(bank.chunk, shared), bank.capacity.tolist(), strict=True)
    )


@pytest.mark.parametrize("prices", [[0.0, 0.0, 0.0, 0.0], [50.0, 50.0, 50.0, 50.0]])
def test_bad_prices_cost_value_but_leave_nothing_over_that_somebody_wants(prices: list[float]):
    bank = many(2_000)
    shared = allocate(bank.problem, at(bank.problem, prices))
    assert shared.value > 0.5 * find_prices(bank.problem, QUICK).bound
    mine, rows = shared.chosen[0], np.arange(2_000)
    has = mine >= 0
    better = bank.chunk.gain > np.where(has, bank.chunk.gain[rows, mine], 0.0)[:, None]
    for resource, use in enumerate(shared.resources):
        held = np.where(has, bank.chunk.taken(resource, rows, mine), 0.0)
        left = use.capacity - use.used + held[:, None]
        better &= np.broadcast_to(bank.chunk.consumption[resource], better.shape) <= left * (1 - 1e-9)
    assert not better.any()


def test_what_is_left_goes_to_those_who_gain_most_by_it_at_the_prices():
    chunk = CustomerChunk(np.array([[9.0], [5.0], [7.0]]), (np.ones(1),))
    problem = AllocationProblem([chunk], np.array([2.0]))
    assert allocate(problem, at(problem, [100.0])).chosen[0].tolist() == [0, -1, 0]


def test_who_loses_least_gives_way():
    chunk = CustomerChunk(np.array([[9.0, 8.5], [7.0, 1.0]]), (np.array([1.0, 0.0]),))
    problem = AllocationProblem([chunk], np.array([1.0]))
    assert allocate(problem, at(problem, [0.0])).chosen[0].tolist() == [1, 0]


def test_what_never_fits_is_not_chosen_although_prices_allow_a_part_of_it():
    chunk = CustomerChunk(np.array([[10.0, 1.0]]), (np.array([5.0, 1.0]),))
    problem = AllocationProblem([chunk], np.array([4.0]))
    shared = allocate(problem, find_prices(problem, QUICK))
    assert shared.chosen[0].tolist() == [1]
    assert shared.bound == pytest.approx(8.0, rel=1e-5)


def test_equals_share_what_there_is_among_all_candidates():
    chunk = CustomerChunk(np.full((10_000, 3), 2.0), tuple(np.eye(3)))
    problem = AllocationProblem([chunk], np.array([100.0, 200.0, 300.0]))
    shared = allocate(problem, find_prices(problem, QUICK))
    assert [use.used for use in shared.resources] == [100.0, 200.0, 300.0]
    assert shared.gap < 1e-6


def test_everybody_may_want_more_than_64_bits_of_units():
    chunk = CustomerChunk(np.full((600_000, 1), 2.0), (np.ones(1),))
    problem = AllocationProblem([chunk], np.array([1.0]))
    shared = allocate(problem, at(problem, [0.0]))
    assert [use.used for use in shared.resources] == [1.0]


def test_a_resource_of_which_there_is_nothing_is_not_used():
    chunk = CustomerChunk(np.array([[6.0, 1.0], [4.0, -1.0]]), (np.array([2.0, 0.0]),))
    problem = AllocationProblem([chunk], np.array([0.0]))
    shared = allocate(problem, find_prices(problem, QUICK))
    assert (shared.chosen[0].tolist(), shared.gap) == ([1, -1], 0.0)


@pytest.mark.parametrize(
    "chunks", [[], [CustomerChunk(np.empty((0, 2)), (np.ones(2),))], [CustomerChunk(np.empty((3, 0)), (np.ones(0),))]]
)
def test_nobody_gets_anything_without_customers_or_candidates(chunks: list[CustomerChunk]):
    problem = AllocationProblem(chunks, np.ones(1))
    shared = allocate(problem, find_prices(problem, QUICK))
    assert (shared.value, shared.gap) == (0.0, 0.0)
    assert [part.tolist() for part in shared.chosen] == [[-1] * len(chunk) for chunk in chunks]


def test_arrays_stay_what_they_were_and_chunks_are_read_anew_each_time():
    bank = many(3_000)
    kept = [bank.chunk.gain.copy(), *(one.copy() for one in bank.chunk.consumption)]
    chunks = Again(bank, [1_000, 1_500])
    shared = allocate(AllocationProblem(chunks, bank.capacity), at(bank.problem, [1.0, 2.0, 3.0, 0.0]))
    assert chunks.passes == shared.passes
    for before, after in zip(kept, [bank.chunk.gain, *bank.chunk.consumption], strict=True):
        assert np.array_equal(before, after)


def test_resources_are_described_in_words():
    chunk = CustomerChunk(np.array([[5.0], [3.0]]), (np.ones(1), np.zeros(1)))
    problem = AllocationProblem([chunk], np.array([1.0, 1_000.0]), ("call slots", "post"))
    shared = allocate(problem, at(problem, [3.2, 0.0]))
    assert [use.sentence for use in shared.resources] == [
        "call slots: 1 of 1 used; one more would bring 3.20",
        "post: 0 of 1,000 used; one more would bring nothing",
    ]


def test_prices_of_other_resources_are_refused():
    problem = AllocationProblem([], np.ones(2))
    with pytest.raises(DataError, match="the number of prices differs"):
        allocate(problem, Prices(np.ones(1), 0.0, 0.0, 1, 0, converged=True))
