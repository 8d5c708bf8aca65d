from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.arbitration.scores import best_candidate, priority_of
from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext, Decisions, decide
from decisioning.explaining.counterfactual import Counterfactual, counterfactuals
from decisioning.policies.compile import compile_policy
from decisioning.policies.compiled import BUILT_IN_RULES, CompiledPolicy
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Control, Factors, Policy
from domain.offer import OfferClass
from expressions.types import Array
from tests.decisioning.budgeted import PRICES, RULES, decided, policy_of
from tests.decisioning.build import (
    CARE,
    GOAL,
    LOAN,
    NOON,
    SAVINGS,
    VOCABULARY,
    catalogue_for,
    compiled,
    customers,
    likely,
)

POLICY = policy_of()


def told(decisions: Decisions):
    """Every counterfactual with its customer, and the candidate's position."""
    places = {(offer.name, t.channel): at for at, (offer, t) in enumerate(decisions.policy.candidates.pairs)}
    for customer in range(len(decisions)):
        for channel in decisions.channels:
            for found in counterfactuals(decisions, customer, channel):
                yield customer, places[found.offer, channel], found


def leads(keys: Array, decisions: Decisions, customer: int, place: int, *, least: float) -> bool:
    """The candidate is at least as good as what is allowed in its channel, up to rounding, and good enough."""
    channel = decisions.policy.candidates.pairs[place][1].channel
    mine = decisions.policy.candidates.by_channel[channel]
    others = [keys[other] for other in mine if other != place and decisions.allowed[customer, other]]
    bar = max([*others, least])
    return bool(keys[place] >= bar - 1e-9 * max(1.0, abs(bar)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0, -5.0]), st.sampled_from(["", "costs", "context", "prices"]))
def test_a_changed_number_brings_the_candidate_level_with_the_first(seed, minimum, left_out):
    factors = Factors(**{left_out: False}) if left_out else Factors()
    decisions = decided(policy_of(factors=factors, minimum=minimum), 8, seed)
    scores, policy = decisions.scores, decisions.policy
    for customer, place, found in told(decisions):
        rows = np.array([customer])
        changed = []
        if found.lever_factor is not None:
            lever = scores.lever.copy()
            lever[customer, place] *= found.lever_factor
            changed.append(replace(scores, lever=lever))
        if found.value is not None:
            value = scores.value.copy()
            value[customer, place] = found.value
            changed.append(replace(scores, value=value))
        if found.cost_reduction is not None:
            cost = scores.cost.copy()
            cost[customer, place] -= found.cost_reduction
            assert cost[customer, place] >= -1e-12
            changed.append(replace(scores, cost=cost))
        for other in changed:
            keys = priority_of(other, policy.policy.factors, rows)[0]
            assert leads(keys, decisions, customer, place, least=minimum), found


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_the_propensity_it_needs_makes_it_first_when_it_is_decided_again(seed):
    decisions = decided(POLICY, 6, seed)
    for customer, place, found in told(decisions):
        if found.propensity is None:
            continue
        assert 0.0 <= found.propensity <= 1.0
        scores = decisions.scores.propensity[[customer]].copy()
        scores[0, place] = min(found.propensity * (1.0 + 1e-9), 1.0)
        alone = decisions.features.take(np.array([customer]))
        again = decide(alone, scores, POLICY, DecisionContext(as_of=NOON, seed=seed, prices=PRICES))
        assert leads(again.scores.priority[0], again, 0, place, least=1.0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_the_price_it_needs_makes_it_first_when_it_is_decided_again(seed):
    decisions = decided(POLICY, 6, seed)
    for customer, place, found in told(decisions):
        alone = decisions.features.take(np.array([customer]))
        for name, price in found.prices.items():
            assert price >= 0.0
            again = decide(
                alone,
                decisions.scores.propensity[[customer]],
                POLICY,
                DecisionContext(as_of=NOON, seed=seed, prices={**PRICES, name: price}),
            )
            assert leads(again.scores.priority[0], again, 0, place, least=1.0), (found, price)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_where_no_price_is_told_none_of_many_makes_it_first(seed):
    decisions = decided(POLICY, 4, seed)
    silent = [
        (customer, place)
        for customer, place, found in told(decisions)
        if found.shortfall is not None and found.shortfall > 0.0 and "calls" not in found.prices
    ]
    for price in (0.0, 0.1, 1.0, 7.0, 300.0):
        context = DecisionContext(as_of=NOON, seed=seed, prices={**PRICES, "calls": price})
        again = decide(decisions.features, decisions.scores.propensity, POLICY, context)
        for customer, place in silent:
            first = foremost(again, customer, POLICY.candidates.pairs[place][1].channel)
            assert first != place


def foremost(decisions: Decisions, customer: int, channel: str) -> int:
    mine = decisions.policy.candidates.by_channel[channel]
    allowed = decisions.allowed[[customer]][:, mine]
    at = int(best_candidate(decisions.keys[[customer]][:, mine], np.zeros(len(mine), np.int8), allowed)[0])
    return -1 if at < 0 else int(mine[at])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(RULES))
