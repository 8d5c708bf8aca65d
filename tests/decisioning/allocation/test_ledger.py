import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.ledger import NEVER, Ledger


@settings(deadline=None)
@given(st.floats(1e-300, 1e300), st.lists(st.floats(0.0, 1.0), max_size=50))
def test_what_fits_in_units_fits_in_real_numbers(capacity: float, shares: list[float]):
    ledger = Ledger.of(np.array([capacity]))
    amounts = np.array(shares) * capacity
    fits = np.cumsum(ledger.units(0, amounts)) <= ledger.capacity[0]
    assert math.fsum(amounts[fits]) <= capacity


@settings(deadline=None)
@given(st.floats(1e-300, 1e300), st.floats(0.0, 1.0))
def test_units_are_hardly_more_than_the_amount(capacity: float, share: float):
    ledger = Ledger.of(np.array([capacity]))
    amount = share * capacity
    back = float(ledger.amounts(ledger.units(0, np.array([amount])))[0])
    assert amount <= back <= amount + capacity * 2.0**-43
    assert back <= capacity


@settings(deadline=None)
@given(st.integers(1, 10_000_000), st.integers(1, 1_000))
def test_whole_numbers_are_exact(capacity: int, each: int):
    ledger = Ledger.of(np.array([float(capacity)]))
    many = capacity // each
    if many:
        units = int(ledger.units(0, np.array([float(each)]))[0])
        assert many * units <= ledger.capacity[0] < (many + 1) * units


@pytest.mark.parametrize("amount", [5.1, np.inf, np.nan, -1.0, 1e300])
def test_what_is_too_much_or_no_amount_never_fits(amount: float):
    assert Ledger.of(np.array([5.0])).units(0, np.array([amount]))[0] == NEVER


@settings(deadline=None)
@given(st.floats(1e-300, 1e300))
def test_one_amount_of_the_whole_capacity_fits_and_nothing_beside_it(capacity: float):
    ledger = Ledger.of(np.array([capacity]))
    assert ledger.units(0, np.array([capacity]))[0] == ledger.capacity[0]
    assert ledger.units(0, np.array([5e-324]))[0] == 1


def test_without_capacity_only_nothing_fits():
    ledger = Ledger.of(np.zeros(1))
    assert ledger.units(0, np.array([0.0, 5e-324, 1.0])).tolist() == [0, NEVER, NEVER]
