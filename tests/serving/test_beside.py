"""Models beside the champions: who gets which, that all ways of deciding agree, and that failures hurt nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.assignment import trial_arms
from decisioning.policies.draws import hashes_of
from decisioning.policies.trial import Trial
from records.decision_log import DecisionLog
from serving.batch.part import OFFERS, decide_part, part_file
from serving.batch.part_log import log_part
from serving.beside import Beside, Calls, ModelArm, Shadow, slice_trial
from serving.decider import Decider
from tests.serving.build import AS_OF, Interested, Leaving, features_of_all, small_bank, small_log

CONTEXT = DecisionContext(as_of=AS_OF, seed=7)
CUSTOMERS = 200


class Keen(Interested):
    """Says twice as much."""

    def predict(self, features: Any, candidates: Any, *, num_threads: int = 1) -> Any:
        return np.minimum(2.0 * super().predict(features, candidates), 1.0)


class Broken(Interested):
    def predict(self, features: Any, candidates: Any, *, num_threads: int = 1) -> Any:
        raise ValueError("its trees are damaged")


def decider(share: float = 0.5, scorer: Interested | None = None, shadow: Interested | None = None) -> Decider:
    trial = slice_trial("propensity", "2", share)
    arm = ModelArm(name="propensity", cited="2", scorer=scorer or Keen(), trial=trial, arm=0)
    beside = Beside(arms=(arm,) if share else (), shadow=None if shadow is None else Shadow(cited="2", scorer=shadow))
    return Decider(small_bank(), Leaving(), Interested(), {"churn": "1", "propensity": "1"}, beside=beside)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log"), CUSTOMERS))


def versions_of(one: Decider, features: Any) -> dict[str, str]:
    """Version that answers each customer."""
    return {
        str(customer): made.decisions.versions["propensity"]
        for made in one.decide_as_assigned(features, CONTEXT)
        for customer in made.decisions.features.customer_ids
    }


def test_a_customer_alone_gets_the_version_that_they_get_among_all(everybody: Any) -> None:
    among_all = versions_of(decider(), everybody)
    assert len(among_all) == CUSTOMERS
    for row in range(0, CUSTOMERS, 7):
        alone = versions_of(decider(), everybody.take(np.array([row])))
        assert alone.items() <= among_all.items()


def test_a_larger_slice_only_adds_customers(everybody: Any) -> None:
    few, many = (versions_of(decider(share), everybody) for share in (0.1, 0.3))
    inside, outside = ({customer for customer, version in one.items() if version == "2"} for one in (few, many))
    assert inside < outside
    assert 0.03 < len(inside) / CUSTOMERS < 0.2


def test_a_night_logs_every_decision_with_the_version_that_made_it(everybody: Any, tmp_path: Path) -> None:
    one, log = decider(), DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    decide_part(one, everybody, CONTEXT, folder=tmp_path / "run", part="bucket-00")
    assert {made.decider.versions["propensity"] for made in one.decide_as_assigned(everybody, CONTEXT)} == {"1", "2"}
    both = [one.versions, {**one.versions, "propensity": "2"}]
    offers = pq.read_table(part_file(tmp_path / "run", OFFERS, "bucket-00"))
    new = log_part(log, tmp_path / "run", "bucket-00", seed=7, versions=both)
    assert new == len(set(offers["decision_id"].to_pylist()))
    expected = versions_of(one, everybody)
    for row in offers.slice(0, 400).to_pylist():
        if row["rank"] == 1:
            assert log.get(row["decision_id"]).versions["propensity"] == expected[row["customer_id"]]
    log.close()


def test_what_everybody_gets_without_a_slice_is_what_was_decided_before(everybody: Any) -> None:
    [whole] = decider(0.0).decide_as_assigned(everybody, CONTEXT)
    before = decider(0.0).decide(everybody, CONTEXT)
    np.testing.assert_array_equal(whole.decisions.ranking.rank, before.ranking.rank)
    np.testing.assert_array_equal(whole.rows, np.arange(CUSTOMERS))


def test_an_arm_of_a_trial_has_its_model_and_the_control_arm_the_champion(everybody: Any) -> None:
    trial = Trial(
        name="keen", question="Does the new model earn more?", arms={"usual": 0.5, "keen": 0.5}, control="usual",
        starts=AS_OF.date(), ends=AS_OF.date() + timedelta(days=6), expected_gain=1.0, models={"keen": "2"},
    )  # fmt: skip
    arms = [
        ModelArm(name="propensity", cited="1", scorer=None, trial=trial, arm=0),
        ModelArm(name="propensity", cited="2", scorer=Keen(), trial=trial, arm=1),
    ]
    of_slice = decider().beside.arms
    one = Decider(
        small_bank(), Leaving(), Interested(), {"churn": "1", "propensity": "1"}, beside=Beside(arms=(*arms, *of_slice))
    )
    units = hashes_of(map(str, everybody.customer_ids))
    drawn = trial_arms(units, np.zeros(len(units), np.int8), trial, "control", AS_OF.date())
    expected = dict(zip(map(str, everybody.customer_ids), np.where(drawn == 1.0, "2", "1").tolist(), strict=True))
    assert versions_of(one, everybody) == expected, "whoever takes part in the trial is in no slice"
    later = DecisionContext(as_of=AS_OF + timedelta(days=10), seed=7)
    after = [made.decisions.versions["propensity"] for made in one.decide_as_assigned(everybody, later)]
    assert sorted(after) == ["1", "2"], "after the trial the slice has its customers"


def test_only_decisions_for_one_customer_are_timed(everybody: Any) -> None:
    one = decider(0.0)
    list(one.decide_as_assigned(everybody, CONTEXT))
    assert one.beside.calls.take()["1"].timed == 0
    list(one.decide_as_assigned(everybody.take(np.array([0])), CONTEXT))
    calls = one.beside.calls.take()["1"]
    assert (calls.decisions, calls.timed) == (1, 1)
    assert 0.0 < calls.milliseconds < 1_000.0


def test_where_a_model_fails_the_champion_decides_and_it_is_counted(everybody: Any) -> None:
    broken = decider(scorer=Broken())
    assert set(versions_of(broken, everybody).values()) == {"1"}
    counted = broken.beside.calls.take()
    assert counted["2"].failed == counted["2"].decisions > 0
    assert counted["1"].decisions == CUSTOMERS
    assert broken.beside.calls.take() == {}


def test_a_shadow_that_fails_is_counted_and_disturbs_nobody(everybody: Any) -> None:
    for scorer, failed in ((Keen(), False), (Broken(), True)):
        one = decider(0.0, shadow=scorer)
        decisions = one.decide(everybody, CONTEXT)
        one.score_in_shadow(decisions, 1_000)
        calls: Calls = one.beside.calls.take()["2"]
        assert calls.decisions == int((decisions.ranking.rank == 1).sum())
        assert calls.failed == (calls.decisions if failed else 0)
        assert calls.own_nanoseconds > 0
        assert calls.all_nanoseconds == 1_000
