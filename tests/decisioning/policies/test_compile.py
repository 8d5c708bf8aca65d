from dataclasses import replace
from datetime import date

import pytest

from decisioning.engine import DecisionContext, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.policy import ContactLimit, Control, Exploration, Policy, Rule, Weight
from domain.journey import Step
from tests.decisioning.build import (
    CARE,
    LOAN,
    NOON,
    OFFERS,
    SAVINGS,
    TREATMENTS,
    VOCABULARY,
    catalogue_for,
    compiled,
    customers,
    likely,
)


def problems_of(policy: Policy, offers=OFFERS, vocabulary=VOCABULARY, catalogue=None):
    _, problems = compile_policy(policy, offers, vocabulary, catalogue or catalogue_for(policy, offers))
    return [(problem.file, problem.path, problem.sentence()) for problem in problems]


def rule(require: str = "age >= 18", **scope: object) -> Rule:
    return Rule(name="mine", kind="eligibility", require=require, **scope)


def test_rules_are_asked_by_kind_then_as_in_the_file_and_numbers_come_last():
    policy = compiled(
        Policy(
            consent={"email": "consent_email"},
            control=Control(holdout_share=0.1),
            rules=(
                Rule(name="calm", kind="service_first", require="open_complaints = 0"),
                Rule(name="adult", kind="eligibility", require="age >= 18"),
                Rule(name="known", kind="eligibility", require="region IS NOT NULL"),
            ),
            contact_limits=(ContactLimit(name="weekly", per="channel", at_most=1, days=7),),
        ),
        (replace(SAVINGS, valid_until=date(2026, 12, 31)), LOAN),
    )
    assert [rule.name for rule in policy.rules] == [
        "holdout",
        "consent_email",
        "valid",
        "adult",
        "known",
        "stage",
        "calm",
        "weekly",
        "scored",
        "value_known",
        "minimum_priority",
    ]


def test_an_unknown_name_is_told_with_the_nearest():
    [(file, path, sentence)] = problems_of(Policy(rules=(rule("agee >= 18"),)))
    assert (file, path) == ("policies.yaml", ("rules", 0, "require"))
    assert "'age' (did you mean it?)" in sentence


def test_a_rule_that_is_no_condition_is_a_problem():
    [(_, path, sentence)] = problems_of(Policy(rules=(rule("age + 1"),)))
    assert path == ("rules", 0, "require")
    assert "expected a condition" in sentence


def test_a_value_that_does_not_compile_is_told_where_the_offer_is():
    [(file, path, _)] = problems_of(Policy(), (SAVINGS, replace(LOAN, value="inflw * 2")))
    assert (file, path) == ("offers.yaml", (1, "value"))


def test_a_value_that_is_a_condition_is_a_problem():
    [(file, path, _)] = problems_of(Policy(), (replace(LOAN, value="age > 3"),))
    assert (file, path) == ("offers.yaml", (0, "value"))


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ({"channels": ("fax",)}, "channel"),
        ({"products": ("saving",)}, "product"),
        ({"offers": ("loan",)}, "offer"),
        ({"tags": ("servise",)}, "tag"),
        ({"except_tags": ("servise",)}, "tag"),
    ],
)
def test_a_scope_that_names_nothing_that_exists_is_a_problem(scope, named):
    [(_, path, sentence)] = problems_of(Policy(rules=(rule(**scope),)))
    assert path[:2] == ("rules", 0)
    assert sentence.startswith(f"unknown {named}")


def test_a_rule_about_no_candidate_is_a_problem():
    [(_, path, sentence)] = problems_of(Policy(rules=(rule(offers=("loan_flex",), tags=("service",)),)))
    assert path == ("rules", 0)
    assert "applies to no candidate" in sentence


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        (Policy(exploration=Exploration(epsilon=1.5)), ("exploration", "epsilon")),
        (Policy(exploration=Exploration(floor=-0.1)), ("exploration", "floor")),
        (Policy(exploration=Exploration(top=0)), ("exploration", "top")),
        (Policy(control=Control(holdout_share=2.0)), ("control", "holdout_share")),
        (Policy(offers_per_channel=0), ("offers_per_channel",)),
        (Policy(minimum_priority=float("nan")), ("minimum_priority",)),
        (Policy(levers=(Weight(name="w", factor=-1.0),)), ("levers", 0, "factor")),
        (Policy(context=(Weight(name="w", factor=float("inf")),)), ("context", 0, "factor")),
        (Policy(consent={"fax": "TRUE"}), ("consent", "fax")),
        (
            Policy(contact_limits=(ContactLimit(name="w", per="customer", at_most=-1, days=7),)),
            ("contact_limits", 0, "at_most"),
        ),
    ],
)
def test_a_number_or_name_that_makes_no_sense_is_a_problem(policy, path):
    assert path in [problem[1] for problem in problems_of(policy)]


def test_two_rules_of_one_name_and_the_name_of_a_built_in_rule_are_problems():
    paths = [path for _, path, _ in problems_of(Policy(rules=(rule(), rule(), replace(rule(), name="stage"))))]
    assert paths == [("rules", 1, "name"), ("rules", 2, "name")]


def test_a_limit_without_events_that_tell_of_it_is_a_problem():
    policy = Policy(contact_limits=(ContactLimit(name="w", per="customer", at_most=1, days=7, of="clicked"),))
    [(_, path, sentence)] = problems_of(policy)
    assert path == ("contact_limits", 0)
    assert "contacts" in sentence


@pytest.mark.parametrize(
    ("offers", "path"),
    [
        ((SAVINGS, SAVINGS), (1, "name")),
        ((replace(SAVINGS, treatments=(TREATMENTS[0], TREATMENTS[0])),), (0, "treatments")),
        ((replace(SAVINGS, treatments=()),), (0, "treatments")),
        ((replace(SAVINGS, stages=()),), (0, "stages")),
        ((replace(CARE, steps=(Step.HOLDING,)),), (0, "steps")),
        ((replace(SAVINGS, valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1)),), (0, "valid_until")),
        ((replace(SAVINGS, attributes={"cost": 1.0}),), (0, "attributes", "cost")),
    ],
)
def test_an_offer_that_contradicts_itself_is_a_problem(offers, path):
    assert ("offers.yaml", path) in [problem[:2] for problem in problems_of(Policy(), offers)]


def test_all_problems_are_told_at_once():
    policy = Policy(rules=(rule("agee > 1"), replace(rule(channels=("fax",)), name="other")), offers_per_channel=0)
    assert len(problems_of(policy)) == 3


def test_a_policy_with_problems_rejects_what_it_cannot_check():
    broken = Policy(rules=(rule("agee >= 18"),))
    policy, problems = compile_policy(broken, OFFERS, VOCABULARY, catalogue_for(broken))
    assert problems
    assert not decide(customers(policy), likely(policy), policy, DecisionContext(as_of=NOON, seed=1)).allowed.any()


def test_the_policy_says_which_features_it_reads():
    policy = compiled(
        Policy(
            rules=(rule("NOT family_held AND channel <> 'email' AND offer_rate_percent > 0", products=("loan",)),),
            contact_limits=(ContactLimit(name="w", per="channel", at_most=1, days=7, channels=("email",)),),
        ),
        (LOAN,),
    )
    assert policy.features == {"stage", "savings_held", "loan_held", "limit_w_email_7d"} - {"savings_held"}


def test_equal_policies_have_equal_digests_and_a_changed_offer_another():
    assert compiled().digest == compiled().digest
    assert compiled().digest != compiled(offers=(replace(SAVINGS, cost=16), *OFFERS[1:])).digest
