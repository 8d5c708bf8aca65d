import numpy as np
import pytest

from decisioning.allocation.oracle import over_chunks
from decisioning.allocation.problem import CustomerChunk
from domain.errors import DataError


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_chunks_with_their_places(threads: int):
    chunks = [CustomerChunk(np.zeros((size, 1)), ()) for size in (3, 0, 4, 2, 1, 5)]
    found = over_chunks(lambda chunk, start: (start, len(chunk)), chunks, threads)
    assert list(found) == [(0, 3), (3, 0), (3, 4), (7, 2), (9, 1), (10, 5)]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_goes_wrong_in_a_chunk_goes_wrong_for_the_caller(threads: int):
    def fail(chunk: CustomerChunk, start: int) -> None:
        raise DataError("no")

    with pytest.raises(DataError):
        list(over_chunks(fail, [CustomerChunk(np.zeros((1, 1)), ())], threads))


def test_few_chunks_are_held_at_a_time():
    fetched, given = [], []

    def chunks():
        for number in range(20):
            fetched.append(number)
            yield CustomerChunk(np.zeros((1, 1)), ())

    for number, _ in enumerate(over_chunks(lambda chunk, start: start, chunks(), 2)):
        given.append(len(fetched) - number)
    assert max(given) <= 3
