from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from decisioning.engine import DecisionContext, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.limits import limit_features
from decisioning.policies.policy import ContactLimit, Policy, Rule
from decisioning.policies.verdicts import failed
from domain.errors import DataError
from domain.journey import Step
from features.table import FeatureTable
from tests.decisioning.build import (
    LOAN,
    NOON,
    OFFERS,
    SAVINGS,
    STAGES,
    STEPS,
    VOCABULARY,
    catalogue_for,
    column,
    compiled,
    customers,
    likely,
)

NAN = float("nan")


def decided(policy, as_of=NOON, n=1, **columns):
    return decide(customers(policy, n, **columns), likely(policy, n), policy, DecisionContext(as_of=as_of, seed=1))


def first_failed(policy, offer="savings_plus", channel="app", **columns):
    decisions = decided(policy, **columns)
    rule = int(decisions.first_failed[0, column(policy, offer, channel)])
    return None if rule < 0 else policy.rules[rule].name


def one_rule(require, **scope):
    return compiled(Policy(rules=(Rule(name="mine", kind="eligibility", require=require, **scope),)))


@pytest.mark.parametrize(("age", "failed"), [(17.0, "mine"), (18.0, None), (NAN, "mine")])
def test_null_fails_a_rule_as_false_does(age, failed):
    assert first_failed(one_rule("age >= 18"), age=age) == failed


def test_a_division_by_zero_fails_a_rule():
    assert first_failed(one_rule("inflow / age > 1"), age=0.0) == "mine"


def test_the_negation_of_null_fails_too():
    assert first_failed(one_rule("NOT (age < 18)"), age=NAN) == "mine"


def test_a_rule_is_asked_only_about_its_candidates():
    policy = one_rule("FALSE", channels=("email",), products=("savings",))
    answers = failed(decided(policy).bits, policy.bit("mine"))[0]
    found = [policy.candidates.pairs[place] for place in np.flatnonzero(answers)]
    assert [(offer.name, treatment.channel) for offer, treatment in found] == [
        ("savings_plus", "email"),
        ("savings_goal", "email"),
    ]


def test_except_tags_leave_service_alone():
    policy = one_rule("FALSE", except_tags=("service",))
    assert first_failed(policy, "follow_up") is None
    assert first_failed(policy, "loan_flex") == "mine"


def test_family_stands_for_the_feature_of_the_offers_own_product():
    policy = one_rule("NOT family_held", products=("savings", "loan"))
    assert first_failed(policy, "savings_plus", savings_held=1.0) == "mine"
    assert first_failed(policy, "loan_flex", savings_held=1.0) is None


def test_family_of_an_offer_without_product_is_null():
    policy = one_rule("NOT family_held")
    assert first_failed(policy, "follow_up") == "mine"


def test_rules_read_attributes_of_the_offer_and_one_that_is_missing_is_null():
    policy = one_rule("offer_rate_percent < 5 AND offer_cost < 20")
    assert first_failed(policy, "savings_plus") is None
    assert first_failed(policy, "loan_flex") == "mine"
    assert first_failed(policy, "follow_up") == "mine"


def test_rules_read_the_channel():
    policy = one_rule("channel <> 'email' OR region = 'north'")
    assert first_failed(policy, channel="email", region=1.0) == "mine"
    assert first_failed(policy, channel="app", region=1.0) is None


def test_consent_is_asked_per_channel_and_not_knowing_is_no():
    policy = compiled(Policy(consent={"email": "consent_email"}))
    assert first_failed(policy, channel="email", consent_email=NAN) == "consent_email"
    assert first_failed(policy, channel="app", consent_email=NAN) is None


def test_an_offer_is_for_its_stages_only_and_no_stage_is_none_of_them():
    assert first_failed(compiled(), stage=STAGES.code("lost")) == "stage"
    assert first_failed(compiled(), stage=NAN) == "stage"
    assert first_failed(compiled(), "follow_up", stage=STAGES.code("lost")) is None


