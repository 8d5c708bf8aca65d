from dataclasses import replace
from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from sqlalchemy import func, select

from decisioning.budgets.budget import Budget
from domain.errors import StateError
from records.database import Database
from records.refund import refund
from records.schema import PLANNED, SPENDING
from serving.batch.charges import ContactUses, charge_batch, remaining_before_batch
from serving.service.budgets import remaining
from tests.records.build import empty_postgresql
from tests.serving.build import AS_OF, small_bank, small_decider

MIDNIGHT = AS_OF.replace(hour=0) - timedelta(hours=1)
"""In the bank's time zone."""
CALLS = Budget(name="calls", unit="calls", amount=10, period="month", channels=("email",))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}" if server is None else empty_postgresql(server))
    yield database
    database.close()


@pytest.fixture
def policy():
    return small_decider(replace(small_bank(), budgets=(CALLS,))).policy


RUNS = count()


def charge(database, policy, as_of, used, contacts=(), run=None):
    """Each time another run, unless it is named."""
    charge_batch(database, policy, as_of, run or f"run {next(RUNS)}", used, contacts)


def spent(database):
    with database.reading() as connection:
        return dict(connection.execute(select(SPENDING.c.period, SPENDING.c.spent)).tuples().all())


def test_what_a_night_plans_is_gone_for_the_day_and_for_the_next_night(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 3.0})
    assert remaining(database, policy, AS_OF) == {"calls": 7.0}
    assert remaining_before_batch(database, policy, MIDNIGHT + timedelta(days=1)) == {"calls": 7.0}


def test_a_night_planned_again_takes_the_place_of_its_earlier_plan(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 3.0})
    assert remaining_before_batch(database, policy, MIDNIGHT) == {"calls": 10.0}
    charge(database, policy, MIDNIGHT, {"calls": 9.5})
    charge(database, policy, MIDNIGHT, {"calls": 9.5})
    assert remaining(database, policy, AS_OF) == {"calls": 0.5}
    charge(database, policy, MIDNIGHT, {"calls": 1.0})
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}


def test_a_plan_that_counted_on_what_others_have_used_is_not_charged(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 8.0})
    with pytest.raises(StateError, match="repeat the batch run"):
        charge(database, policy, MIDNIGHT + timedelta(days=1), {"calls": 2.5})
    assert remaining(database, policy, AS_OF) == {"calls": 2.0}


def test_a_new_month_begins_with_a_full_budget(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 8.0})
    charge(database, policy, MIDNIGHT + timedelta(days=31), {"calls": 8.0})
    assert spent(database) == {"2026-03-01": 80_000, "2026-04-01": 80_000}


def uses(*ids, each=0.5):
    return [ContactUses(ids, [f"customer of {name}" for name in ids], {"calls": np.full(len(ids), each)})]


def given_back(database, *ids):
    with database.transaction() as connection:
        refund(connection, ids)


def test_contacts_that_are_not_made_give_back_their_part_of_the_charge_once(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 2.0}, uses("a", "b", "c", "d"))
    given_back(database, "a", "b")
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}
    given_back(database, "a", "b", "somebody else's")
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}
    # the night's own charge is less by as much: planned again it takes the place of the rest
    assert remaining_before_batch(database, policy, MIDNIGHT) == {"calls": 10.0}
    charge(database, policy, MIDNIGHT, {"calls": 1.0}, uses("e", "f"))
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}


def test_contacts_of_a_plan_that_was_replaced_give_nothing_back(database, policy):
    charge(database, policy, MIDNIGHT, {"calls": 2.0}, uses("a", "b", "c", "d"))
    charge(database, policy, MIDNIGHT, {"calls": 1.0}, uses("d", "e"))
    given_back(database, "a", "b", "c")
    assert remaining(database, policy, AS_OF) == {"calls": 9.0}
    given_back(database, "d")
    assert remaining(database, policy, AS_OF) == {"calls": 9.5}


def test_everything_given_back_is_never_more_than_was_charged(database, policy):
    ids = [f"d{number}" for number in range(7)]
    charge(database, policy, MIDNIGHT, {"calls": 1.0}, uses(*ids, each=1 / 7))
    given_back(database, *ids)
    assert 0.0 <= 10.0 - remaining(database, policy, AS_OF)["calls"] < 7 / 10_000


def test_what_can_be_given_back_is_forgotten_after_five_weeks(database, policy):
    for days in (0, 35, 36):
        charge(database, policy, MIDNIGHT + timedelta(days=days), {"calls": 0.1}, uses(f"d{days}", each=0.1))
        with database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(PLANNED)).scalar_one() == (2 if days else 1)


def test_a_months_nights_never_use_more_than_the_month_has(database, policy):
    for day in range(31 - MIDNIGHT.astimezone(policy.time_zone).day + 1):
        night = MIDNIGHT + timedelta(days=day)
        left = remaining_before_batch(database, policy, night)["calls"]
        charge(database, policy, night, {"calls": left / 3})
    assert remaining(database, policy, AS_OF)["calls"] >= 0.0
