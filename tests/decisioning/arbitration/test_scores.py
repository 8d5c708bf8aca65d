from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisioning.engine import DecisionContext, decide
from decisioning.policies.policy import Exploration, Policy, Weight
from tests.decisioning.build import LOAN, NOON, OFFERS, SAVINGS, column, compiled, customers, likely

NO_EXPLORATION = Exploration(epsilon=0.0, floor=0.0)


def decided(policy, n=1, scores=None, **columns):
    scores = likely(policy, n) if scores is None else scores
    return decide(customers(policy, n, **columns), scores, policy, DecisionContext(as_of=NOON, seed=1))


def failed_name(decisions, place):
    return decisions.policy.rules[int(decisions.first_failed[0, place])].name


def test_priority_is_the_expected_margin():
    policy = compiled(
        Policy(context=(Weight(name="c", factor=1.5, when="age > 30"),), levers=(Weight(name="l", factor=2.0),))
    )
    decisions = decided(policy)
    place = column(policy, "savings_plus", "call_centre")
    assert decisions.scores.cost[0, place] == pytest.approx(0.2 * 15 + 6.0)
    assert decisions.scores.priority[0, place] == pytest.approx(0.2 * 50 * 1.5 * 2.0 - 0.2 * 15 - 6.0)


def test_a_weight_whose_condition_is_null_does_not_count():
    policy = compiled(Policy(context=(Weight(name="c", factor=1.5, when="age > 30"),)))
    assert (decided(policy, age=float("nan")).scores.context == 1.0).all()


@pytest.mark.parametrize("propensity", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_probability_is_never_offered(propensity):
    policy = compiled()
    decisions = decided(policy, scores=likely(policy, 1, loan_flex=propensity))
    place = column(policy, "loan_flex", "app")
    assert not decisions.allowed[0, place]
    assert failed_name(decisions, place) == "scored"
    assert decisions.ranking.rank[0, place] == 0


@pytest.mark.parametrize("inflow", [float("nan"), 0.0])
def test_an_offer_of_unknown_value_is_never_made(inflow):
    policy = compiled(offers=(replace(SAVINGS, value="100 / inflow"),))
    decisions = decided(policy, inflow=inflow)
    assert not decisions.allowed.any()
    assert failed_name(decisions, 0) == "value_known"


def test_an_offer_worse_than_none_is_not_made():
    policy = compiled(Policy(minimum_priority=100.0))
    decisions = decided(policy)
    assert failed_name(decisions, 0) == "minimum_priority"
    assert not decisions.ranking.rank.any()


def test_offers_of_equal_priority_stand_as_in_the_catalogue():
    twins = tuple(replace(SAVINGS, name=name) for name in ("b", "a", "c"))
    policy = compiled(Policy(exploration=NO_EXPLORATION), twins)
    decisions = decided(policy)
    assert [decisions.ranking.rank[0, column(policy, name, "app")] for name in ("b", "a", "c")] == [1, 2, 3]
    assert decisions.best[0] == 0


def test_no_more_offers_are_ranked_than_a_channel_may_show():
    policy = compiled(Policy(offers_per_channel=2))
    ranks = decided(policy).ranking.rank[0]
    app = policy.candidates.by_channel["app"]
    assert sorted(ranks[app]) == [0, 0, 1, 2]


def test_the_best_candidate_is_that_of_highest_priority_in_the_channels_asked_for():
    policy = compiled()
    table, scores = customers(policy, 1), likely(policy, 1)
    everywhere = decide(table, scores, policy, DecisionContext(as_of=NOON, seed=1))
    called = decide(table, scores, policy, DecisionContext(as_of=NOON, seed=1, channels=["call_centre"]))
    assert everywhere.best[0] == np.nanargmax(everywhere.scores.priority[0])
    assert policy.candidates.pairs[int(called.best[0])][1].channel == "call_centre"


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0), st.floats(-100.0, 300.0), st.floats(0.0, 1.0))
def test_a_higher_lever_never_lowers_its_offers_rank(one, other, value, propensity):
    low, high = sorted((one, other))
    offers = (replace(LOAN, value=f"{value:.3f}"), SAVINGS, OFFERS[1])

    def rank(factor):
        lever = Weight(name="push", factor=factor, offers=("loan_flex",))
        policy = compiled(
            Policy(levers=(lever,), exploration=NO_EXPLORATION, minimum_priority=-1e6, offers_per_channel=10), offers
        )
        decisions = decided(policy, scores=likely(policy, 1, loan_flex=propensity))
        return int(decisions.ranking.rank[0, column(policy, "loan_flex", "app")])

    assert rank(high) <= rank(low)
