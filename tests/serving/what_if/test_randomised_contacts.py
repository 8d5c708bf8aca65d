"""Contacts of another system that recorded a probability are evidence as the bank's own decisions are."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from decisioning.policies.policy import Rule
from serving.what_if import randomised_contacts
from serving.what_if.evaluation_arrays import evaluation_arrays
from serving.what_if.randomised_contacts import with_randomised_contacts
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, small_decider
from tests.serving.what_if.logged_world import BANK, CARE_FIRST, CUSTOMERS, World


@pytest.fixture
def elsewhere(tmp_path):
    world = World(tmp_path, elsewhere=True)
    yield world
    world.decision_log.close()


def outcomes_of(world, *, since=AS_OF, bank=BANK):
    folder = world.folder / "decisions"
    return with_randomised_contacts(world.outcomes(), small_decider(bank), world.log, folder, since)


def arrays_of(world, outcomes, bank):
    return evaluation_arrays(outcomes, small_decider(bank), world.log, world.folder / "decisions")


def test_they_say_what_logged_decisions_of_the_same_moment_say(tmp_path, elsewhere):
    logged = World(tmp_path / "logged")
    own, _ = logged.evaluated(CARE_FIRST)
    found = arrays_of(elsewhere, outcomes_of(elsewhere), CARE_FIRST)
    order, known = np.argsort(found.customer), {customer: row for row, customer in enumerate(own.customer)}
    rows = [known[customer] for customer in found.customer[order]]
    assert len(order) == CUSTOMERS
    assert found.actions == own.actions
    for name in ("action", "reward", "probability", "target", "context", "propensity", "stage"):
        mine, others = getattr(found, name)[order], getattr(own, name)[rows]
        if mine.dtype == object:
            assert mine.tolist() == others.tolist(), name
        else:
            assert np.allclose(mine, others, equal_nan=True), name
    assert found.evaluation().verdict.word.value == "ship"
    logged.decision_log.close()


def test_what_the_model_has_learned_from_is_left_out_and_counted(elsewhere):
    everything = outcomes_of(elsewhere, since=AS_OF)
    nothing = outcomes_of(elsewhere, since=AS_OF + timedelta(microseconds=1))
    assert len(everything.decisions) == CUSTOMERS
    assert everything.left_out == {"cite no decision": CUSTOMERS // 4}
    assert (len(nothing.decisions), nothing.left_out["made before the model's last training data"]) == (0, CUSTOMERS)


def test_offers_that_the_policy_no_longer_has_are_left_out_whether_they_were_accepted_or_not(elsewhere):
    before = [one.offer for one in outcomes_of(elsewhere).decisions]
    without = outcomes_of(elsewhere, bank=replace(BANK, offers=BANK.offers[:1]))
    assert {one.offer for one in without.decisions} == {"savings_plus"}
    assert without.left_out["not among today's offers of their channel"] == before.count("budget_check")


def test_of_many_contacts_some_are_drawn_and_the_others_are_counted(elsewhere, monkeypatch):
    monkeypatch.setattr(randomised_contacts, "MOST_CONTACTS", 100)
    found, again = outcomes_of(elsewhere), outcomes_of(elsewhere)
    every = {one.customer_id for one in elsewhere.decisions}
    assert len(found.decisions) == 100
    assert {one.customer_id for one in found.decisions} < every
    assert found.decisions == again.decisions
    assert found.left_out["not among the 100,000 contacts that were drawn"] == CUSTOMERS - 100


def test_a_rule_of_the_policy_leaves_nothing_out(elsewhere):
    strict = with_policy(BANK, rules=(Rule(name="never", kind="eligibility", require="FALSE"),))
    found = outcomes_of(elsewhere, bank=strict)
    assert len(found.decisions) == CUSTOMERS
    assert found.reward.max() > 0.0, "what was accepted was worth something all the same"


def test_the_own_decisions_stay_what_they_were(tmp_path):
    world = World(tmp_path)
    outcomes = world.outcomes()
    found = outcomes_of(world)
    assert [one.decision_id for one in found.decisions] == [one.decision_id for one in outcomes.decisions]
    assert np.array_equal(found.reward, outcomes.reward)
    assert found.left_out == outcomes.left_out
    world.decision_log.close()


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.5])
def test_an_impossible_probability_is_none(tmp_path, chance):
    world = World(tmp_path, elsewhere=True, chance=chance)
    found = outcomes_of(world)
    assert (len(found.decisions), found.left_out["decided without a probability"]) == (0, CUSTOMERS)
    world.decision_log.close()
