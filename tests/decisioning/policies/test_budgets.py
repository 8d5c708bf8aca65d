from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.policy import Policy
from domain.errors import DataError
from tests.decisioning.build import NOON, OFFERS, VOCABULARY, catalogue_for, column, customers, decision_record, likely

CALLS = Budget(name="call_slots", unit="calls", amount=10, period="day", channels=("call_centre",))
BONUS = Budget(
    name="bonus", unit="EUR", amount=100, charged_on="acceptance", charge="offer_cost", products=("savings",)
)


def compiled(*budgets):
    policy, problems = compile_policy(Policy(), OFFERS, VOCABULARY, catalogue_for(Policy()), budgets)
    assert problems == []
    return policy


def problems_of(*budgets):
    _, problems = compile_policy(Policy(), OFFERS, VOCABULARY, catalogue_for(Policy()), budgets)
    return [(problem.file, problem.path, problem.sentence()) for problem in problems]


def decided(policy, n=1, **given):
    return decide(customers(policy, n), likely(policy, n), policy, DecisionContext(as_of=NOON, seed=1, **given))


def failed_rule(decisions, offer, channel):
    rule = int(decisions.first_failed[0, column(decisions.policy, offer, channel)])
    return None if rule < 0 else decisions.policy.rules[rule].name


def test_a_contact_uses_its_charge_and_an_acceptance_its_expected_part():
    uses = decided(compiled(CALLS, BONUS)).scores.uses
    assert uses[0].tolist() == [[1.0, 1.0, 1.0]]
    assert uses[1][0].tolist() == pytest.approx([3.0, 3.0, 3.0, 0.0, 0.0, 0.0])


def test_what_is_used_up_is_not_offered_and_the_reason_says_what_is_left():
    decisions = decided(compiled(CALLS), remaining={"call_slots": 0.5})
    assert failed_rule(decisions, "loan_flex", "call_centre") == "call_slots"
    assert failed_rule(decisions, "loan_flex", "app") is None
    [loan] = [one for one in decision_record(decisions, 0, "call_centre").candidates if one.offer == "loan_flex"]
    [verdict] = [verdict for verdict in loan.verdicts if verdict.rule == "call_slots"]
    assert (verdict.kind, verdict.reason) == ("budget", "0.5 calls left of call_slots, needs 1")


def test_a_budget_that_is_not_named_is_whole():
    assert failed_rule(decided(compiled(CALLS)), "loan_flex", "call_centre") is None
    assert failed_rule(decided(compiled(replace(CALLS, amount=0))), "loan_flex", "call_centre") == "call_slots"


def test_a_price_lowers_the_priority_by_what_is_used():
    policy = compiled(CALLS)
    free, priced = decided(policy), decided(policy, prices={"call_slots": 3.2})
    difference = free.scores.priority - priced.scores.priority
    assert difference[0, column(policy, "loan_flex", "call_centre")] == pytest.approx(3.2)
    assert difference[0, column(policy, "loan_flex", "app")] == 0.0


def test_a_price_may_make_another_channel_the_best():
    policy = compiled(Budget(name="reach", unit="contacts", amount=10, channels=("app",)))
    first, then = decided(policy), decided(policy, prices={"reach": 50.0})
    assert policy.candidates.pairs[int(first.best[0])][1].channel == "app"
    assert policy.candidates.pairs[int(then.best[0])][1].channel == "email"


@pytest.mark.parametrize("charge", ["-1", "inflow / (age - 40)", "LN(age - 40)"])
def test_a_charge_that_is_negative_or_unknown_leaves_nothing_for_anybody(charge):
    decisions = decided(compiled(replace(CALLS, charge=charge)))
    assert failed_rule(decisions, "loan_flex", "call_centre") == "call_slots"


def test_a_budget_binds_from_its_first_day_and_is_empty_after_its_last():
    early = compiled(replace(CALLS, amount=0, valid_from=date(2026, 3, 3)))
    late = compiled(replace(CALLS, valid_until=date(2026, 3, 1)))
    assert failed_rule(decided(early), "loan_flex", "call_centre") is None
    assert failed_rule(decided(late), "loan_flex", "call_centre") == "call_slots"


def test_prices_and_what_remains_are_part_of_the_record():
    policy = compiled(CALLS, BONUS)
    decisions = decided(policy, prices={"call_slots": 1.5}, remaining={"bonus": 12.0})
    record = decision_record(decisions, 0, "call_centre")
    assert record.prices == {"call_slots": 1.5}
    assert record.remaining == {"call_slots": 10.0, "bonus": 12.0}
    assert {candidate.budget_cost for candidate in record.candidates} == {1.5}
    assert record.decision_id != decision_record(decided(policy), 0, "call_centre").decision_id


@settings(max_examples=30)
@given(st.lists(st.floats(0.0, 5.0), min_size=2, max_size=2), st.floats(0.0, 50.0))
def test_nothing_is_offered_that_uses_more_than_is_left(left, charge):
    policy = compiled(replace(CALLS, charge=f"{charge:.3f}"), BONUS)
    remaining = dict(zip(("call_slots", "bonus"), left, strict=True))
    decisions = decided(policy, 3, remaining=remaining)
    for budget, use in zip(policy.budgets, decisions.scores.uses, strict=True):
        offered = decisions.ranking.rank[:, budget.columns] > 0
        assert (use[offered] <= remaining[budget.budget.name]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"remaining": {"call_slot": 1.0}}, "'call_slots' \\(did you mean it\\?\\)"),
        ({"remaining": {"call_slots": -1.0}}, "at least 0"),
        ({"prices": {"call_slots": float("nan")}}, "at least 0"),
    ],
)
def test_budgets_that_do_not_exist_and_numbers_that_make_no_sense_are_errors(given, message):
    with pytest.raises(DataError, match=message):
        decided(compiled(CALLS), **given)


@pytest.mark.parametrize(
    ("budget", "path"),
    [
        (replace(CALLS, amount=-1.0), (0, "amount")),
        (replace(CALLS, amount=float("nan")), (0, "amount")),
        (replace(CALLS, charge="ofer_cost"), (0, "charge")),
        (replace(CALLS, charge="age > 1"), (0, "charge")),
        (replace(CALLS, channels=("fax",)), (0, "channels", 0)),
        (replace(CALLS, products=("loan",), offers=("savings_plus",)), (0,)),
        (replace(CALLS, name="stage"), (0, "name")),
        (replace(CALLS, valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 1)), (0, "valid_until")),
    ],
)
def test_what_is_wrong_with_a_budget_is_told_with_its_place(budget, path):
    assert [found[:2] for found in problems_of(budget)] == [("budgets.yaml", path)]


def test_a_charge_that_does_not_compile_fails_closed():
    policy, _ = compile_policy(
        Policy(), OFFERS, VOCABULARY, catalogue_for(Policy()), (replace(CALLS, charge="ofer_cost"),)
    )
    assert failed_rule(decided(policy), "loan_flex", "call_centre") == "call_slots"
    assert np.isnan(decided(policy).scores.uses[0]).all()
