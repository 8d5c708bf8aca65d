from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.allocation.prices import PriceSearch
from decisioning.budgets.budget import Budget
from decisioning.budgets.period import batch_capacities, batch_capacity
from decisioning.engine import DecisionContext, decide
from decisioning.plan.contact_options import all_contact_options, first_contact_options
from decisioning.plan.sharing import batch_prices, plan_contacts
from decisioning.policies.compile import compile_policy
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Control, Exploration, Policy
from domain.offer import OfferClass
from tests.decisioning.build import CARE, NOON, OFFERS, VOCABULARY, catalogue_for, customers

CALLS = Budget(name="call_slots", unit="calls", amount=10, period="day", channels=("call_centre",))
BONUS = Budget(
    name="bonus", unit="EUR", amount=100, charged_on="acceptance", charge="offer_cost", products=("savings",)
)
OUTBOUND = {"email": 9, "call_centre": 10}
EXACT = PriceSearch(threads=1)


def compiled(*budgets, offers=OFFERS, **policy):
    declared = Policy(outbound=OUTBOUND, without_consent=dict.fromkeys(OUTBOUND, "a test"), **policy)
    ready, problems = compile_policy(declared, offers, VOCABULARY, catalogue_for(declared, offers), budgets)
    assert problems == []
    return ready


def decided(policy, n, seed=1, **given):
    scores = np.random.default_rng(seed).random((n, len(policy.candidates))) * 0.5
    return decide(customers(policy, n), scores, policy, DecisionContext(as_of=NOON, seed=seed, **given))


def planned(policy, n, capacities, seed=1):
    """As the night does it: prices from all that could be sent, decisions at these prices, then the plan."""
    prices = batch_prices([all_contact_options(decided(policy, n, seed))], capacities, EXACT, {})
    decisions = decided(policy, n, seed, prices=prices)
    contact_options = [first_contact_options(decisions)]
    return decisions, contact_options, prices, plan_contacts(contact_options, capacities, prices, EXACT)


@settings(max_examples=20)
@given(st.integers(0, 1_000), st.floats(0.0, 40.0), st.floats(0.0, 60.0))
def test_no_budget_is_overdrawn_and_nobody_is_contacted_twice(seed, slots, bonus):
    policy = compiled(CALLS, BONUS)
    capacities = {"call_slots": slots, "bonus": bonus}
    _, [contact_options], _, plan = planned(policy, 120, capacities, seed)
    rows = np.flatnonzero(plan.chosen[0] >= 0)
    made = plan.chosen[0][rows]
    assert (contact_options.candidates[rows, made] >= 0).all()
    for use, capacity in zip(contact_options.uses, capacities.values(), strict=True):
        assert use[rows, made].sum() <= capacity + 1e-9
    assert plan.value <= plan.bound + 1e-9


def test_what_is_scarce_goes_where_it_is_worth_most_and_has_a_price():
    policy = compiled(CALLS, exploration=Exploration(epsilon=0.0, floor=0.0))
    _, [contact_options], prices, plan = planned(policy, 400, {"call_slots": 20.0})
    calls = plan.chosen[0] == 1
    assert calls.sum() == 20
    assert prices["call_slots"] > 0
    gained = contact_options.gains[:, 1] - np.nan_to_num(contact_options.gains[:, 0])
    assert gained[calls].min() >= np.sort(np.nan_to_num(gained))[-25]
    assert plan.gap < 0.01


def test_without_a_budget_that_binds_everybody_gets_the_best_contact():
    policy = compiled(CALLS)
    for capacities in ({"call_slots": float("inf")}, {"call_slots": 1e6}):
        _, [contact_options], prices, plan = planned(policy, 60, capacities)
        np.testing.assert_array_equal(plan.chosen[0], np.nan_to_num(contact_options.gains, nan=-np.inf).argmax(axis=1))
        assert prices == {"call_slots": 0.0}


def test_what_must_be_sent_comes_first_and_uses_the_budget():
    must = replace(CARE, name="terms", offer_class=OfferClass.MANDATORY, treatments=(CARE.treatments[1],))
    mails = Budget(name="mails", unit="mails", amount=50, channels=("email",))
    policy = compiled(mails, offers=(*OFFERS, must))
    decisions, [contact_options], _, plan = planned(policy, 80, {"mails": 50.0})
    email = plan.chosen[0] == 0
    sent = {policy.candidates.pairs[place][0].name for place in contact_options.candidates[email, 0]}
    assert (email.sum(), sent, plan.refused) == (50, {"terms"}, 30)
    assert plan.resources[0].used == pytest.approx(50.0)
    assert len(decisions) == 80


