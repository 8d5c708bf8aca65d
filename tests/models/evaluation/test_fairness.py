import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_ratio
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.fairness import group_selections


def test_rates_and_ratios_are_those_of_every_customer_in_a_row() -> None:
    customers, selected = [400, 700, 900], [100, 250, 300]
    found = group_selections(["a", "b", "c"], customers, selected)
    group = np.repeat(["a", "b", "c"], customers)
    picked = np.concatenate([np.arange(n) < k for n, k in zip(customers, selected, strict=True)]).astype(int)
    smallest = min(one.ratio for one in found if one.ratio is not None)
    assert smallest == pytest.approx(demographic_parity_ratio(picked, picked, sensitive_features=group))
    assert [one.rate for one in found] == pytest.approx([k / n for n, k in zip(customers, selected, strict=True)])
    assert {one.reference for one in found} == {"b"}


def test_the_interval_of_a_ratio_is_katzs() -> None:
    # 30 of 100 beside 50 of 100: ratio 0.6, standard error of its logarithm sqrt(0.7 / 30 + 0.5 / 50)
    _, low = group_selections(["high", "low"], [100, 100], [50, 30])
    factor = np.exp(1.959964 * np.sqrt(0.7 / 30 + 0.5 / 50))
    assert (low.ratio_low, low.ratio_high) == pytest.approx((0.6 / factor, 0.6 * factor))
    assert (low.below_four_fifths, low.surely) == (True, False)


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    generator, inside, others = np.random.default_rng(7), 0, 20
    names, customers = ["high", *map(str, range(others))], [2_000] + [500] * others
    for _ in range(200):
        selected = [int(generator.binomial(2_000, 0.4)), *generator.binomial(500, 0.3, size=others).tolist()]
        for mine in group_selections(names, customers, selected)[1:]:
            assert mine.reference == "high"
            assert mine.ratio_low is not None
            assert mine.ratio_high is not None
            inside += mine.ratio_low <= 0.75 <= mine.ratio_high
    assert 0.935 <= inside / (200 * others) <= 0.965


def test_a_small_group_is_neither_flagged_nor_compared_with() -> None:
    large, other, tiny, silent = group_selections(["l", "o", "t", "s"], [5000, 4900, 50, 50], [1000, 500, 50, 0])
    assert {one.reference for one in (large, other, tiny, silent)} == {"l"}
    assert (other.below_four_fifths, other.surely) == (True, True)
    assert (silent.ratio, silent.below_four_fifths) == (0.0, False)
    assert tiny.ratio == pytest.approx(5.0)


def test_a_group_of_whom_nobody_is_selected_has_an_upper_bound() -> None:
    _, few = group_selections(["high", "few"], [1000, 30], [300, 0])
    _, many = group_selections(["high", "many"], [1000, 1000], [300, 0])
    assert (few.ratio, few.ratio_low, many.ratio, many.ratio_low) == (0.0, 0.0, 0.0, 0.0)
    assert few.ratio_high is not None
    assert many.ratio_high is not None
    assert few.ratio_high > 0.8 > many.ratio_high
    assert (few.below_four_fifths, few.surely, many.surely) == (True, False, True)


def test_where_nobody_is_selected_there_is_no_ratio() -> None:
    found = group_selections(["a", "b"], [10, 20], [0, 0])
    assert [(one.ratio, one.below_four_fifths) for one in found] == [(None, False)] * 2


def test_groups_without_customers_are_left_out() -> None:
    assert group_selections(["a"], [0], [0]) == ()
    assert [one.group for one in group_selections(["a", "b"], [0, 5], [0, 1])] == ["b"]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 1)), min_size=1, max_size=6))
def test_bounds_lie_around_what_they_bound(groups: list[tuple[int, float]]) -> None:
    customers = [count for count, _ in groups]
    selected = [int(count * share) for count, share in groups]
    for one in group_selections([str(place) for place in range(len(groups))], customers, selected):
        assert one.rate_low - 1e-12 <= one.rate <= one.rate_high + 1e-12
        assert one.rate == pytest.approx(one.selected / one.customers)
        if one.ratio_low is not None:
            assert one.ratio is not None
            assert one.ratio_high is not None
            assert one.ratio_low - 1e-12 <= one.ratio <= one.ratio_high + 1e-12
        assert one.below_four_fifths or not one.surely
