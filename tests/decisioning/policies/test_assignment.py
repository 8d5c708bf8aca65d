"""Assignment: by customer or household, drawn again by generation, moved only at the edge of a changed share."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.engine import DecisionContext, decide
from decisioning.policies.assignment import WASH_OUT, arms_of, counted_since, generation_start, units_of
from decisioning.policies.compile import compile_policy
from decisioning.policies.draws import Arm, hashes_of
from decisioning.policies.policy import Control, Policy
from events.vocabulary import Property
from tests.decisioning.build import CARE, NOON, OFFERS, VOCABULARY, catalogue_for, customers, ids, likely

DAY = date(2026, 3, 2)
CONTROL = Control(holdout_share=0.05, random_offer_share=0.05, no_levers_share=0.05)
UNITS = hashes_of(ids(40_000))


def problems_of(policy, offers=OFFERS):
    return compile_policy(policy, offers, VOCABULARY, catalogue_for(policy, offers))[1]


def test_the_holdout_is_drawn_again_every_year_and_the_arms_every_quarter():
    days = [date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2026, 12, 31), date(2027, 1, 1)]
    drawn = [arms_of(UNITS, CONTROL, day) for day in days]
    held = [arms == Arm.HOLDOUT for arms in drawn]
    assert all((held[0] == other).all() for other in held[1:4])
    assert (held[0] & held[4]).mean() == pytest.approx(0.05**2, abs=0.001)
    random = [arms == Arm.RANDOM_OFFER for arms in drawn]
    assert (random[0] == random[1]).all()
    assert (random[0] & random[2]).mean() == pytest.approx(0.05**2, abs=0.001)


def test_what_is_never_drawn_again_stays():
    control = replace(CONTROL, holdout_months=0, arms_months=0)
    assert (arms_of(UNITS, control, date(2020, 5, 5)) == arms_of(UNITS, control, date(2031, 1, 1))).all()


@given(st.sampled_from(["holdout_share", "random_offer_share", "no_levers_share"]), st.floats(0.0, 0.2))
def test_a_changed_share_moves_only_those_at_its_edge(name, share):
    before, after = arms_of(UNITS, CONTROL, DAY), arms_of(UNITS, replace(CONTROL, **{name: share}), DAY)
    changed = before != after
    moved = abs(share - getattr(CONTROL, name))
    assert changed.mean() <= 1.15 * moved + 0.003
    arm = Arm[name.removesuffix("_share").upper()]
    if share >= getattr(CONTROL, name):
        assert (after[before == arm] == arm).all()
    else:
        assert (before[after == arm] == arm).all()


def test_outcomes_count_after_four_weeks_of_a_generation():
    assert counted_since(date(2026, 8, 1), 3) == date(2026, 7, 29)
    assert counted_since(date(2026, 8, 1), 12) == date(2026, 1, 29)
    assert counted_since(date(2026, 8, 1), 0) == date.min
    assert timedelta(weeks=4) == WASH_OUT


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_a_generation_begins_on_or_before_its_day_and_is_the_same_for_all_its_days(day, months):
    start = generation_start(day, months)
    assert start <= day
    assert start.day == 1
    assert generation_start(start, months) == start
    if start > date(2000, 1, 1):
        assert generation_start(start - timedelta(days=1), months) < start


def test_both_partners_of_a_household_or_neither_are_held_out():
    household = np.repeat(np.arange(20_000.0), 2)
    arms = arms_of(units_of(UNITS, household), CONTROL, DAY).reshape(-1, 2)
    assert (arms[:, 0] == arms[:, 1]).all()
    assert (arms == Arm.HOLDOUT).mean() == pytest.approx(0.05, abs=0.005)
    alone = arms_of(units_of(UNITS, np.full(len(UNITS), np.nan)), CONTROL, DAY)
    assert (alone == arms_of(UNITS, CONTROL, DAY)).all()


def test_decisions_keep_households_together():
    vocabulary = replace(VOCABULARY, attributes={"inflow": Property(type="number")})
    control = Control(household="inflow", holdout_share=0.5)
    declared = Policy(control=control)
    policy, problems = compile_policy(declared, OFFERS, vocabulary, catalogue_for(declared))
    assert not problems
    assert "inflow" in policy.features
    table = customers(policy, 400, inflow=np.repeat(np.arange(200.0), 2))
    decisions = decide(table, likely(policy, 400), policy, DecisionContext(as_of=NOON, seed=1))
    pairs = decisions.arm.reshape(-1, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all()
    assert 0.35 < (pairs == Arm.HOLDOUT).mean() < 0.65


@pytest.mark.parametrize(
    ("control", "path", "expected"),
    [
        (Control(household="house"), ("control", "household"), "unknown attribute"),
        (Control(holdout_months=-1), ("control", "holdout_months"), "out of range"),
        (Control(arms_months=100), ("control", "arms_months"), "out of range"),
        (Control(withheld={"follow_op": "why"}), ("control", "withheld", "follow_op"), "unknown offer"),
        (Control(withheld={"follow_up": " "}), ("control", "withheld", "follow_up"), "no reason"),
    ],
)
def test_unusable_controls_are_refused(control, path, expected):
    [problem] = problems_of(Policy(control=control))
    assert problem.path == path
    assert expected in problem.what


def test_relief_that_the_holdout_would_miss_is_refused_unless_a_line_says_why():
    relief = replace(CARE, name="deferral", tags=("deferral",))
    policy = Policy(control=Control(holdout_share=0.1))
    [problem] = problems_of(policy, (*OFFERS, relief))
    assert "without relief" in problem.what
    assert not problems_of(policy, (*OFFERS, replace(relief, tags=("deferral", "service"))))
    said = replace(policy, control=Control(holdout_share=0.1, withheld={"deferral": "A trial of the regulator"}))
    assert not problems_of(said, (*OFFERS, relief))
    assert not problems_of(Policy(), (*OFFERS, relief))
