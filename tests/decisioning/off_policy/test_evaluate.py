from __future__ import annotations

import json

import numpy as np
import orjson
import pytest

from decisioning.off_policy.estimators import ESTIMATORS, all_terms, slope
from decisioning.off_policy.evaluate import PolicyEvaluation, evaluate_policy
from decisioning.off_policy.intervals import confidence_sequence
from decisioning.off_policy.logged import LoggedDecisions, logged_decisions
from decisioning.off_policy.outcome_model import expected_rewards
from decisioning.off_policy.verdict import Word
from domain.errors import DataError
from expressions.types import Array
from tests.decisioning.off_policy.world import World

RUNS = 200


@pytest.mark.parametrize("world", [World(valued=False, sharpness=0.3), World()], ids=["answers", "values"])
def test_intervals_of_95_percent_cover_the_truth_in_92_to_98_percent_of_200_logs(world: World) -> None:
    truth, covered = world.true_gain(), dict.fromkeys(("ips", "snips", "dr"), 0)
    for run in range(RUNS):
        one = world.decisions(1_000, seed=1_000 + run)
        logged = logged_decisions(
            one.action, one.reward, one.probability, one.target, context=one.context, customer=one.customer
        )
        terms = all_terms(logged)
        for name in covered:
            gain = terms[name].gain(logged.reward, logged.unit, logged.units)
            covered[name] += gain.low <= truth <= gain.high
    shares = {name: count / RUNS for name, count in covered.items()}
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares


def test_a_better_policy_is_shipped_and_the_reverse_question_is_stopped() -> None:
    one = World().decisions(6_000, seed=1)
    better = evaluate_policy(
        one.action, one.reward, one.probability, one.target, context=one.context, customer=one.customer
    )
    assert better.verdict.word == Word.SHIP
    worst = np.eye(4)[one.expected.argmin(axis=1)] * 0.8 + 0.05
    worse = evaluate_policy(one.action, one.reward, one.probability, worst, context=one.context)
    assert worse.verdict.word == Word.STOP
    assert "earns less" in worse.verdict.reason


def test_the_logging_policy_itself_gains_nothing_and_is_held() -> None:
    one = World().decisions(3_000, seed=2)
    found = evaluate_policy(one.action, one.reward, one.probability, one.logging, context=one.context)
    assert found.gain.low <= 0.0 <= found.gain.high
    assert found.verdict.word == Word.HOLD
    assert found.support.effective == pytest.approx(3_000)
    assert found.gains["ips"].value == pytest.approx(0.0, abs=1e-12)


def test_looking_at_every_customer_rarely_finds_a_gain_where_there_is_none() -> None:
    generator, wrong = np.random.default_rng(4), 0
    for _ in range(200):
        rows = generator.exponential(size=2_000) - 1.0
        looks = (confidence_sequence(rows[:n], np.arange(n), n) for n in range(100, 2_001, 100))
        wrong += any(not found.low <= 0.0 <= found.high for found in looks)
    assert wrong <= 0.05 * 200


def test_a_policy_beyond_the_logs_is_held_with_the_share_of_which_nothing_is_known() -> None:
    generator = np.random.default_rng(5)
    action = generator.integers(2, size=2_000)  # the third action is never logged
    found = evaluate_policy(action, generator.random(2_000), np.full(2_000, 0.5), np.tile([0.3, 0.3, 0.4], (2_000, 1)))
    assert found.verdict.word == Word.HOLD
    assert found.support.outside.low == pytest.approx(0.4, abs=0.02)
    assert "40%" in found.verdict.reason


def test_an_action_whose_reward_is_known_needs_no_evidence() -> None:
    one, rests = World().decisions(6_000, seed=1), 0.1
    logged = {"context": one.context, "customer": one.customer}
    plain = evaluate_policy(one.action, one.reward, one.probability, one.target, **logged)
    never_logged = np.column_stack([(1.0 - rests) * one.target, np.full(6_000, rests)])
    known = [np.nan] * 4 + [0.0]
    found = evaluate_policy(one.action, one.reward, one.probability, never_logged, known_reward=known, **logged)
    assert not found.warnings
    for name in ("ips", "dm", "dr"):
        assert found.values[name].value == pytest.approx((1.0 - rests) * plain.values[name].value), name
    assert found.support.mean_weight.value == pytest.approx(rests + (1.0 - rests) * plain.support.mean_weight.value)
    unknown = evaluate_policy(one.action, one.reward, one.probability, never_logged, **logged)
    assert (unknown.verdict.word, round(unknown.support.outside.value, 1)) == (Word.HOLD, rests)


