import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.problem import AllocationProblem, CustomerChunk
from decisioning.allocation.survey import survey
from tests.decisioning.allocation.build import cut, many


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_the_sample_does_not_depend_on_chunks(sizes: list[int]):
    bank = many(1_500)
    whole = survey(bank.problem, 200).sample
    parts = survey(AllocationProblem(cut(bank.chunk, sizes), bank.capacity), 200).sample
    assert whole is not None
    assert parts is not None
    assert np.array_equal(whole.gain, parts.gain)
    assert 50 <= len(whole) <= 200
    for one, other in zip(whole.consumption, parts.consumption, strict=True):
        assert np.array_equal(one, other)


def test_few_customers_are_all_in_the_sample():
    bank = many(100)
    found = survey(bank.problem, 100)
    assert found.customers == 100
    assert found.sample is not None
    assert np.array_equal(found.sample.gain, bank.chunk.gain)


def test_chunks_may_differ_in_what_their_candidates_consume():
    chunks = [
        CustomerChunk(np.ones((2, 2)), (np.array([1.0, 2.0]),)),
        CustomerChunk(np.ones((1, 2)), (np.array([3.0, 4.0]),)),
    ]
    found = survey(AllocationProblem(chunks, np.ones(1)), 10).sample
    assert found is not None
    assert found.consumption[0].tolist() == [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]
