from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from decisioning.policies.budgets import Budget
from domain.errors import StateError
from serving.database import Database
from serving.journal.tables import SPENDING
from serving.live.budgets import remaining
from serving.night_charges import charge_night, left_before_night
from tests.serving.build import AS_OF, small_bank, small_decider

MIDNIGHT = AS_OF.replace(hour=0) - timedelta(hours=1)
"""In the bank's time zone."""
CALLS = Budget(name="calls", unit="calls", amount=10, period="month", channels=("email",))


@pytest.fixture
def database(tmp_path):
    return Database(f"sqlite:///{tmp_path / 'decisions.db'}")


@pytest.fixture
def policy():
    return small_decider(replace(small_bank(), budgets=(CALLS,))).policy


def spent(database):
    with database.reading() as connection:
        return dict(connection.execute(select(SPENDING.c.period, SPENDING.c.spent)).tuples().all())


def test_what_a_night_plans_is_gone_for_the_day_and_for_the_next_night(database, policy):
    charge_night(database, policy, MIDNIGHT, {"calls": 3.0})
    assert remaining(database, policy, AS_OF) == {"calls": 7.0}
    assert left_before_night(database, policy, MIDNIGHT + timedelta(days=1)) == {"calls": 7.0}


def test_a_night_planned_again_takes_the_place_of_its_earlier_plan(database, policy):
    charge_night(database, policy, MIDNIGHT, {"calls": 3.0})
    assert left_before_night(database, policy, MIDNIGHT) == {"calls": 10.0}
    charge_night(database, policy, MIDNIGHT, {"calls": 9.5})
    charge_night(database, policy, MIDNIGHT, {"calls": 9.5})
    assert remaining(database, policy, AS_OF) == {"calls": 0.5}
    charge_night(database, policy, MIDNIGHT, {"calls": 1.0})
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}


def test_a_plan_that_counted_on_what_others_have_used_is_not_charged(database, policy):
    charge_night(database, policy, MIDNIGHT, {"calls": 8.0})
    with pytest.raises(StateError, match="decide for everybody again"):
        charge_night(database, policy, MIDNIGHT + timedelta(days=1), {"calls": 2.5})
    assert remaining(database, policy, AS_OF) == {"calls": 2.0}


def test_a_new_month_begins_with_a_full_budget(database, policy):
    charge_night(database, policy, MIDNIGHT, {"calls": 8.0})
    charge_night(database, policy, MIDNIGHT + timedelta(days=31), {"calls": 8.0})
    assert spent(database) == {"2026-03-01": 80_000, "2026-04-01": 80_000}


def test_a_months_nights_never_use_more_than_the_month_has(database, policy):
    for day in range(31 - MIDNIGHT.astimezone(policy.time_zone).day + 1):
        night = MIDNIGHT + timedelta(days=day)
        left = left_before_night(database, policy, night)["calls"]
        charge_night(database, policy, night, {"calls": left / 3})
    assert remaining(database, policy, AS_OF)["calls"] >= 0.0
