"""Trials judged against simulated customers: false alarms, power, guardrails, and what is refused."""

import numpy as np
import pytest

from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.trials import trial_result, trial_size
from domain.errors import DataError

EVEN = {"usual": 0.5, "bonus": 0.5}
DESIGN = TrialDesign(EVEN, "usual", expected_gain=1.0)
SPENDS, CUSTOMERS, DAYS = 2.0, 1_000, 28


class Life:
    """Customers of lasting differences, who spend on some days; those with a bonus spend more."""

    def __init__(self, seed, effect=0.0, shares=None):
        generator = np.random.default_rng(seed)
        shares = shares or EVEN
        self.arm = generator.choice(list(shares), CUSTOMERS, p=list(shares.values()))
        likes = generator.gamma(2.0, 0.5, CUSTOMERS)
        rate = 0.1 * likes[:, None] * np.where(self.arm == "bonus", 1.0 + effect, 1.0)[:, None]
        self.spent = (SPENDS * generator.poisson(np.broadcast_to(rate, (CUSTOMERS, DAYS)))).cumsum(axis=1)
        self.before = SPENDS * generator.poisson(1.4 * likes)

    def held_out(self, days=DAYS, guardrails=None, **more):
        outcomes = TrialOutcomes.of(self.spent[:, days - 1], self.arm, before=self.before, guardrails=guardrails)
        return trial_result(outcomes, DESIGN, days=days, **more)


def first_word(life):
    """Look every day, and take the first answer that is not hold."""
    words = (life.held_out(day).verdict.word.value for day in range(1, DAYS + 1))
    return next((word for word in words if word != "hold"), "hold")


def test_twenty_trials_of_nothing_watched_daily_raise_at_most_the_promised_false_alarms():
    rounds = [sum(first_word(Life(20 * start + seed)) != "hold" for seed in range(20)) for start in range(5)]
    assert max(rounds) <= 3, "5 % of 20 is 1; more than 3 has a probability below 2 %"
    assert sum(rounds) <= 8, "5 % of 100 is 5"


def test_a_large_effect_is_shipped_and_a_loss_is_stopped():
    assert first_word(Life(1, effect=0.5)) == "ship"
    assert first_word(Life(1, effect=-0.5)) == "stop"


def test_intervals_cover_the_truth_at_every_look_together():
    missed = 0
    for seed in range(60):
        life = Life(1_000 + seed, effect=0.3)
        truths = {day: 0.3 * 0.1 * SPENDS * day for day in range(2, DAYS + 1, 2)}
        gains = {day: life.held_out(day).arms[0].gain for day in truths}
        missed += any(not gains[day].low <= truths[day] <= gains[day].high for day in truths)
    assert missed <= 6


def test_what_is_shipped_is_shrunk_and_so_are_the_best_of_many_that_do_nothing():
    best = max((Life(seed).held_out().arms[0] for seed in range(20)), key=lambda one: one.gain.value)
    assert 0.0 < best.shrunk_gain < best.gain.value
    shipped = Life(1, effect=0.5).held_out()
    assert "expect" in shipped.verdict.reason
    assert shipped.arms[0].shrunk_gain < shipped.arms[0].gain.value


def test_nothing_is_shipped_before_whole_weeks_and_the_last_window_have_ended():
    life = Life(1, effect=0.8)
    assert life.held_out(14).verdict.word.value == "ship"
    assert "not whole weeks" in life.held_out(15).verdict.reason
    assert "has not ended" in life.held_out(14, is_over=False).verdict.reason


def test_a_broken_guardrail_stops_a_winner():
    life = Life(1, effect=0.5)
    complains = np.random.default_rng(2).random(CUSTOMERS) < np.where(life.arm == "bonus", 0.25, 0.1)
    quiet = np.random.default_rng(3).random(CUSTOMERS) < 0.1
    stopped = life.held_out(guardrails={"complaints": complains, "opt-outs": quiet}).verdict
    assert (stopped.word.value, stopped.reason) == (
        "stop",
        "bonus has more complaints than the control arm, beyond chance",
    )
    assert life.held_out(guardrails={"opt-outs": quiet}).verdict.word.value == "ship"


def test_arms_of_other_sizes_than_declared_are_not_read():
    life = Life(1, effect=0.5, shares={"usual": 0.4, "bonus": 0.6})
    assert "other sizes than declared" in life.held_out().verdict.reason


def test_households_count_once():
    life = Life(1, effect=0.2)
    alone = life.held_out()
    outcomes = TrialOutcomes.of(
        np.repeat(life.spent[:, -1], 4), np.repeat(life.arm, 4),
        unit=np.repeat(np.arange(CUSTOMERS), 4), before=np.repeat(life.before, 4),
    )  # fmt: skip
    four = trial_result(outcomes, DESIGN, days=DAYS)
    assert four.arms[0].gain.high == pytest.approx(alone.arms[0].gain.high, rel=1e-6)


def test_the_planned_size_has_the_promised_power():
    needed = round(trial_size(10.0, 2.0, (0.3, 0.7), correlation=0.6))
    generator, found = np.random.default_rng(4), 0
    for _ in range(400):
        known = generator.normal(0.0, 10.0, needed)
        there = generator.random(needed) < 0.3
        outcome = 0.6 * known + generator.normal(0.0, 8.0, needed) + 2.0 * there
        outcome -= 0.6 * known
        error = np.sqrt(outcome[there].var() / there.sum() + outcome[~there].var() / (~there).sum())
        found += abs(outcome[there].mean() - outcome[~there].mean()) > 1.96 * error
    assert 0.74 < found / 400 < 0.86


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"shares": {"usual": 0.5, "bonus": 0.4}}, "do not add up"),
        ({"shares": {"usual": 1.0}}, "needs a control arm and another one"),
        ({"control": "none"}, "needs a control arm and another one"),
        ({"outcome": [1.0, float("inf")]}, "not a number"),
        ({"arm": ["usual"]}, "another shape"),
        ({"arm": ["usual", "other"] * 100, "outcome": [1.0, 2.0] * 100}, "without a share"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(more, what):
    usual = {"outcome": [1.0, 2.0], "arm": ["usual", "bonus"], "shares": EVEN, "control": "usual"}
    found = {**usual, **more}
    with pytest.raises(DataError, match=what):  # noqa: PT012 - any of the three may refuse
        design = TrialDesign(found["shares"], found["control"], expected_gain=1.0)
        trial_result(TrialOutcomes.of(found["outcome"], found["arm"]), design, days=7)


def test_a_handful_of_customers_is_too_few():
    found = trial_result(TrialOutcomes.of([1.0, 2.0] * 20, ["usual", "bonus"] * 20), DESIGN, days=7)
    assert "fewer than 30" in found.verdict.reason