def test_a_policy_that_does_nothing_is_stopped() -> None:
    one = World().decisions(2_000, seed=1)
    found = evaluate_policy(
        one.action, one.reward, one.probability, np.full(2_000, 4), known_reward=[np.nan] * 4 + [0.0]
    )
    assert all(value.value == pytest.approx(0.0) for value in found.values.values())
    assert found.gain.value == pytest.approx(-one.reward.mean())
    assert found.support.effective == pytest.approx(2_000)
    assert found.verdict.word == Word.STOP


def test_a_known_reward_counts_even_where_that_action_was_logged() -> None:
    generator = np.random.default_rng(5)
    action = generator.integers(2, size=4_000)
    reward = np.where(action == 1, generator.random(4_000), 0.0)
    found = evaluate_policy(
        action, reward, np.full(4_000, 0.5), np.tile([0.6, 0.4], (4_000, 1)), known_reward=[0, np.nan]
    )
    assert found.values["ips"].value == pytest.approx(0.2, abs=0.02)
    assert found.support.mean_weight.value == pytest.approx(1.0, abs=0.02)


def test_few_decisions_that_speak_of_the_policy_are_held() -> None:
    generator = np.random.default_rng(6)
    action = np.where(generator.random(2_000) < 0.02, 1, 0)
    probability = np.where(action == 1, 0.02, 0.98)
    found = evaluate_policy(action, generator.random(2_000), probability, np.full(2_000, 1))
    assert found.verdict.word == Word.HOLD
    assert "own; at least 100 are needed" in found.verdict.reason


def test_segments_add_up_to_the_whole() -> None:
    one = World().decisions(3_000, seed=3)
    segment = np.where(one.context[:, 0] > 0.0, "high", "low")
    found = evaluate_policy(one.action, one.reward, one.probability, one.target, context=one.context, segment=segment)
    assert [each.segment for each in found.segments] == ["high", "low"]
    together = sum(each.decisions * each.gain.value for each in found.segments) / 3_000
    assert together == pytest.approx(found.gain.value)


def test_estimators_give_what_their_formulas_say_by_hand() -> None:
    logged = logged_decisions([0, 1, 1], [1.0, 0.0, 2.0], [0.5, 0.25, 0.5], [[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]])
    assert logged.weight.tolist() == [1.0, 1.0, 2.0]
    terms = all_terms(logged)
    assert terms["ips"].rows.tolist() == [1.0, 0.0, 4.0]
    assert terms["snips"].rows.sum() / terms["snips"].over.sum() == pytest.approx(5.0 / 4.0)
    assert terms["dr"].rows == pytest.approx(terms["dm"].rows + logged.weight * (logged.reward - _chosen(logged)))


def _chosen(logged: LoggedDecisions) -> Array:
    return expected_rewards(logged)[1]


