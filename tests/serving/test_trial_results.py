"""Results of trials from a log whose truth is known."""

from dataclasses import replace
from datetime import timedelta
from math import ceil

import numpy as np
import pytest

from decisioning.policies.assignment import trial_arms
from decisioning.policies.draws import hashes_of
from decisioning.policies.trial import Trial
from domain.event import Event
from domain.outcome import CountsAs
from events.log import EventLog
from events.schema import table_of
from serving.beside import slice_trial
from serving.trial_results import slice_report, trial_reports
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, small_bank

CUSTOMERS = 1_000
TRIAL = Trial(
    name="push", question="Does a lever help?", arms={"usual": 0.5, "pushed": 0.5}, control="usual",
    starts=AS_OF.date() + timedelta(days=1), ends=AS_OF.date() + timedelta(days=14), expected_gain=6.0,
    guardrails=("complaint",),
)  # fmt: skip
OPENED = CountsAs(types=("opened",), value=60.0, within_days=1)
LATER = AS_OF + timedelta(days=60)


def bank_with(*trials):
    bank = with_policy(small_bank(), trials=trials)
    return replace(bank, offers=(replace(bank.offers[0], counts_as=OPENED), *bank.offers[1:]))


def test_a_slice_is_judged_against_the_rest_of_the_standard_arm(tmp_path):
    part = slice_trial("propensity", "2", 0.3)
    names = [f"c{n}" for n in range(CUSTOMERS)]
    inside = trial_arms(hashes_of(names), np.zeros(CUSTOMERS, np.int8), part, "control", TRIAL.starts) == 0.0
    events = [
        Event(
            event_id=f"{kind} {name}", customer_id=name, type=kind, occurred_at=AS_OF + timedelta(days=days),
            available_at=AS_OF + timedelta(days=days), product="savings",
        )
        for name, better in zip(names, inside.tolist(), strict=True)
        for kind, days in (("login", -100), *((("opened", 5),) if better else ()))
    ]  # fmt: skip
    log = EventLog(tmp_path, buckets=2)
    log.append(table_of(events))
    found = slice_report(log, bank_with(), part, AS_OF, AS_OF + timedelta(days=20))
    assert found.result is not None
    [arm] = found.result.arms
    assert (arm.customers, arm.gain.value) == (int(inside.sum()), pytest.approx(60.0))
    assert not found.result.sample_ratio.is_mismatch


def test_a_slow_arm_stops_a_trial_whatever_it_gains(tmp_path):
    log = log_of(tmp_path, (0.2, 0.4))
    [report] = trial_reports(log, bank_with(TRIAL), LATER, lambda trial: f"{trial.name} takes 9.0 ms")
    assert str(report.result.verdict) == "stop: push takes 9.0 ms"


def test_what_one_offer_wins_from_another_shows_by_offer(tmp_path):
    bank = bank_with(TRIAL)
    other = replace(bank.offers[1], counts_as=CountsAs(types=("ticked",), value=60.0, within_days=1))
    bank = replace(bank, offers=(bank.offers[0], other))
    names = [f"c{n}" for n in range(CUSTOMERS)]
    arms = trial_arms(hashes_of(names), np.zeros(CUSTOMERS, np.int8), TRIAL, "control", TRIAL.starts)
    events = [
        Event(
            event_id=f"{kind} {name}", customer_id=name, type=kind, occurred_at=AS_OF + timedelta(days=days),
            available_at=AS_OF + timedelta(days=days), product="savings",
        )
        for position, (name, arm) in enumerate(zip(names, arms.tolist(), strict=True))
        for kind, days in (("login", -100), *((("opened" if arm == 1.0 else "ticked", 5),) if position % 2 else ()))
    ]  # fmt: skip
    log = EventLog(tmp_path, buckets=2)
    log.append(table_of(events))
    [report] = trial_reports(log, bank, LATER)
    gains = {one.offer: one.gain for one in report.offers}
    assert gains["savings_plus"].low > 0.0
    assert gains["budget_check"].high < 0.0
    assert report.result.arms[0].gain.low < 0.0 < report.result.arms[0].gain.high, "nothing is won in all"


