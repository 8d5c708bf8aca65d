from dataclasses import replace

import numpy as np
import pytest

from domain.errors import DataError
from serving.decider import Decider
from tests.serving.build import AS_OF, Interested, Leaving, features_of_all, small_bank, small_decider, small_log


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))


def test_chunks_of_any_size_decide_as_the_whole(everybody):
    decider = small_decider()
    whole = decider.decide(everybody, as_of=AS_OF, seed=7)
    chunks = list(decider.in_chunks(everybody, as_of=AS_OF, seed=7, customers=5))
    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert (np.concatenate([chunk.ranking.rank for chunk in chunks]) == whole.ranking.rank).all()
    assert (np.concatenate([chunk.bits for chunk in chunks]) == whole.bits).all()


def test_rules_may_ask_for_the_probability_of_churn(everybody):
    decider = small_decider()
    decisions = decider.decide(everybody, as_of=AS_OF, seed=7)
    assert "churn_probability" in decider.policy.features
    assert "churn_probability" not in decider.features
    assert (decisions.features.columns["churn_probability"] < 0.9).all()


def test_without_a_propensity_model_nothing_is_offered(everybody):
    decisions = small_decider(scored=False).decide(everybody, as_of=AS_OF, seed=7)
    assert not decisions.allowed.any()


def test_without_a_churn_model_rules_that_ask_for_it_fail(everybody):
    full = small_decider()
    decider = Decider(full.bank, None, Interested())
    decisions = decider.decide(everybody, as_of=AS_OF, seed=7)
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
    one = small_decider(version="1").decide(everybody, as_of=AS_OF, seed=7)
    two = small_decider(version="2").decide(everybody, as_of=AS_OF, seed=7)
    assert one.decision_ids([(0, "app")]) != two.decision_ids([(0, "app")])


def test_a_policy_with_problems_is_refused():
    bank = small_bank()
    with pytest.raises(DataError, match=r"has 1 problems.*agee"):
        Decider(replace(bank, policy=replace(bank.policy, consent={"email": "agee > 1"})), Leaving(), Interested())


def test_offers_are_valid_by_the_banks_own_days():
    assert str(small_decider().policy.time_zone) == "Europe/Amsterdam"
