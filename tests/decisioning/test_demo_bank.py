from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.reading import load_bank
from decisioning.engine import DecisionContext, decide
from decisioning.policies.assignment import DRAWN
from decisioning.policies.compile import compile_policy
from decisioning.reporting.summary import Funnel
from domain.offer import OfferClass, is_owed
from features.table import FeatureTable
from simulation.kinds import KIND
from tests.decisioning.build import NOON, random_columns

DEMO = Path(__file__).parents[2] / "banks" / "demo"
SUNDAY_NIGHT = np.datetime64("2026-03-01T22:00", "us")
SUMMER = np.datetime64("2026-07-01T12:00", "us")


@pytest.fixture(scope="module")
def policy():
    bank = load_bank(DEMO)
    compiled, problems = compile_policy(
        bank.policy, bank.offers, bank.vocabulary, bank.features, bank.budgets, time_zone=bank.time_zone
    )
    assert problems == []
    return compiled


def decided(policy, as_of=NOON, n=20_000, **given):
    generator = np.random.default_rng(1)
    ranges = {"age": 90, "inflow_amount_90d": 9_000, "outflow_amount_90d": 9_000, "days_since_complaint_opened": 60}
    ranges |= {"days_since_first_activity": 900, "days_since_activity": 400}
    ranges |= {"net_flow_90d": 9_000, "spend_to_inflow_90d": 2, "churn_probability": 1}
    columns = dict(random_columns(policy, n, 1))
    columns |= {name: generator.uniform(0, highest, n) for name, highest in ranges.items()}
    columns |= {name: (generator.random(n) < 0.03) * 4.0 for name in columns if name.startswith("limit_")}
    columns |= {
        "hardship": np.where(generator.random(n) < 0.05, np.nan, generator.random(n) < 0.1),
        "open_complaints_count": (generator.random(n) < 0.1) * 1.0,
    }
    ids = np.array([f"c{number}" for number in range(n)], dtype=object)
    table = FeatureTable(ids, np.full(n, as_of), columns, policy.names.catalogue.schema)
    scores = generator.beta(1, 10, (n, len(policy.candidates)))
    return decide(table, scores, policy, DecisionContext(as_of=as_of, seed=1, **given))


def reached(policy, as_of):
    allowed = decided(policy, as_of).allowed.any(axis=0)
    return {policy.candidates.pairs[place][0].name for place in np.flatnonzero(allowed)}


def test_every_offer_of_the_demo_bank_reaches_somebody_in_its_season(policy):
    offers = {offer.name: offer for offer, _ in policy.candidates.pairs}
    seasonal = {name for name, offer in offers.items() if offer.valid_until is not None}
    assert seasonal
    assert reached(policy, SUMMER) == offers.keys()
    assert reached(policy, NOON) == offers.keys() - seasonal


def test_the_demo_bank_offers_care_of_every_kind_and_class_beside_sales(policy):
    offers = {offer.name: offer for offer, _ in policy.candidates.pairs}.values()
    tags = {tag for offer in offers for tag in offer.tags}
    assert {*KIND, "retention", "service"} == tags
    assert {offer.offer_class for offer in offers} == set(OfferClass)
    assert all(treatment.slot for _, treatment in policy.candidates.pairs if treatment.channel in ("app", "web"))


def test_every_rule_of_the_demo_bank_rejects_somebody(policy):
    funnels = [
        Funnel.of(decided(policy)),
        Funnel.of(decided(policy, SUNDAY_NIGHT, request={"intent": "leave"})),
        *(Funnel.of(decided(policy, n=4_000, remaining={budget.budget.name: 0.0})) for budget in policy.budgets),
    ]
    rejected = sum(funnel.rejected for funnel in funnels)
    silent = {rule for rule, some in zip(funnels[0].rules, rejected, strict=True) if not some}
    assert silent <= {"scored", "value_known"}


def test_who_is_not_known_to_the_demo_bank_is_offered_what_needs_no_permission(policy):
    """As the reader gives it: counts are 0, everything else of no history is NULL, and then what is assumed."""
    schema = policy.names.catalogue.schema
    nothing = {name: 0.0 if "_count" in name or name.startswith("limit_") else np.nan for name in schema}
    held = {f"{product}_held": 0.0 for product in policy.names.catalogue.families["held"]}
    columns = {name: np.full(1, value) for name, value in {**nothing, **held, **policy.assumed}.items()}
    columns["churn_probability"] = np.full(1, np.nan)
    table = FeatureTable(np.array(["stranger"], dtype=object), np.full(1, NOON), columns, schema)
    decisions = decide(table, np.full((1, len(policy.candidates)), np.nan), policy, DecisionContext(as_of=NOON, seed=1))
    offered = {}
    for place in np.flatnonzero(decisions.allowed[0]):
        offer, treatment = policy.candidates.pairs[place]
        offered.setdefault(treatment.channel, set()).add(offer.name)
        assert "acquisition" in offer.stages
    assert set(offered) == {"app", "web"}
    assert {"savings_plus", "insurance_travel"} <= offered["app"]


def test_the_demo_bank_assumes_no_permission_and_nothing_for_which_one_must_be_older(policy):
    assert set(policy.assumed) == {"stage", "age"}
    assert policy.assumed["age"] == 18.0


CREDIT = {"personal_loan", "mortgage", "credit_card"}


def in_arrears(policy, **control):
    """Customers in an arrangement for payment difficulties, decided with another control."""
    held = replace(policy.policy, control=replace(policy.policy.control, **control))
    bank = load_bank(DEMO)
    again, problems = compile_policy(
        held, bank.offers, bank.vocabulary, bank.features, bank.budgets, time_zone=bank.time_zone
    )
    assert problems == []
    decisions = decided(again, n=2_000)
    return decisions, decisions.features.columns["hardship"] == 1.0


def test_a_customer_in_arrears_is_shown_the_deferral_in_the_holdout_too_and_nothing_that_is_sold(policy):
    nobody = {f"{arm.label}_share": 0.0 for arm in DRAWN}
    decisions, arrears = in_arrears(policy, **{**nobody, "holdout_share": 1.0})
    offers = np.array([offer.name for offer, _ in decisions.policy.candidates.pairs])
    deferral = decisions.allowed[:, offers == "payment_deferral"].any(axis=1)
    assert deferral[arrears].mean() > 0.3
    usual, _ = in_arrears(policy, **nobody)
    assert (deferral == usual.allowed[:, offers == "payment_deferral"].any(axis=1)).all()
    sold = [not is_owed(offer) for offer, _ in decisions.policy.candidates.pairs]
    assert not decisions.allowed[:, sold].any()


def test_a_disclosed_hardship_stops_credit_in_every_channel_and_every_arm(policy):
    decisions, arrears = in_arrears(policy, eligibility_only_share=0.3, random_offer_share=0.3)
    credit = [offer.product in CREDIT for offer, _ in decisions.policy.candidates.pairs]
    assert decisions.allowed[~arrears][:, credit].any()
    assert not decisions.allowed[arrears][:, credit].any()
