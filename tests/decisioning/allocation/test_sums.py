import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.oracle import BLOCK, OrderedSums


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * BLOCK), max_size=6))
def test_sums_are_the_same_to_the_last_bit_however_they_are_cut(cuts: list[int]):
    numbers = np.random.default_rng(7).lognormal(0.0, 5.0, (2, 2 * BLOCK + 123))
    whole, parts = OrderedSums(2), OrderedSums(2)
    whole.add(numbers)
    for part in np.split(numbers, sorted(cuts), axis=1):
        parts.add(part)
    assert parts.total().tolist() == whole.total().tolist()
    assert whole.total()[1] == pytest.approx(math.fsum(numbers[1]), rel=1e-13)