def test_parts_of_the_bank_are_planned_as_the_whole():
    policy = compiled(CALLS, BONUS)
    decisions = decided(policy, 90)
    capacities = {"call_slots": 9.0, "bonus": 20.0}
    whole = plan_contacts([first_contact_options(decisions)], capacities, {"call_slots": 1.0, "bonus": 0.5}, EXACT)
    rng = np.random.default_rng(1)
    scores = rng.random((90, len(policy.candidates))) * 0.5
    table = customers(policy, 90)
    parts = [
        first_contact_options(
            decide(table.take(np.arange(a, b)), scores[a:b], policy, DecisionContext(as_of=NOON, seed=1))
        )
        for a, b in ((0, 30), (30, 31), (31, 90))
    ]
    split = plan_contacts(parts, capacities, {"call_slots": 1.0, "bonus": 0.5}, EXACT)
    np.testing.assert_array_equal(np.concatenate(split.chosen), whole.chosen[0])


def test_the_probability_of_a_contact_is_how_often_it_would_be_the_best_over_all_draws():
    policy = compiled(CALLS, exploration=Exploration(epsilon=0.6, top=3, floor=0.05))
    n = 8_000
    scores = np.repeat(np.random.default_rng(3).random((1, len(policy.candidates))), n, axis=0)
    decisions = decide(
        customers(policy, n), scores, policy, DecisionContext(as_of=NOON, seed=1, prices={"call_slots": 2.0})
    )
    contact_options = first_contact_options(decisions)
    priced = contact_options.gains - 2.0 * contact_options.uses[0]
    best = priced.argmax(axis=1)
    said: dict[int, float] = {}
    for row in range(n):
        said[int(contact_options.candidates[row, best[row]])] = contact_options.probabilities[row, best[row]]
    chosen = contact_options.candidates[np.arange(n), best]
    for candidate, probability in said.items():
        assert probability == pytest.approx((chosen == candidate).mean(), abs=5 * np.sqrt(0.25 / n))
    assert sum(said.values()) == pytest.approx(1.0)


def test_under_random_propensities_the_probability_of_a_contact_is_not_claimed():
    policy = compiled(CALLS, control=Control(random_propensity_share=1.0))
    decisions = decided(policy, 5)
    assert (decisions.arm == Arm.RANDOM_PROPENSITY).all()
    assert np.isnan(first_contact_options(decisions).probabilities).all()


def test_nobody_and_no_outbound_channel_are_planned_without_an_error():
    policy = compiled(CALLS)
    assert (
        plan_contacts(
            [first_contact_options(decided(policy, 0))], {"call_slots": 1.0}, {"call_slots": 0.0}, EXACT
        ).value
        == 0.0
    )
    assert plan_contacts([], {"call_slots": 1.0}, {"call_slots": 0.0}, EXACT).chosen == ()


@pytest.mark.parametrize(
    ("budget", "today", "expected"),
    [
        (replace(CALLS, period="day"), date(2026, 6, 3), 10.0),
        (replace(CALLS, period="week"), date(2026, 6, 5), 10.0 / 3),
        (replace(CALLS, period="month"), date(2026, 6, 21), 1.0),
        (replace(CALLS, period="campaign"), date(2026, 6, 21), 10.0),
        (replace(CALLS, period="campaign", valid_until=date(2026, 6, 25)), date(2026, 6, 21), 2.0),
        (replace(CALLS, period="month", valid_until=date(2026, 6, 22)), date(2026, 6, 21), 5.0),
        (replace(CALLS, valid_from=date(2026, 7, 1)), date(2026, 6, 21), float("inf")),
        (replace(CALLS, valid_until=date(2026, 6, 1)), date(2026, 6, 21), 0.0),
    ],
)
def test_a_budget_lasts_for_the_days_of_its_period(budget, today, expected):
    assert batch_capacity(budget, 10.0, today) == pytest.approx(expected)


def test_what_is_left_of_a_budget_that_is_not_named_is_its_whole_amount():
    assert batch_capacities((CALLS, BONUS), {"bonus": 30.0}, date(2026, 6, 30)) == {"call_slots": 10.0, "bonus": 30.0}