def test_an_offer_with_steps_is_for_customers_at_these_steps_of_its_product():
    policy = compiled(offers=(replace(SAVINGS, steps=(Step.CONSIDERATION,)), LOAN))
    assert first_failed(policy, savings_step=STEPS.code("awareness")) == "step"
    assert first_failed(policy, savings_step=STEPS.code("consideration")) is None
    assert first_failed(policy, "loan_flex", savings_step=STEPS.code("awareness")) is None


def test_an_offer_is_valid_from_its_first_to_its_last_day_in_the_banks_time_zone():
    offers = (replace(SAVINGS, valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 3)),)
    policy, problems = compile_policy(
        Policy(), offers, VOCABULARY, catalogue_for(Policy(), offers), time_zone=ZoneInfo("Europe/Amsterdam")
    )
    assert not problems

    def valid(*moment):
        return bool(decided(policy, as_of=datetime(*moment, tzinfo=UTC)).allowed[0, 0])

    assert not valid(2026, 3, 1, 22, 59)
    assert valid(2026, 3, 1, 23, 0)
    assert valid(2026, 3, 3, 22, 59)
    assert not valid(2026, 3, 3, 23, 0)


def limited(**limit):
    return compiled(Policy(contact_limits=(ContactLimit(name="cap", days=7, **limit),)))


def test_a_limit_per_channel_counts_the_contacts_of_that_channel():
    policy = limited(per="channel", at_most=1)
    assert first_failed(policy, channel="email", limit_cap_email_7d=1.0) == "cap"
    assert first_failed(policy, channel="app", limit_cap_email_7d=1.0) is None


def test_a_limit_with_channels_counts_their_contacts_together_and_binds_only_there():
    policy = limited(per="customer", at_most=2, channels=("email", "call_centre"))
    columns = {"limit_cap_email_7d": 1.0, "limit_cap_call_centre_7d": 1.0}
    assert first_failed(policy, channel="email", **columns) == "cap"
    assert first_failed(policy, channel="app", **columns) is None
    assert first_failed(policy, channel="email", limit_cap_email_7d=1.0) is None


def test_a_limit_per_product_does_not_hold_for_offers_without_one():
    policy = limited(per="product", at_most=0)
    assert first_failed(policy, "savings_plus") == "cap"
    assert first_failed(policy, "follow_up") is None


def test_a_limit_per_offer_counts_that_very_offer():
    policy = limited(per="offer", at_most=2)
    assert first_failed(policy, "savings_plus", limit_cap_savings_plus_7d=2.0) == "cap"
    assert first_failed(policy, "savings_goal", limit_cap_savings_plus_7d=2.0) is None


def test_an_unknown_count_reaches_the_limit():
    assert first_failed(limited(per="customer", at_most=5), limit_cap_all_7d=NAN) == "cap"


def test_the_counts_of_limits_are_declared_as_features():
    limit = ContactLimit(name="cap", per="offer", of="declined", at_most=1, days=60, channels=("email",))
    counts = limit_features(Policy(contact_limits=(limit,)), OFFERS, VOCABULARY)
    assert [count.name for count in counts] == [f"limit_cap_{offer.name}_email" for offer in OFFERS]
    where = counts[0].where
    assert (where.types, where.channel, where.properties) == (
        ("offer_declined",),
        "email",
        {"offer": "savings_plus"},
    )
    assert counts[0].windows_days == (60,)


def test_more_than_sixty_four_rules_keep_their_order():
    rules = tuple(Rule(name=f"rule_{at}", kind="eligibility", require=f"age <> {at}") for at in range(150))
    policy = compiled(Policy(rules=rules))
    assert first_failed(policy, age=140.0) == "rule_140"
    assert first_failed(policy, age=3.0) == "rule_3"
    assert first_failed(policy, age=200.0) is None


def test_a_feature_that_the_policy_reads_and_the_table_lacks_is_an_error():
    policy = one_rule("age >= 18")
    table = customers(policy, 1)
    without = FeatureTable(
        table.customer_ids, table.as_of, {name: c for name, c in table.columns.items() if name != "age"}, table.schema
    )
    with pytest.raises(DataError, match="'age'"):
        decide(without, likely(policy, 1), policy, DecisionContext(as_of=NOON, seed=1))