def log_of(folder, chances, complains=0.0):
    """Everybody opens accounts with the chance of the arm, and some before the trial."""
    names = [f"c{n}" for n in range(CUSTOMERS)]
    arms = trial_arms(hashes_of(names), np.zeros(CUSTOMERS, np.int8), TRIAL, "control", TRIAL.starts)
    generator, events = np.random.default_rng(3), []

    def add(kind, customer, days):
        at = AS_OF + timedelta(days=days)
        events.append(
            Event(
                event_id=f"{kind} {customer} {days}", customer_id=customer, type=kind, occurred_at=at, available_at=at,
                product="savings",
            )
        )  # fmt: skip

    for name, arm in zip(names, arms.astype(int).tolist(), strict=True):
        add("login", name, -100)
        if generator.random() < 0.2:
            add("opened", name, -5)
        if generator.random() < chances[arm]:
            add("opened", name, 5)
        if arm == 1 and generator.random() < complains:
            add("complaint", name, 6)
    log = EventLog(folder, buckets=2)
    log.append(table_of(events))
    return log


def test_a_lever_that_helps_is_shipped_with_what_to_expect(tmp_path):
    [found] = trial_reports(log_of(tmp_path, (0.2, 0.5)), bank_with(TRIAL), LATER)
    assert (found.customers, found.days) == (CUSTOMERS, 14)
    assert found.result.verdict.word.value == "ship"
    [arm] = found.result.arms
    assert arm.gain.low <= 18.0 <= arm.gain.high
    assert 0.0 < arm.shrunk_gain < arm.gain.value


def test_a_lever_that_changes_nothing_is_held_and_one_that_brings_complaints_stopped(tmp_path):
    [same] = trial_reports(log_of(tmp_path / "same", (0.2, 0.2)), bank_with(TRIAL), LATER)
    assert same.result.verdict.word.value == "hold"
    [harm] = trial_reports(log_of(tmp_path / "harm", (0.2, 0.5), complains=0.2), bank_with(TRIAL), LATER)
    assert "more complaint" in harm.result.verdict.reason


def test_a_winner_waits_for_its_response_window(tmp_path):
    [found] = trial_reports(log_of(tmp_path, (0.2, 0.6)), bank_with(TRIAL), AS_OF + timedelta(days=20))
    assert "the last response window has not ended" in found.result.verdict.reason


def test_before_it_begins_a_trial_is_planned_by_the_banks_own_noise(tmp_path):
    [found] = trial_reports(log_of(tmp_path, (0.2, 0.2)), bank_with(TRIAL), AS_OF - timedelta(days=1))
    assert found.result is None
    assert found.needed == pytest.approx(4 * 2.80**2 * (0.2 * 0.8 * 60**2) / 36.0, rel=0.2)
    assert "push has not begun: 1,000 customers" in found.sentence


def test_a_bank_without_trials_has_no_reports(tmp_path):
    assert not trial_reports(log_of(tmp_path, (0.2, 0.2)), bank_with(), LATER)


def test_a_small_trial_says_about_when_it_can_be_read(tmp_path):
    [found] = trial_reports(log_of(tmp_path, (0.2, 0.2)), bank_with(TRIAL), AS_OF - timedelta(days=1))
    wait = TRIAL.days * found.needed / found.customers
    assert (found.readable_from - TRIAL.starts).days == ceil(wait)
    assert f"cannot tell before about {found.readable_from}" in found.sentence


def test_a_trial_without_outcomes_has_no_day(tmp_path):
    [found] = trial_reports(EventLog(tmp_path, buckets=2), bank_with(TRIAL), AS_OF)
    assert found.readable_from is None
