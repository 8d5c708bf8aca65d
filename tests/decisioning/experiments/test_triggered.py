"""Triggered analysis of invented trials whose truth is known."""

from pathlib import Path

import numpy as np
import pytest

from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.sample_ratio import SampleRatio
from decisioning.experiments.trials import trial_result
from decisioning.experiments.triggered import TriggeredResult, triggered_result
from decisioning.off_policy.verdict import Verdict, Word
from domain.estimate import Estimate

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "proof.md"
SHARES = {"usual": 0.5, "pushed": 0.5}
SEEDS = range(40)
CUSTOMERS, DAYS, GAIN = 3_000, 7, 4.0
NONE = np.zeros(CUSTOMERS, dtype=bool)
DESIGN = TrialDesign(SHARES, "usual", expected_gain=0.5)


class World:
    """Customers who are offered something every day; the pushed arm offers more to those who are interested.

    What was offered makes them less interested, so that histories drift apart after the first decision that differs.
    That one brings `GAIN`; the rest is noise, and more of it for those whose decisions differ.
    """

    def __init__(self, seed):
        draw = np.random.default_rng(seed)
        self.arm = np.where(draw.random(CUSTOMERS) < 0.5, "usual", "pushed")
        pushed = self.arm == "pushed"
        interest = draw.normal(0.0, 1.0, CUSTOMERS)
        self.triggered = np.zeros(CUSTOMERS, dtype=bool)
        for _ in range(DAYS):
            interest += draw.normal(0.0, 0.2, CUSTOMERS)
            usual, push = interest > 2.0, interest > 1.4
            self.triggered |= usual != push
            interest -= 0.5 * np.where(pushed, push, usual)
        self.outcome = draw.normal(10.0, 3.0 + 2.0 * self.triggered) + GAIN * (self.triggered & pushed)

    def outcomes(self, **more):
        return TrialOutcomes.of(self.outcome, self.arm, **more)

    def judged(self, triggered=None, unknown=NONE, **more):
        triggered = self.triggered if triggered is None else triggered
        return triggered_result(self.outcomes(**more), DESIGN, triggered, unknown, days=28)


@pytest.fixture(scope="module")
def results():
    return [(world, world.judged()) for world in map(World, SEEDS)]


def test_the_effect_is_unbiased_among_the_triggered_and_diluted_over_all(results):
    gains = np.array([found.gains["pushed"].value for _, found in results])
    diluted = np.array([found.diluted.arms[0].gain.value for _, found in results])
    truth = np.array([GAIN * world.triggered.mean() for world, _ in results])
    assert abs(gains.mean() - GAIN) < 3.0 * gains.std() / np.sqrt(len(gains))
    assert abs((diluted - truth).mean()) < 3.0 * (diluted - truth).std() / np.sqrt(len(gains))
    assert gains.std() < 0.6


def test_the_interval_covers_the_truth_and_is_narrower_than_that_of_everybody(results):
    covered = sum(found.gains["pushed"].low <= GAIN <= found.gains["pushed"].high for _, found in results)
    assert covered >= 38
    for world, found in results[:5]:
        everybody = trial_result(world.outcomes(), DESIGN, days=28).arms[0].gain
        diluted = found.diluted.arms[0].gain
        assert diluted.high - diluted.low < 0.7 * (everybody.high - everybody.low)


def test_chance_explains_how_the_triggered_are_spread_over_the_arms(results):
    mismatches = sum(found.diluted.sample_ratio.is_mismatch for _, found in results)
    assert mismatches == 0
    assert all(found.share == world.triggered.mean() for world, found in results)


def test_a_rule_that_depends_on_the_arm_is_a_mismatch_and_holds():
    world = World(1)
    # as if only what was really offered in the pushed arm were looked at
    world.triggered |= (world.arm == "pushed") & (np.random.default_rng(2).random(CUSTOMERS) < 0.2)
    found = world.judged()
    assert found.diluted.sample_ratio.is_mismatch
    assert found.verdict.word.value == "hold"
    assert "arms have other sizes than declared" in found.verdict.reason


def test_where_nothing_differs_nothing_would_have_differed():
    world = World(3)
    found = world.judged(triggered=NONE)
    assert (found.verdict.word.value, found.share, found.diluted, found.gains) == ("hold", 0.0, None, {})
    assert found.sentence == (
        "decisions would have differed for 0 of 3,000 customers: hold: nothing would have differed, so that the trial "
        "cannot have changed anything"
    )


def test_customers_whose_decisions_cannot_be_replayed_are_left_out_and_counted():
    world = World(4)
    unknown = np.random.default_rng(5).random(CUSTOMERS) < 0.2
    found = world.judged(unknown=unknown)
    assert found.customers == CUSTOMERS - unknown.sum()
    assert found.triggered == (world.triggered & ~unknown).sum()
    assert found.unknown == {name: int((unknown & (world.arm == name)).sum()) for name in SHARES}
    assert not found.unknown_ratio.is_mismatch
    assert found.verdict.word.value == "ship"
    assert f"({unknown.sum():,} customers with a decision that cannot be replayed are left out)" in found.sentence


def test_another_share_that_cannot_be_replayed_in_one_arm_is_refused():
    world = World(4)
    chance = np.where(world.arm == "usual", 0.03, 0.005)
    unknown = np.random.default_rng(5).random(CUSTOMERS) < chance
    assert unknown.sum() < 100, "few are enough"
    found = world.judged(unknown=unknown)
    assert found.verdict.word.value == "hold"
    assert "decisions that cannot be replayed differ between arms" in found.verdict.reason


def test_nobody_s_decisions_can_be_replayed():
    world = World(4)
    found = world.judged(triggered=NONE, unknown=~NONE)
    assert str(found.verdict) == "hold: nobody's decisions can be replayed"
    assert np.isnan(found.share)


def test_a_guardrail_that_breaks_among_the_triggered_stops():
    world = World(6)
    bad = world.triggered & (world.arm == "pushed")
    found = world.judged(guardrails={"complaint": bad})
    assert str(found.verdict) == "stop: pushed has more complaint than the control arm, beyond chance"


def test_the_guide_shows_the_sentence_as_it_is():
    diluted = Estimate(1.47, 0.35, 2.6)
    share = 208 / 1_143
    gain = Estimate(*(round(value / share, 1) for value in (diluted.value, diluted.low, diluted.high)))
    found = TriggeredResult(
        verdict=Verdict(
            Word.HOLD, "pushed gains +1.47 a customer (+0.35 to +2.6), but the last response window has not ended"
        ),
        customers=1_143,
        triggered=208,
        unknown={},
        unknown_ratio=SampleRatio(0, None),
        gains={"pushed": gain},
        diluted=None,
    )
    assert found.sentence in GUIDE.read_text(encoding="utf-8")
