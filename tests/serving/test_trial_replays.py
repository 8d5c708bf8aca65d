"""Replays of a trial's decisions, made by the real decider and kept in the real log, beside what is known to differ."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import update

from decisioning.engine import DecisionContext
from decisioning.policies.assignment import trial_arms
from decisioning.policies.draws import hashes_of
from decisioning.policies.policy import Exploration, Weight
from decisioning.policies.trial import Trial
from domain.outcome import CountsAs
from events.fingerprints import bucket_of
from features.bucket.work import part_name
from features.moments import utc_microseconds
from records.decision_log import DecisionLog
from records.schema import DECISIONS
from serving.batch.part import FEATURES, decide_part, part_file
from serving.batch.part_log import log_part
from serving.trial_replays import FILES_GONE, OTHERWISE, RECORD_GONE, AssignedCustomers, Replays, replay_trial
from serving.trial_results import trial_reports
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

CUSTOMERS = 60
TRIAL = Trial(
    name="push", question="Does it help?", arms={"usual": 0.5, "pushed": 0.5}, control="usual",
    starts=AS_OF.date(), ends=AS_OF.date() + timedelta(days=6), expected_gain=6.0,
)  # fmt: skip
BASE = with_policy(small_bank(), exploration=Exploration(epsilon=0.3, top=2), rules=())
NAMES = [f"c{number:02d}" for number in range(CUSTOMERS)]


def bank_with(when, factor=4.0):
    levers = (Weight(name="pushed", factor=factor, offers=("budget_check",), when=when),) if when else ()
    return with_policy(BASE, trials=(TRIAL,), levers=levers)


PUSHED = bank_with("trial_push = 'pushed' AND region = 'north'")
ARMS = trial_arms(hashes_of(NAMES), np.zeros(CUSTOMERS, np.int8), TRIAL, "control", TRIAL.starts).astype(np.intp)


class World:
    """Some customers are decided for on some days, by a service or in a night."""

    def __init__(self, folder, bank, *, batch=False, days=(0,)):
        self.folder, self.bank, self.batch = folder, bank, batch
        self.log = small_log(folder / "log", CUSTOMERS)
        self.decision_log = DecisionLog(f"sqlite:///{folder / 'decisions.db'}")
        for day in days:
            self.decide(AS_OF + timedelta(days=day))

    def decide(self, moment):
        decider = small_decider(self.bank)
        if not self.batch:
            features = features_of_all(self.bank, self.log, moment)
            context = DecisionContext(as_of=utc_microseconds(moment), seed=7, channels=["app"])
            decided = decider.decide(features, context)
            for row in range(len(features)):
                self.decision_log.append(decider.record(decided, row, "app"), "log")
            return
        midnight = datetime.combine(moment.date(), time(), self.bank.time_zone)
        features, run = features_of_all(self.bank, self.log, midnight), self.folder / "decisions" / f"{moment:%Y-%m-%d}"
        buckets = bucket_of(pa.array(features.customer_ids.tolist()), self.log.buckets)
        for bucket in range(self.log.buckets):
            there = features.take(np.flatnonzero(buckets == bucket))
            part, context = part_name(bucket), DecisionContext(as_of=utc_microseconds(midnight), seed=7)
            decide_part(decider, there, context, folder=run, part=part)
            log_part(self.decision_log, run, part, seed=7, versions=[decider.versions])

    def replay(self, bank=None):
        decider = small_decider(bank or self.bank)
        start = datetime.combine(TRIAL.starts, time(), self.bank.time_zone)
        assigned = AssignedCustomers(TRIAL, NAMES, ARMS, start, start + timedelta(days=7))
        return replay_trial(assigned, lambda _: decider, self.log, self.decision_log, self.folder / "decisions")

    def truth(self):
        """Who is offered something else by a policy with the lever for all of the north than by one without it."""
        moment = AS_OF if not self.batch else datetime.combine(AS_OF.date(), time(), self.bank.time_zone)
        channels = None if self.batch else ["app"]
        ranks = []
        for when in ("region = 'north'", None):
            bank = bank_with(when)
            features = features_of_all(bank, self.log, moment)
            context = DecisionContext(as_of=utc_microseconds(moment), seed=7, channels=channels)
            ranks.append(small_decider(bank).decide(features, context).ranking.rank)
        differs = dict(zip(features.customer_ids.tolist(), (ranks[0] != ranks[1]).any(axis=1).tolist(), strict=True))
        return np.array([differs[name] for name in NAMES])


@pytest.fixture(params=[False, True], ids=["service", "night"])
def batch(request):
    return request.param


def test_who_would_have_been_offered_something_else_is_found(tmp_path, batch):
    world = World(tmp_path, PUSHED, batch=batch)
    found, truth = world.replay(), world.truth()
    assert 0 < truth.sum() < CUSTOMERS / 2, "some of the north"
    assert found.triggered.tolist() == truth.tolist()
    assert (found.unknown.any(), found.replayed, found.lost) == (False, CUSTOMERS, {})


def test_who_is_found_does_not_depend_on_the_arm(tmp_path, batch):
    """The same customers are found if the trial draws them into other arms."""
    world = World(tmp_path, PUSHED, batch=batch)
    found = world.replay()
    flipped = replace(TRIAL, arms={"usual": 0.01, "pushed": 0.99})
    other = with_policy(PUSHED, trials=(flipped,))
    arms = trial_arms(hashes_of(NAMES), np.zeros(CUSTOMERS, np.int8), flipped, "control", TRIAL.starts).astype(np.intp)
    assert (arms != ARMS)[found.triggered].any()
    start = datetime.combine(TRIAL.starts, time(), other.time_zone)
    there = World(tmp_path / "other", other, batch=batch)
    assigned, decisions = AssignedCustomers(flipped, NAMES, arms, start, start + timedelta(days=7)), there.decision_log
    again = replay_trial(assigned, lambda _: small_decider(other), there.log, decisions, there.folder / "decisions")
    assert again.triggered.tolist() == found.triggered.tolist()
    assert not again.unknown.any()


def test_where_the_arms_do_the_same_nothing_would_have_differed(tmp_path, batch):
    found = World(tmp_path, bank_with("trial_push = 'pushed'", factor=1.0), batch=batch).replay()
    assert (found.triggered.any(), found.unknown.any(), found.replayed) == (False, False, CUSTOMERS)


def test_nothing_is_replayed_after_the_first_decision_that_differs(tmp_path, batch):
    found = World(tmp_path, PUSHED, batch=batch, days=(0, 1, 2)).replay()
    assert found.replayed == 3 * CUSTOMERS - 2 * found.triggered.sum()


def test_a_decision_without_its_record_is_not_replayed_and_nothing_is_known_of_the_customer(tmp_path):
    world = World(tmp_path, PUSHED, days=(0, 1))
    gone = (DECISIONS.c.as_of == int(AS_OF.timestamp() * 1_000_000)) & DECISIONS.c.customer_id.in_(["c03", "c04"])
    with world.decision_log.database.transaction() as connection:
        connection.execute(update(DECISIONS).where(gone).values(record=None))
    found = world.replay()
    assert [NAMES[row] for row in np.flatnonzero(found.unknown)] == ["c03", "c04"]
    assert found.lost == {RECORD_GONE: 2}
    assert not found.triggered[found.unknown].any()


def test_a_night_without_its_files_says_nothing_of_anybody_in_it(tmp_path):
    world = World(tmp_path, PUSHED, batch=True)
    part_file(tmp_path / "decisions" / f"{AS_OF:%Y-%m-%d}", FEATURES, part_name(1)).unlink()
    found = world.replay()
    there = bucket_of(pa.array(NAMES), world.log.buckets) == 1
    assert found.unknown.tolist() == there.tolist()
    assert found.lost == {FILES_GONE: there.sum()}


def test_what_today_s_policy_decides_otherwise_is_not_replayed(tmp_path, batch):
    world = World(tmp_path, bank_with("trial_push = 'pushed' AND region = 'north'"), batch=batch)
    found = world.replay(bank_with("region = 'south' OR (trial_push = 'pushed' AND region = 'north')"))
    assert set(found.lost) == {OTHERWISE}
    assert not found.triggered[found.unknown].any()
    assert found.unknown[1::2].any(), "the south"
    assert not found.unknown[::2].any(), "the north"


def test_a_report_says_for_how_many_decisions_would_have_differed(tmp_path):
    world = World(tmp_path, PUSHED)
    bank = replace(PUSHED, offers=tuple(replace(one, counts_as=COUNTED) for one in PUSHED.offers))

    def replay(assigned):
        assert (assigned.trial, assigned.since, assigned.until) == (TRIAL, *PERIOD)
        decider, folder = small_decider(PUSHED), tmp_path / "decisions"
        return replay_trial(assigned, lambda _: decider, world.log, world.decision_log, folder)

    [report] = trial_reports(world.log, bank, AS_OF + timedelta(days=60), replay=replay)
    assert report.triggered is not None
    assert report.triggered.result.triggered == world.truth().sum()
    told = report.to_json()["triggered"]
    assert (told["replayed"], told["lost"]) == (CUSTOMERS, {})
    assert told["share"] == world.truth().mean()
    assert f"decisions would have differed for {world.truth().sum()} of {CUSTOMERS} customers" in told["sentence"]


def test_of_many_customers_some_are_drawn_in_all_arms(tmp_path, monkeypatch):
    monkeypatch.setattr("serving.trial_results.MOST_REPLAYED", 20)
    bank = replace(PUSHED, offers=tuple(replace(one, counts_as=COUNTED) for one in PUSHED.offers))
    looked = []

    def replay(assigned):
        looked.append((assigned.customers, assigned.arm.tolist()))
        nobody = np.zeros(len(assigned.customers), dtype=bool)
        return Replays(nobody, nobody, len(assigned.customers), {})

    for _ in range(2):
        [report] = trial_reports(small_log(tmp_path / f"{len(looked)}", CUSTOMERS), bank, PERIOD[1], replay=replay)
        assert report.triggered.result.customers == 20
    assert looked[0] == looked[1], "the same each night"
    customers, arm = looked[0]
    assert arm == [int(ARMS[NAMES.index(name)]) for name in customers]
    assert set(arm) == {0, 1}


COUNTED = CountsAs(types=("login",), value=1.0, within_days=1)
PERIOD = tuple(
    datetime.combine(TRIAL.starts + timedelta(days=days), time(), PUSHED.time_zone) for days in (0, TRIAL.days)
)
