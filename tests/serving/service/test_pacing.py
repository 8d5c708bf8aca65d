from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.budgets.budget import Budget
from decisioning.budgets.period import share_of_period_gone
from serving.service.budgets import PacedPrices
from tests.serving.build import small_bank, small_decider

BONUS = Budget(name="bonus", unit="EUR", amount=3_000, period="month")
POLICY = small_decider(replace(small_bank(), budgets=(BONUS,))).policy
NOON = datetime(2026, 6, 10, 12, tzinfo=POLICY.time_zone)
ON_COURSE = 2_000.0
"""Left of thirty days' 3,000 when the tenth has been planned."""


def price(left, night=5.0, at=NOON):
    return PacedPrices(POLICY, {"bonus": night}).now({"bonus": left}, at)["bonus"]


def test_after_the_nights_plan_the_price_is_the_nights():
    assert price(ON_COURSE) == pytest.approx(5.0)
    assert price(ON_COURSE, at=NOON.replace(hour=0)) == pytest.approx(5.0)


def test_what_is_used_beyond_the_days_course_raises_the_price_gently():
    # a hundredth of the rest more than planned makes it four hundredths dearer
    assert price(ON_COURSE - 20.0) == pytest.approx(5.0 * 1.04)
    assert price(0.0) == pytest.approx(5.0 * 5.0)


def test_a_quiet_day_makes_nothing_cheaper():
    assert price(3_000.0) == 5.0


def test_the_next_days_plan_brings_the_price_back():
    assert price(1_900.0, at=NOON + timedelta(days=1)) == pytest.approx(5.0)


def test_what_was_not_scarce_at_night_stays_free():
    assert price(10.0, night=0.0) == 0.0


@given(st.floats(0.0, 3_000.0), st.floats(0.0, 3_000.0))
def test_the_less_is_left_the_higher_the_price(one, other):
    less, more = sorted((one, other))
    assert price(less) >= price(more) >= 5.0


@pytest.mark.parametrize(
    ("budget", "share"),
    [
        (replace(BONUS, period="day"), 1.0),
        (replace(BONUS, period="week"), 3 / 7),
        (BONUS, 10 / 30),
        (replace(BONUS, period="campaign"), 1.0),
        (replace(BONUS, period="campaign", valid_from=date(2026, 6, 1), valid_until=date(2026, 6, 20)), 0.5),
        (replace(BONUS, period="campaign", valid_from=date(2026, 7, 1), valid_until=date(2026, 7, 20)), 0.0),
    ],
)
def test_the_course_of_a_budget_is_that_of_its_period(budget, share):
    assert share_of_period_gone(budget, NOON) == pytest.approx(share)
