"""Evaluation of another policy on logged decisions, in a world whose truth is known."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.policy import Exploration, Rule, Weight
from domain.errors import DataError
from domain.event import Event
from events.schema import table_of
from features.moments import utc_microseconds
from pipelines.evaluation_page import evaluation_page
from records.decision_log import DecisionLog
from serving.batch.part import decide_part
from serving.batch.part_log import log_part
from serving.what_if.logged import evaluation_arrays, logged_outcomes
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log
from tests.serving.what_if.evaluations import record_of

CUSTOMERS = 600
ACCEPTS = {"savings_plus": 0.1, "budget_check": 0.6}
BANK = with_policy(small_bank(), exploration=Exploration(epsilon=0.8, top=2), rules=())
CARE_FIRST = with_policy(
    BANK, exploration=Exploration(epsilon=0.0, floor=0.0), levers=(Weight(name="care", factor=20.0, tags=("service",)),)
)
LATER = AS_OF + timedelta(days=40)


class World:
    """Decisions that were logged, presented and answered as the world says."""

    def __init__(self, folder, *, batch=False):
        self.folder = folder
        self.log = small_log(folder / "log", CUSTOMERS)
        self.decision_log = DecisionLog(f"sqlite:///{folder / 'decisions.db'}")
        decider, features = small_decider(BANK), features_of_all(BANK, self.log)
        context = DecisionContext(as_of=utc_microseconds(AS_OF), seed=7, channels=["app"])
        decided = decider.decide(features, context)
        self.decisions = [decider.record(decided, row, "app") for row in range(len(features))]
        if batch:
            run = folder / "decisions" / "run"
            whole = replace(context, channels=None)
            decide_part(decider, features, whole, folder=run, part="bucket-00")
            log_part(self.decision_log, run, "bucket-00", seed=7, versions=[decider.versions])
            together = decider.decide(features, whole)
            self.decisions = [decider.record(together, row, "app") for row in range(len(features))]
        else:
            for decision in self.decisions:
                self.decision_log.append(decision, "log")
        draw, events = np.random.default_rng(3).random(len(self.decisions)), []
        for decision, chance in zip(self.decisions, draw, strict=True):
            offer = decision.offers[0].offer
            events.append(_event("offer_presented", decision, offer, 1))
            if chance < ACCEPTS[offer]:
                events.append(_event("offer_accepted", decision, offer, 60))
        self.log.append(table_of(events))

    def outcomes(self, until=LATER):
        return logged_outcomes(self.decision_log, self.log, BANK, until)

    def evaluated(self, bank):
        arrays = evaluation_arrays(self.outcomes(), small_decider(bank), self.log, self.folder / "decisions")
        return arrays, arrays.evaluation()

    def truth(self, bank):
        """What a policy earns for each decision: every offer's chance, probability of acceptance and value."""
        decided = small_decider(bank).decide(
            features_of_all(bank, self.log), DecisionContext(as_of=utc_microseconds(AS_OF), seed=7, channels=["app"])
        )
        accepts = np.array([ACCEPTS[offer.name] for offer, _ in decided.policy.candidates.pairs])
        return float((decided.ranking.selection_probability * accepts * decided.scores.value).sum(axis=1).mean())


def _event(kind, decision, offer, minutes):
    at = AS_OF + timedelta(minutes=minutes)
    return Event(
        event_id=f"{kind}-{decision.decision_id}", customer_id=decision.customer_id, type=kind, occurred_at=at,
        available_at=at, channel="app", properties={"offer": offer}, decision_id=decision.decision_id,
    )  # fmt: skip


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


def test_what_the_logged_policy_never_did_is_not_shipped(world):
    nobody = with_policy(BANK, rules=(Rule(name="never", kind="eligibility", require="FALSE"),))
    arrays, found = world.evaluated(nobody)
    assert arrays.target[:, arrays.actions.index("nothing")].min() == 1.0
    assert found.verdict.word.value == "hold"
    assert found.warnings


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


def test_impressions_of_no_decision_are_counted_and_left_out(world):
    assert world.outcomes().left_out == {"cite no decision": CUSTOMERS // 4}


def test_the_page_says_it_in_words_with_the_numbers(world):
    _, found = world.evaluated(CARE_FIRST)
    page = evaluation_page(record_of(found, "care_first", left_out=world.outcomes().left_out))
    assert page.startswith("# Ship: care_first\n\nIt earns more than the policy that was logged: +")
    for part in ("## Estimators", "| dr | doubly robust |", "## Stages", "| growth | 600 |", "cite no decision"):
        assert part in page
