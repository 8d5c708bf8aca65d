"""Evaluation of another policy on logged decisions, in a world whose truth is known."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from decisioning.policies.policy import Rule
from domain.errors import DataError
from domain.offer import OfferClass
from pipelines.evaluation_page import evaluation_page
from serving.what_if.evaluation_arrays import evaluation_arrays
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, small_decider
from tests.serving.what_if.evaluations import record_of
from tests.serving.what_if.logged_world import BANK, CARE_FIRST, CUSTOMERS, SAVINGS_FIRST, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.decision_log.close()


@pytest.mark.parametrize("batch", [False, True], ids=["service", "batch"])
def test_the_interval_covers_what_the_policy_would_have_earned(tmp_path, batch):
    world = World(tmp_path, batch=batch)
    arrays, found = world.evaluated(CARE_FIRST)
    truth = world.truth(CARE_FIRST) - world.truth(BANK)
    assert found.gain.low < truth < found.gain.high
    assert found.gain.high - found.gain.low < 8.0, "narrow enough to mean something"
    assert found.verdict.word.value == "ship"
    assert arrays.target[:, arrays.actions.index("budget_check")].min() == 1.0
    assert {one.segment for one in found.segments} == {"growth"}
    world.decision_log.close()


def test_the_policy_that_was_logged_gains_nothing(world):
    arrays, found = world.evaluated(BANK)
    assert np.allclose(arrays.target[np.arange(len(arrays.action)), arrays.action], arrays.probability)
    assert found.gains["ips"].value == pytest.approx(0.0, abs=1e-9)
    assert found.gain.low < 0.0 < found.gain.high
    assert found.support.effective == pytest.approx(CUSTOMERS)
    assert found.verdict.word.value == "hold"


def test_what_the_logged_policy_never_did_is_not_shipped(tmp_path):
    world = World(tmp_path, bank=CARE_FIRST)
    arrays, found = world.evaluated(SAVINGS_FIRST)
    assert arrays.target[:, arrays.actions.index("savings_plus")].min() == 1.0
    assert found.verdict.word.value == "hold"
    assert found.support.outside.low > 0.9
    assert found.warnings
    world.decision_log.close()


def test_a_policy_that_offers_nothing_earns_nothing_and_is_stopped(world):
    nobody = with_policy(BANK, rules=(Rule(name="never", kind="eligibility", require="FALSE"),))
    arrays, found = world.evaluated(nobody)
    assert arrays.target[:, arrays.actions.index("nothing")].min() == 1.0
    assert found.gain.value == pytest.approx(-arrays.reward.mean())
    assert found.verdict.word.value == "stop"


def test_features_that_only_the_other_policy_reads_are_computed_as_of_the_decision(world):
    frequent = with_policy(
        BANK, rules=(Rule(name="frequent", kind="suitability", require="days_since_login > 1000", tags=("service",)),)
    )
    assert "days_since_login" in small_decider(frequent).features
    arrays, _ = world.evaluated(frequent)
    assert arrays.target[:, arrays.actions.index("savings_plus")].min() == 1.0


def test_only_matured_outcomes_count(world):
    early = world.outcomes(AS_OF + timedelta(days=29))
    assert (len(early.decisions), early.left_out["not matured"]) == (0, CUSTOMERS)
    with pytest.raises(DataError, match="no logged decisions with an outcome"):
        evaluation_arrays(early, small_decider(BANK), world.log, world.folder)


def test_decisions_are_compared_once_the_longest_response_window_of_any_offer_is_over(world):
    savings, care = BANK.offers
    slow = replace(savings, response_window_days=45)
    owed = replace(care, response_window_days=90, offer_class=OfferClass.MANDATORY)
    outcomes = world.outcomes()
    for offers, days in (((savings, care), 30), ((slow, care), 45), ((savings, owed), 30)):
        end = AS_OF + timedelta(days=days)
        assert len(outcomes.comparable_rows(offers, end)) == CUSTOMERS
        assert len(outcomes.comparable_rows(offers, end - timedelta(microseconds=1))) == 0


def test_offers_that_every_policy_has_to_make_earn_nothing(world):
    savings, care = BANK.offers
    bank = replace(BANK, offers=(savings, replace(care, offer_class=OfferClass.MANDATORY)))
    arrays, found = world.evaluated(bank)
    made = arrays.action == arrays.actions.index("budget_check")
    assert made.any()
    assert not arrays.reward[made].any()
    assert arrays.reward[~made].any()
    assert found.logged_reward == pytest.approx(arrays.reward.mean())
    assert found.support.outside.value == pytest.approx(0.0, abs=0.1)


def test_impressions_of_no_decision_are_counted_and_left_out(world):
    assert world.outcomes().left_out == {"cite no decision": CUSTOMERS // 4}


def test_the_page_says_it_in_words_with_the_numbers(world):
    _, found = world.evaluated(CARE_FIRST)
    page = evaluation_page(record_of(found, "care_first", left_out=world.outcomes().left_out))
    assert page.startswith("# Ship: care_first\n\nIt earns more than the policy that was logged: +")
    for part in ("## Estimators", "| dr | doubly robust |", "## Stages", "| growth | 600 |", "cite no decision"):
        assert part in page
