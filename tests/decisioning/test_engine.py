import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.engine import NO_CANDIDATES, OFFERED, DecisionContext, Decisions, decide
from decisioning.explaining.explanation import DecisionExplanation
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.policy import ContactLimit, Control, Exploration, Policy, Rule, Weight
from domain.errors import DataError
from expressions.types import Array
from features.table import FeatureTable
from tests.decisioning.build import NOON, OFFERS, compiled, customers, ids, likely, random_columns

RULES = (
    Rule(name="adult", kind="eligibility", require="age >= 10", except_tags=("service",)),
    Rule(name="not_held", kind="applicability", require="NOT family_held", products=("savings", "loan")),
    Rule(name="rich", kind="suitability", require="inflow >= 20 AND region IS NOT NULL", offers=("loan_flex",)),
    Rule(name="calm", kind="service_first", require="open_complaints < 20", except_tags=("service",)),
    Rule(name="early", kind="applicability", require="family_step <> 'application'", channels=("email",)),
)
LIMITS = (
    ContactLimit(name="weekly", per="channel", at_most=2, days=7),
    ContactLimit(name="loyal", per="offer", at_most=3, days=30, channels=("email", "call_centre")),
)
FULL = Policy(
    consent={"email": "consent_email"},
    rules=RULES,
    contact_limits=LIMITS,
    context=(Weight(name="c", factor=1.4, when="age > 20", products=("loan",)),),
    levers=(Weight(name="l", factor=0.7, channels=("app",)),),
    exploration=Exploration(epsilon=0.2, top=3, floor=0.01),
    control=Control(holdout_share=0.1),
)


def population(policy: CompiledPolicy, n: int, seed: int) -> FeatureTable:
    columns = random_columns(policy, n, seed)
    return FeatureTable(ids(n), np.full(n, NOON), columns, policy.names.catalogue.schema)


def scores(policy: CompiledPolicy, n: int, seed: int) -> Array:
    drawn = np.random.default_rng(seed).random((n, len(policy.candidates)))
    drawn[drawn > 0.95] = np.nan
    return drawn


def decided(policy: CompiledPolicy, n: int, seed: int, **kwargs) -> Decisions:
    return decide(
        population(policy, n, seed), scores(policy, n, seed), policy, DecisionContext(as_of=NOON, seed=seed, **kwargs)
    )


def arrays(decisions: Decisions) -> dict[str, np.ndarray]:
    scores, ranking = decisions.scores, decisions.ranking
    named = {name: getattr(scores, name) for name in ("propensity", "value", "context", "lever", "cost", "priority")}
    named |= {"rank": ranking.rank, "selection": ranking.selection_probability, "bits": decisions.bits}
    return named | {"best": decisions.best, "fallback": decisions.fallback, "first_failed": decisions.first_failed}


FULL_POLICY = compiled(FULL)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_no_rejected_candidate_is_ever_ranked_or_drawn(seed):
    decisions = decided(FULL_POLICY, 60, seed)
    rejected = decisions.bits.any(axis=2)
    assert (rejected == ~decisions.allowed).all()
    assert not decisions.ranking.rank[rejected].any()
    assert not decisions.ranking.selection_probability[rejected].any()
    assert not rejected[np.arange(60), decisions.best][decisions.best >= 0].any()


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_probabilities_sum_to_one_wherever_something_is_allowed(seed):
    decisions = decided(FULL_POLICY, 60, seed)
    for channel, members in FULL_POLICY.candidates.by_channel.items():
        offered = decisions.allowed[:, members].any(axis=1)
        sums = decisions.ranking.selection_probability[:, members].sum(axis=1)
        np.testing.assert_allclose(sums, offered.astype(float), atol=1e-12)
        assert ((decisions.ranking.rank[:, members] == 1).sum(axis=1) == offered).all(), channel


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 39))
def test_one_customer_alone_is_decided_as_in_the_batch(seed, row):
    table, propensity = population(FULL_POLICY, 40, seed), scores(FULL_POLICY, 40, seed)
    batch = decide(table, propensity, FULL_POLICY, DecisionContext(as_of=NOON, seed=seed))
    rows = np.array([row])
    single = decide(table.take(rows), propensity[rows], FULL_POLICY, DecisionContext(as_of=NOON, seed=seed))
    for name, values in arrays(single).items():
        assert values.tobytes() == arrays(batch)[name][rows].tobytes(), name


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_one_channel_alone_is_decided_as_with_the_others(seed):
    every, one = decided(FULL_POLICY, 40, seed), decided(FULL_POLICY, 40, seed, channels=["email"])
    email = FULL_POLICY.candidates.by_channel["email"]
    assert (every.ranking.rank[:, email] == one.ranking.rank[:, email]).all()
    others = np.setdiff1d(np.arange(len(FULL_POLICY.candidates)), email)
    assert not one.ranking.rank[:, others].any()