def test_slope_keeps_an_unbiased_estimator_where_the_cheaper_ones_disagree_with_it() -> None:
    one = World(valued=False).decisions(3_000, seed=8)
    logged = logged_decisions(one.action, one.reward, one.probability, one.target, context=one.context)
    unbiased = all_terms(logged)["dr"]
    shifted = type(unbiased)("far", unbiased.rows * 0.1 + 5.0, unbiased.over)
    near = type(unbiased)("near", unbiased.rows.mean() + 0.5 * (unbiased.rows - unbiased.rows.mean()), unbiased.over)
    assert slope(logged, [unbiased, shifted]) is unbiased
    assert slope(logged, [unbiased, near]) is near


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probability": [0.5, 0.0]}, "probability is not usable in 1 of 2 rows: got 0 in row 1, expected above 0"),
        ({"probability": [0.5, float("nan")]}, "probability is not usable"),
        ({"probability": [0.5]}, "probability has another shape"),
        ({"reward": [1.0, float("nan")]}, "reward is not usable in 1 of 2 rows"),
        ({"action": [0, 2]}, "action is not usable in 1 of 2 rows: got 2 in row 1, expected 0 to 1"),
        ({"action": [0, 0.5]}, "action is not usable"),
        ({"target": [[0.5, 0.6], [0.5, 0.5]]}, "rows that sum to 1"),
        ({"target": [[1.5, -0.5], [0.5, 0.5]]}, "target is not usable"),
        ({"target": [[0.5, 0.5]]}, "target has another shape"),
        ({"customer": ["a", None]}, "customer has missing ids"),
        ({"customer": ["a"]}, "customer has another shape"),
        ({"context": [[1.0]]}, "context has another shape"),
        ({"known_reward": [0.0]}, "known_reward has another shape"),
        ({"known_reward": [0.0, float("inf")]}, "known_reward is not usable in 1 of 2 rows"),
        ({"segment": ["a"]}, "segment has another shape"),
        ({"action": []}, "there are no logged decisions"),
        ({"reward": ["a", "b"]}, "reward is not an array of numbers"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_row(change: dict[str, object], words: str) -> None:
    sound = {"action": [0, 1], "reward": [1.0, 0.0], "probability": [0.5, 0.5], "target": [[0.5, 0.5], [0.5, 0.5]]}
    with pytest.raises(DataError) as raised:
        evaluate_policy(**{**sound, **change})
    assert words in str(raised.value)


def test_one_decision_is_answered_with_its_uncertainty() -> None:
    found = evaluate_policy([0], [1.0], [0.5], [[0.5, 0.5]], context=[[float("nan")]])
    assert found.verdict.word == Word.HOLD
    assert np.isnan(found.gain.low)


def test_decisions_in_another_order_give_the_same_figures() -> None:
    one = World().decisions(500, seed=9)
    whole = (one.action, one.reward, one.probability, one.target)
    order = np.random.default_rng(1).permutation(500)
    straight, mixed = evaluate_policy(*whole), evaluate_policy(*(each[order] for each in whole))
    assert straight.gains["ips"].value == pytest.approx(mixed.gains["ips"].value)
    assert straight.support.effective == pytest.approx(mixed.support.effective)


def test_bands_count_each_decision_and_all_of_the_weight_once() -> None:
    probability = [0.5, 0.5, 0.5, 0.25, 0.05]
    target = [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    bands = evaluate_policy([0] * 5, [1.0] * 5, probability, target).support.bands
    assert [(one.above, one.up_to) for one in bands] == [(None, 0), (0, 1), (1, 2), (2, 5), (5, 10), (10, None)]
    assert [one.decisions for one in bands] == [1, 1, 1, 1, 0, 1]
    assert [one.share_of_weight for one in bands] == pytest.approx([0.0, 1 / 27, 2 / 27, 4 / 27, 0.0, 20 / 27])


def test_a_policy_of_which_no_decision_was_ever_made_has_no_weight_to_share() -> None:
    bands = evaluate_policy([0] * 5, [1.0] * 5, [1.0] * 5, np.full(5, 1)).support.bands
    assert bands[0].decisions == 5
    assert all(np.isnan(one.share_of_weight) for one in bands)


@pytest.mark.parametrize("count", [1, 500])
def test_figures_come_back_from_json_as_they_were(count: int) -> None:
    one = World().decisions(count, seed=11)
    segment = np.where(one.context[:, 0] > 0.0, "high", "low")
    found = evaluate_policy(one.action, one.reward, one.probability, one.target, context=one.context, segment=segment)
    text = orjson.dumps(found.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)
    again = PolicyEvaluation.from_json(json.loads(text))
    assert repr(again) == repr(found), "repr, because NaN equals nothing"


def test_every_estimator_has_words() -> None:
    found = evaluate_policy([0, 1], [1.0, 0.0], [0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]])
    assert list(found.gains) == list(ESTIMATORS)