def test_who_would_come_first_without_a_rule_does_when_it_is_taken_away(seed, rule):
    decisions = decided(POLICY, 12, seed)
    rest = policy_of(rules=tuple(other for other in RULES if other != rule))
    again = decide(
        decisions.features, decisions.scores.propensity, rest, DecisionContext(as_of=NOON, seed=seed, prices=PRICES)
    )
    for customer, place, found in told(decisions):
        if found.rules == (rule.name,):
            channel = POLICY.candidates.pairs[place][1].channel
            first = foremost(again, customer, channel)
            assert found.first_without_rule == POLICY.candidates.pairs[first][0].name
            assert found.would_win == (first == place)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_every_candidate_but_the_first_is_told_and_the_runner_up_first(seed):
    decisions = decided(POLICY, 5, seed)
    for customer in range(5):
        for channel in decisions.channels:
            found = counterfactuals(decisions, customer, channel)
            mine = POLICY.candidates.by_channel[channel]
            allowed = [place for place in mine if decisions.allowed[customer, place]]
            assert len(found) == len(mine) - bool(allowed)
            keys = decisions.keys[customer]
            in_order = sorted(allowed, key=lambda place: (-keys[place], place))
            names = [POLICY.candidates.pairs[place][0].name for place in in_order[1:]]
            assert [one.offer for one in found if not one.rules] == names
            assert all(one.sentence() for one in found)


def one(policy: CompiledPolicy, offer: str, channel: str = "app", scores=None, **columns) -> Counterfactual:
    decisions = decide(
        customers(policy, 1, **columns),
        likely(policy, 1) if scores is None else scores,
        policy,
        DecisionContext(as_of=NOON, seed=1),
    )
    return next(found for found in counterfactuals(decisions, 0, channel) if found.offer == offer)


def test_a_loss_has_no_lever_but_a_value_that_would_do():
    offers = (replace(LOAN, value="40", cost=0), replace(GOAL, value="-5", cost=1))
    found = one(compiled(Policy(minimum_priority=-100.0), offers), "savings_goal")
    assert found.lever_factor is None
    assert found.value == pytest.approx(41.0)
    assert found.propensity is None, "a loss that is likelier is a larger loss"
    assert found.cost_reduction is None, "even for nothing it is a loss"
    assert found.sentence() == "savings_goal is 9.2 short of loan_flex: it would come first with a value of 41"


def test_nothing_helps_a_candidate_that_nobody_takes():
    scores = likely(compiled(), 1, savings_goal=0.0)
    found = one(compiled(Policy(minimum_priority=-100.0)), "savings_goal", scores=scores)
    assert (found.lever_factor, found.value, found.cost_reduction) == (None, None, None)


def test_a_commercial_offer_stands_behind_one_that_must_be_told():
    offers = (replace(CARE, name="terms", offer_class=OfferClass.MANDATORY), LOAN)
    found = one(compiled(offers=offers), "loan_flex")
    assert found.sentence() == "no change of its numbers puts loan_flex first: terms is mandatory and comes before it"


def test_what_stands_at_nothing_because_its_numbers_are_unknown_says_so():
    kind = OfferClass.TRANSACTIONAL
    offers = (replace(CARE, name="help", offer_class=kind), replace(CARE, name="more", offer_class=kind))
    policy = compiled(offers=offers)
    found = one(policy, "more", scores=np.full((1, len(policy.candidates)), np.nan))
    assert found.obstacle == "they are unknown"


def test_in_a_control_arm_no_number_decides():
    policy = compiled(Policy(control=Control(random_offer_share=1.0)))
    decisions = decide(customers(policy, 1), likely(policy, 1), policy, DecisionContext(as_of=NOON, seed=1))
    assert decisions.arm[0] == Arm.RANDOM_OFFER
    assert all("arm random_offer" in found.sentence() for found in counterfactuals(decisions, 0, "app"))


def test_a_priority_too_low_is_told_with_what_would_be_enough():
    policy = compiled(Policy(minimum_priority=50.0), (replace(LOAN, value="40", cost=0),))
    found = one(policy, "loan_flex")
    assert (found.first, found.rules, found.would_win) == (None, ("minimum_priority",), True)
    assert found.value == pytest.approx(250.05)
    assert found.sentence().startswith(
        "loan_flex would come first without minimum_priority; loan_flex is 42.01 short of the priority it needs: it"
    )


def test_a_candidate_without_a_score_is_told_by_the_rule_alone():
    scores = likely(compiled(), 1, savings_goal=np.nan)
    assert one(compiled(), "savings_goal", scores=scores).sentence() == "savings_goal is rejected by scored alone"


def test_several_rules_are_listed_and_one_rule_that_is_not_enough_names_who_would_win():
    policy = policy_of()
    both = one(policy, "loan_flex", age=5.0, loan_held=1.0)
    assert both.sentence() == "loan_flex is rejected by adult and not_held"
    behind = one(policy, "savings_goal", age=5.0)
    assert behind.sentence() == ("without adult, which alone rejects savings_goal, burden would come first")
    assert not set(behind.rules) & set(BUILT_IN_RULES)


def test_what_a_budget_takes_is_in_the_way_of_a_likelier_acceptance():
    policy = Policy()
    little = (Budget(name="bonus", unit="EUR", amount=4.0, charged_on="acceptance", charge="offer_cost"),)
    offers = (replace(SAVINGS, value="60", cost=15), replace(LOAN, value="120", cost=10))
    ready, problems = compile_policy(policy, offers, VOCABULARY, catalogue_for(policy, offers), little)
    assert problems == []
    scores = np.full((1, len(ready.candidates)), 0.2)
    found = one(ready, "savings_plus", scores=scores)
    assert found.propensity is None, "0.49 x 15 would be more than what is left"
    assert found.value == pytest.approx(125.0)