def test_the_same_seed_gives_the_same_bytes():
    first, again = decided(FULL_POLICY, 200, 5), decided(FULL_POLICY, 200, 5)
    for name, values in arrays(first).items():
        assert values.tobytes() == arrays(again)[name].tobytes(), name


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sets(st.integers(0, 6), max_size=6))
def test_adding_a_rule_never_adds_candidates(seed, kept):
    parts = (*RULES, *LIMITS)
    some = [part for place, part in enumerate(parts) if place in kept]
    fewer = compiled(
        Policy(
            rules=tuple(part for part in some if isinstance(part, Rule)),
            contact_limits=tuple(part for part in some if isinstance(part, ContactLimit)),
        )
    )
    more = compiled(Policy(rules=RULES, contact_limits=LIMITS))
    table, propensity = population(more, 60, seed), scores(more, 60, seed)
    with_fewer = decide(table, propensity, fewer, DecisionContext(as_of=NOON, seed=seed))
    with_more = decide(table, propensity, more, DecisionContext(as_of=NOON, seed=seed))
    assert (with_more.allowed <= with_fewer.allowed).all()


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_caps_hold(seed):
    decisions = decided(FULL_POLICY, 60, seed)
    columns = decisions.features.columns
    for place, (offer, treatment) in enumerate(FULL_POLICY.candidates.pairs):
        ranked = decisions.ranking.rank[:, place] > 0
        assert (columns[f"limit_weekly_{treatment.channel}_7d"][ranked] < 2).all()
        if treatment.channel != "app":
            counts = [columns[f"limit_loyal_{offer.name}_{name}_30d"] for name in ("email", "call_centre")]
            assert (sum(counts)[ranked] < 3).all()


def test_features_that_are_all_null_lead_to_no_offer():
    nothing = {name: np.full(5, np.nan) for name in FULL_POLICY.names.catalogue.features}
    table = FeatureTable(ids(5), np.full(5, NOON), nothing, FULL_POLICY.names.catalogue.schema)
    decisions = decide(table, likely(FULL_POLICY, 5), FULL_POLICY, DecisionContext(as_of=NOON, seed=1))
    assert not decisions.allowed.any()
    assert (decisions.best == -1).all()


def test_the_input_is_left_as_it_was():
    table, propensity = population(FULL_POLICY, 30, 1), scores(FULL_POLICY, 30, 1)
    before = {name: values.copy() for name, values in table.columns.items()}
    kept = propensity.copy()
    decide(table, propensity, FULL_POLICY, DecisionContext(as_of=NOON, seed=1))
    np.testing.assert_array_equal(propensity, kept)
    for name, values in before.items():
        np.testing.assert_array_equal(table.columns[name], values)


def test_no_customers_are_decided_without_an_error():
    assert len(decided(FULL_POLICY, 0, 1)) == 0


def test_a_bank_without_offers_decides_for_nothing():
    policy = compiled(offers=())
    decisions = decide(
        customers(policy, 3), np.empty((3, 0)), policy, DecisionContext(as_of=NOON, seed=1, channels=["app"])
    )
    assert (decisions.fallback == NO_CANDIDATES).all()
    assert DecisionExplanation(decisions).fallback(0, "app") == "nothing, because no offer can be put in app"


def test_nothing_is_offered_with_a_reason():
    policy = compiled(Policy(consent={"email": "consent_email"}))
    decisions = decide(
        customers(policy, 1, consent_email=0.0), likely(policy, 1), policy, DecisionContext(as_of=NOON, seed=1)
    )
    assert decisions.fallback[0, decisions.channels.index("app")] == OFFERED
    assert DecisionExplanation(decisions).fallback(0, "app") is None
    assert DecisionExplanation(decisions).fallback(0, "email") == (
        "nothing, because the last offer left, savings_plus, failed consent_email (consent): "
        "consent_email = no, needs yes"
    )


def test_an_unknown_channel_is_an_error_with_the_nearest():
    policy = compiled()
    with pytest.raises(DataError, match="'email' \\(did you mean it\\?\\)"):
        decide(customers(policy, 1), likely(policy, 1), policy, DecisionContext(as_of=NOON, seed=1, channels=["emial"]))


def test_propensities_of_another_shape_are_an_error():
    policy = compiled()
    with pytest.raises(DataError, match="wrong"):
        decide(customers(policy, 2), likely(policy, 3), policy, DecisionContext(as_of=NOON, seed=1))


def test_every_offer_is_a_candidate_in_each_of_its_channels():
    assert len(compiled().candidates) == sum(len(offer.treatments) for offer in OFFERS)
