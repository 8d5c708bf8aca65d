import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.monitoring.drift import drift
from domain.errors import DataError


@pytest.mark.parametrize("kind", ["normal", "ties", "missing"])
@pytest.mark.parametrize(("n", "m"), [(400, 250), (5_000, 2_000)])
def test_without_drift_one_in_a_hundred_exceeds_what_chance_explains(kind, n, m):
    generator, exceeded = np.random.default_rng(7), 0

    def sample(size):
        values = generator.normal(size=size)
        if kind == "ties":
            values = np.maximum(np.round(values), 0.0)
        if kind == "missing":
            values[generator.random(size) < 0.4] = np.nan
        return values

    for _ in range(400):
        exceeded += drift(sample(n), sample(m)).exceeds(0.0)
    assert exceeded <= 12


def test_two_nights_of_200_customers_may_differ_by_a_fifth_as_the_guide_says():
    generator = np.random.default_rng(1)
    found = drift(generator.normal(size=200), generator.normal(size=200))
    assert found.by_chance == pytest.approx(0.22, abs=0.005)


def test_few_rows_move_far_by_chance_and_raise_nothing():
    generator = np.random.default_rng(2)
    found = drift(generator.normal(size=60), generator.normal(size=40))
    assert found.by_chance > 0.25
    assert not found.exceeds(0.25)


@pytest.mark.parametrize("moved", ["mean", "missing", "a new value"])
def test_what_has_moved_is_found(moved):
    generator = np.random.default_rng(3)
    before, after = generator.normal(size=4_000), generator.normal(size=3_000)
    if moved == "mean":
        after += 0.7
    elif moved == "missing":
        after[::3] = np.nan
    else:
        before, after = np.zeros(4_000), np.where(np.arange(3_000) % 4, 0.0, 9.0)
    assert drift(before, after).exceeds(0.25)


@settings(max_examples=40)
@given(st.lists(st.floats(allow_infinity=True) | st.just(0.0), min_size=1, max_size=50), st.integers(2, 12))
def test_a_sample_has_not_drifted_from_itself(values, bins):
    found = drift(values, values, bins=bins)
    assert found.index == pytest.approx(0.0, abs=1e-12)
    assert not found.exceeds(0.0)


@pytest.mark.parametrize(("before", "bins"), [([], 10), ([[1.0]], 10), ([1.0], 1)])
def test_what_is_no_sample_is_refused(before, bins):
    with pytest.raises(DataError):
        drift(before, [1.0], bins=bins)
