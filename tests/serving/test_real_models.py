"""The decider with fitted models."""

from dataclasses import replace

import numpy as np
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.policy import Policy
from events.vocabulary import Vocabulary
from expressions.types import Category
from features.table import FeatureTable
from models.churn.model import fit_churn
from models.propensity.training import train_propensity
from models.settings import Training
from serving.decider import Decider
from serving.reasons import REASONS_ABOUT_CUSTOMER, reasons_for
from serving.replay import features_of as features_of_record
from tests.models.synthetic import CHANNELS, PRODUCTS, churn_world, features_of, offer_world
from tests.serving.build import AS_OF, small_bank

NUMBERS = 6


@pytest.fixture(scope="module")
def decider() -> Decider:
    world = offer_world(1500, 4000, NUMBERS, count=4)
    leaving = churn_world(600, 4, NUMBERS)
    training = Training(folds=2, segments=())
    propensity = train_propensity(world.rows(training), training, num_threads=1)
    churn = fit_churn(
        leaving.features, leaving.y, tuple(leaving.features.columns), training, known_at=leaving.known_at, num_threads=1
    )
    bank = replace(
        small_bank(),
        vocabulary=Vocabulary(channels=CHANNELS, products=PRODUCTS, types={}),
        features=world.catalogue,
        offers=world.offers,
        policy=Policy(offers_per_channel=2),
    )
    return Decider(bank, churn, propensity.model, num_threads=1)


@pytest.fixture(scope="module")
def customers() -> FeatureTable:
    ids = np.array([f"n{position}" for position in range(50)], dtype=object)
    table = features_of(ids, np.full(50, np.datetime64("2026-03-02", "us")), NUMBERS, 77)
    stages = table.schema["stage"]
    assert isinstance(stages, Category)
    columns = {**table.columns, "stage": np.full(50, stages.code("growth"))}
    return FeatureTable(table.customer_ids, table.as_of, columns, table.schema)


def test_one_customer_is_scored_and_decided_as_in_the_batch(decider: Decider, customers: FeatureTable) -> None:
    batch = decider.decide(customers, DecisionContext(as_of=AS_OF, seed=7))
    assert batch.allowed.any()
    for row in range(0, 50, 7):
        alone = decider.decide(customers.take(np.array([row])), DecisionContext(as_of=AS_OF, seed=7))
        for channel in decider.policy.channels:
            assert decider.record(alone, 0, channel) == decider.record(batch, row, channel)


def test_reasons_come_from_what_moved_the_model(decider: Decider, customers: FeatureTable) -> None:
    decisions = decider.decide(customers.take(np.array([3])), DecisionContext(as_of=AS_OF, seed=7))
    decision = decider.record(decisions, 0, decider.policy.channels[0])
    reasons = reasons_for(decision, decisions.features, decider)
    assert len(reasons) == len(decision.offers) == 2
    for of_offer in reasons:
        about_customer = [reason for reason in of_offer if reason.name != "offer"]
        strengths = [abs(reason.log_odds) for reason in about_customer]
        assert strengths == sorted(strengths, reverse=True)
        assert 0 < len(about_customer) <= REASONS_ABOUT_CUSTOMER
        assert len({reason.name for reason in about_customer}) == len(about_customer)
        assert about_customer == list(of_offer[: len(about_customer)])
        assert len(of_offer) - len(about_customer) <= 1
        assert all("speaks" in reason.sentence() for reason in of_offer)


def test_priors_of_the_fitted_models_decide_for_unknown_customers(decider: Decider, customers: FeatureTable) -> None:
    bank = replace(decider.bank, policy=Policy(offers_per_channel=2, cold_start={"stage": "growth"}))
    cold = decider.for_bank(bank)
    unknown = {name: np.full(1, np.nan) for name in customers.columns}
    nobody = FeatureTable(customers.customer_ids[:1], customers.as_of[:1], unknown, customers.schema)
    decisions = cold.decide(nobody, DecisionContext(as_of=AS_OF, seed=7), unknown=True)
    assert decisions.allowed.all()
    assert decisions.features.columns["churn_probability"].tolist() == [decider.churn.rate if decider.churn else None]
    channel = cold.policy.channels[0]
    decision = cold.record(decisions, 0, channel)
    again = cold.decide(
        features_of_record(decision, cold.schema),
        DecisionContext(as_of=AS_OF, seed=7, channels=[channel]),
        unknown=True,
    )
    assert cold.record(again, 0, channel) == decision
    reasons = reasons_for(decision, decisions.features, cold, unknown=True)
    assert {reason.description for of_offer in reasons for reason in of_offer} == {"How this offer is usually received"}
