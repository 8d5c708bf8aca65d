import numpy as np
import pytest

from decisioning.allocation.prices import find_prices
from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from domain.errors import DataError
from tests.decisioning.allocation.build import QUICK

GAIN = np.array([[3.0, 1.0]])


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        ([-1.0], "capacity 0 is invalid: got -1.0"),
        ([1.0, np.nan], "capacity 1 is invalid: got nan"),
        ([np.inf], "leave out a resource without a limit"),
        ([], "there is nothing to allocate"),
        ([[1.0]], "there is nothing to allocate"),
    ],
)
def test_capacities_that_are_no_amounts_are_refused(capacity: list[float], said: str):
    with pytest.raises(DataError, match=said):
        AllocationProblem([], np.array(capacity))


def test_every_resource_needs_a_name():
    with pytest.raises(DataError, match="number of names differs"):
        AllocationProblem([], np.ones(2), ("calls",))


def test_chunks_that_are_used_up_by_one_pass_are_refused():
    with pytest.raises(DataError, match="iterable more than once"):
        AllocationProblem(iter([CustomerChunk(GAIN, (np.ones(2),))]), np.ones(1))


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (CustomerChunk(np.array([3.0, 1.0]), (np.ones(2),)), "gains have the wrong shape or type"),
        (CustomerChunk(GAIN.astype(np.float32), (np.ones(2),)), r"wrong shape or type: got shape \(1, 2\) of float32"),
        (CustomerChunk(GAIN, ()), "got 0 arrays, expected 1"),
        (CustomerChunk(GAIN, (np.ones(3),)), r"consumption of resource 0 has the wrong shape: got shape \(3,\)"),
        (CustomerChunk(GAIN, (np.ones((2, 2)),)), "wrong shape"),
        (CustomerChunk(GAIN, (np.array([1.0, -0.5]),)), "is invalid: got -0.5"),
        (CustomerChunk(GAIN, (np.array([1.0, np.nan]),)), "is invalid: got nan"),
        (CustomerChunk(GAIN, (np.array([[1.0, np.inf]]),)), "is invalid: got inf"),
        (CustomerChunk(np.array([[np.inf, 1.0]]), (np.ones(2),)), "a gain is infinite"),
        (CustomerChunk(GAIN, (np.ones(2),), np.zeros(3, dtype=np.uint64)), "number of keys differs"),
    ],
)
def test_chunks_that_do_not_fit_are_refused(chunk: CustomerChunk, said: str):
    with pytest.raises(DataError, match=said):
        find_prices(AllocationProblem([chunk], np.ones(1)), QUICK)


def test_chunks_have_the_same_candidates():
    chunks = [CustomerChunk(GAIN, (np.ones(2),)), CustomerChunk(np.ones((1, 3)), (np.ones(3),))]
    with pytest.raises(DataError, match=r"expected shape \(n, 2\) of float64"):
        find_prices(AllocationProblem(chunks, np.ones(1)), QUICK)


def test_nothing_need_be_known_of_what_a_forbidden_candidate_consumes():
    chunk = CustomerChunk(np.array([[3.0, np.nan], [-np.inf, 1.0]]), (np.array([[1.0, np.nan], [-1.0, 1.0]]),))
    assert find_prices(AllocationProblem([chunk], np.array([2.0])), QUICK).bound == pytest.approx(4.0)
