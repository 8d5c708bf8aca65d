import pytest

from decisioning.policies.compile import compile_policy
from decisioning.policies.policy import ContactLimit, Policy, Rule
from expressions.types import Boolean
from features.catalogue import Feature, FeatureCatalogue
from tests.decisioning.build import OFFERS, STAGES, VOCABULARY, catalogue_for

WEEKLY = ContactLimit(name="weekly", per="channel", at_most=1, days=7)


def told(policy, catalogue=None):
    """The assumptions as they are compiled, and what is wrong: at which place, in which words."""
    compiled, problems = compile_policy(policy, OFFERS, VOCABULARY, catalogue or catalogue_for(policy))
    return compiled.assumed, [(problem.file, problem.path, problem.sentence()) for problem in problems]


def made_from_consent() -> FeatureCatalogue:
    catalogue = catalogue_for(Policy())
    given = {"may_mail": "consent_email AND reachable", "reachable": "age > 0"}
    derived = {
        name: Feature(name=name, type=Boolean(), unit="", description="", topic="", owner="", expression=text)
        for name, text in given.items()
    }
    return FeatureCatalogue({**catalogue.features, **derived}, catalogue.families, {})


def test_without_a_declaration_nothing_is_assumed_and_without_assumptions_nothing_of_the_customer():
    assert told(Policy()) == (None, [])
    assert told(Policy(cold_start={})) == ({}, [])


def test_assumptions_of_every_type_are_held_as_columns_hold_them():
    assumed, problems = told(Policy(cold_start={"stage": "growth", "age": 30, "savings_held": False}))
    assert problems == []
    assert assumed == {"stage": STAGES.code("growth"), "age": 30.0, "savings_held": 0.0}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("stag", "growth", "unknown feature: got 'stag', expected 'stage' (did you mean it?)"),
        ("churn_probability", 0.1, "unknown feature: got 'churn_probability'"),
        ("stage", "growht", "'stage' has an invalid value: got 'growht', expected 'growth' (did you mean it?)"),
        ("stage", True, "'stage' has an invalid value: got true, expected one of acquisition"),
        ("age", "thirty", "'age' has an invalid value: got 'thirty', expected a finite number"),
        ("age", float("inf"), "'age' has an invalid value: got 'inf', expected a finite number"),
        ("savings_held", 1, "'savings_held' has an invalid value: got '1', expected true or false"),
    ],
)
def test_what_cannot_be_assumed_is_told_with_what_could_and_is_not_assumed(name, value, words):
    assumed, [(file, path, sentence)] = told(Policy(cold_start={"region": "south", name: value}))
    assert (file, path) == ("policies.yaml", ("cold_start", name))
    assert sentence.startswith(words)
    assert assumed == {"region": 1.0}


@pytest.mark.parametrize(
    "policy",
    [
        Policy(consent={"email": "consent_email"}),
        Policy(personalised="consent_email"),
        Policy(rules=(Rule(name="asked", kind="consent", require="consent_email", products=("loan",)),)),
    ],
)
def test_a_permission_is_never_assumed(policy):
    policy = Policy(
        consent=policy.consent, personalised=policy.personalised, rules=policy.rules, cold_start={"consent_email": True}
    )
    assumed, [(_, path, sentence)] = told(policy)
    assert (assumed, path) == ({}, ("cold_start", "consent_email"))
    assert sentence.startswith("a permission is never assumed: got 'consent_email'")


def test_what_a_permission_is_made_from_is_not_assumed_either():
    policy = Policy(
        consent={"email": "may_mail"},
        cold_start={"consent_email": True, "reachable": True, "age": 30, "stage": "growth"},
    )
    assumed, problems = told(policy, made_from_consent())
    assert set(assumed) == {"stage"}
    assert {path[1] for _, path, _ in problems} == {"consent_email", "reachable", "age"}


def test_a_feature_of_the_offers_own_product_in_a_rule_of_consent_is_none_to_assume():
    asked = Rule(name="asked", kind="consent", require="NOT family_held")
    assumed, problems = told(Policy(rules=(asked,), cold_start={"savings_held": False, "loan_held": False}))
    assert (assumed, len(problems)) == ({}, 2)


def test_what_contact_limits_count_is_not_assumed():
    policy = Policy(contact_limits=(WEEKLY,), cold_start={"limit_weekly_email_7d": -5})
    assumed, [(_, _, sentence)] = told(policy)
    assert assumed == {}
    assert "a count of contacts is never assumed" in sentence


def test_what_is_assumed_is_part_of_the_policys_digest():
    policies = [Policy(), Policy(cold_start={}), Policy(cold_start={"stage": "growth"})]
    digests = {compile_policy(one, OFFERS, VOCABULARY, catalogue_for(one))[0].digest for one in policies}
    assert len(digests) == 3
