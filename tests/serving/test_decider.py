from dataclasses import replace

import numpy as np
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.draws import Arm
from domain.errors import DataError
from events.segments import empty_table
from features.compute import compute_features
from features.moments import Moments
from serving.decider import Decider
from tests.serving.build import (
    AS_OF,
    COLD_START,
    Interested,
    Leaving,
    features_of_all,
    small_bank,
    small_decider,
    small_log,
)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))


def test_chunks_of_any_size_decide_as_the_whole(everybody):
    decider = small_decider()
    whole = decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    chunks = list(decider.in_chunks(everybody, DecisionContext(as_of=AS_OF, seed=7), customers=5))
    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert (np.concatenate([chunk.ranking.rank for chunk in chunks]) == whole.ranking.rank).all()
    assert (np.concatenate([chunk.bits for chunk in chunks]) == whole.bits).all()


def test_only_the_channel_asked_for_is_scored_and_decided_the_same(everybody):
    decider = small_decider()
    context = DecisionContext(as_of=AS_OF, seed=7, channels=["app", "email"])
    asked = ["email" if row % 3 else "app" for row in range(len(everybody))]
    whole, some = decider.decide(everybody, context), decider.decide(everybody, context, asked=asked)
    traces, same = decider.traces(whole), decider.traces(some)
    for row, channel in enumerate(asked):
        assert same.of(row, channel).text() == traces.of(row, channel).text()
        others = np.concatenate(
            [columns for name, columns in decider.policy.candidates.by_channel.items() if name != channel]
        )
        assert np.isnan(some.scores.propensity[row, others]).all()


def test_rules_may_ask_for_the_probability_of_churn(everybody):
    decider = small_decider()
    decisions = decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    assert "churn_probability" in decider.policy.features
    assert "churn_probability" not in decider.features
    assert (decisions.features.columns["churn_probability"] < 0.9).all()


def test_without_a_propensity_model_nothing_is_offered(everybody):
    decisions = small_decider(scored=False).decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    assert not decisions.allowed.any()


def test_without_a_churn_model_rules_that_ask_for_it_fail(everybody):
    full = small_decider()
    decider = Decider(full.bank, None, Interested())
    decisions = decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    offered = {
        decider.policy.candidates.pairs[place][0].name for place in np.flatnonzero(decisions.allowed.any(axis=0))
    }
    assert offered == {"budget_check"}


def test_the_decider_needs_the_features_of_models_rules_and_values():
    assert set(small_decider().features) == {
        "consent_email",
        "days_since_login",
        "limit_weekly_email_7d",
        "logins_30d",
        "region",
        "stage",
    }


def test_other_models_are_other_versions_and_other_decisions(everybody):
    one = small_decider(version="1").decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    two = small_decider(version="2").decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    assert one.decision_ids([(0, "app")]) != two.decision_ids([(0, "app")])


def test_a_policy_with_problems_is_refused():
    bank = small_bank()
    with pytest.raises(DataError, match=r"has 1 problems.*agee"):
        Decider(replace(bank, policy=replace(bank.policy, consent={"email": "agee > 1"})), Leaving(), Interested())


def test_offers_are_valid_by_the_banks_own_days():
    assert str(small_decider().policy.time_zone) == "Europe/Amsterdam"


@pytest.fixture
def nothing():
    """Return the features of a customer without history, as readers compute them."""
    bank = small_bank()
    moments = Moments.at(["stranger"], AS_OF)
    return compute_features(empty_table(), moments, bank.feature_definitions)


def scores_of(decisions):
    pairs = decisions.policy.candidates.pairs
    names = [(offer.name, treatment.channel) for offer, treatment in pairs]
    return dict(zip(names, decisions.scores.propensity[0].tolist(), strict=True))


def test_an_unknown_customer_of_a_bank_with_a_cold_start_is_assumed_to_be_and_scored_by_priors(nothing):
    decider = small_decider(small_bank(COLD_START))
    decisions = decider.decide(nothing, DecisionContext(as_of=AS_OF, seed=7), unknown=True)
    said = decisions.features.row(0)
    assert (said["stage"], said["region"], said["churn_probability"]) == ("growth", None, Leaving.rate)
    assert scores_of(decisions) == {
        ("savings_plus", "app"): 0.3,
        ("savings_plus", "email"): 0.3,
        ("budget_check", "app"): pytest.approx(0.1),
    }
    pairs = [decisions.policy.candidates.pairs[place] for place in np.flatnonzero(decisions.allowed[0])]
    assert [(offer.name, treatment.channel) for offer, treatment in pairs] == [
        ("savings_plus", "app"),
        ("budget_check", "app"),
    ]
    assert nothing.row(0)["stage"] is None


def test_priors_are_looked_up_in_the_channels_that_ask_however_few_the_customers(nothing):
    decider = small_decider(small_bank(COLD_START))
    decisions = decider.decide(nothing, DecisionContext(as_of=AS_OF, seed=7, channels=["email"]), unknown=True)
    assert np.isnan(scores_of(decisions)["savings_plus", "app"])
    assert len(decider.decide(nothing.take(np.arange(0)), DecisionContext(as_of=AS_OF, seed=7), unknown=True)) == 0


def test_without_a_declaration_an_unknown_customer_is_decided_for_as_anybody(nothing):
    decider = small_decider()
    one, other = (
        decider.decide(nothing, DecisionContext(as_of=AS_OF, seed=7), unknown=unknown) for unknown in (True, False)
    )
    assert scores_of(one) == scores_of(other)
    assert decider.record(one, 0, "app") == decider.record(other, 0, "app")


def test_a_cold_start_leaves_known_customers_as_they_are(everybody):
    deciders = small_decider(small_bank(COLD_START)), small_decider()
    cold, usual = (decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7)) for decider in deciders)
    assert np.array_equal(cold.scores.propensity, usual.scores.propensity)
    assert np.array_equal(cold.ranking.rank, usual.ranking.rank)
    for name, values in usual.features.columns.items():
        assert np.array_equal(cold.features.columns[name], values, equal_nan=True)


def test_models_that_have_counted_nothing_score_nobody_unknown(nothing):
    class Former(Interested):
        def prior(self, features, candidates):
            return np.full((len(features), len(candidates)), np.nan)

    class FormerLeaving(Leaving):
        rate = None

    decider = Decider(small_bank(COLD_START), FormerLeaving(), Former())
    decisions = decider.decide(nothing, DecisionContext(as_of=AS_OF, seed=7), unknown=True)
    assert not decisions.allowed.any()
    assert np.isnan(decisions.features.columns["churn_probability"]).all()


def test_an_unknown_customer_whose_permission_is_not_known_is_not_scored(nothing):
    asked = replace(COLD_START, personalised="consent_email")
    decisions = small_decider(small_bank(asked)).decide(nothing, DecisionContext(as_of=AS_OF, seed=7), unknown=True)
    assert Arm(int(decisions.arm[0])) is Arm.NOT_PERSONALISED
    assert np.isnan(decisions.scores.propensity).all()
    assert decisions.allowed.any()
