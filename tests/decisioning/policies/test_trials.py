"""Trials in decisions: conditions read the arm, layers exclude each other, and a changed trial is another one."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.engine import DecisionContext, decide
from decisioning.policies.assignment import arms_of, trial_arms
from decisioning.policies.compile import compile_policy
from decisioning.policies.draws import Arm, hashes_of
from decisioning.policies.policy import Control, Exploration, Policy, Rule, Weight
from decisioning.policies.trial import Trial
from tests.decisioning.build import NOON, OFFERS, VOCABULARY, catalogue_for, column, compiled, customers, ids, likely

TRIAL = Trial(
    name="push", question="Does a lever help?", arms={"usual": 0.5, "pushed": 0.5}, control="usual",
    starts=date(2026, 3, 2), ends=date(2026, 3, 15), expected_gain=1.0,
)  # fmt: skip
UNITS = hashes_of(ids(20_000))
NOBODY = np.zeros(len(UNITS), dtype=np.int8)
LEVER = Weight(name="pushed", factor=20.0, offers=("savings_goal",), when="trial_push = 'pushed'")
PLAIN = Exploration(epsilon=0.0, floor=0.0)


def drawn(trial, arms=NOBODY, day=date(2026, 3, 2)):
    return trial_arms(UNITS, arms, trial, "control", day)


def decided(policy, n=400, as_of=NOON):
    return decide(customers(policy, n), likely(policy, n), policy, DecisionContext(as_of=as_of, seed=1))


def test_the_lever_of_an_arm_works_for_its_customers_and_for_nobody_else():
    policy = compiled(Policy(trials=(TRIAL,), levers=(LEVER,), exploration=PLAIN))
    first = decided(policy).ranking.rank[:, column(policy, "savings_goal", "app")] == 1
    assert (first == (drawn(TRIAL)[:400] == 1.0)).all()
    assert 0.4 < first.mean() < 0.6


def test_before_and_after_the_trial_everything_is_as_without_it():
    policy = compiled(Policy(trials=(TRIAL,), levers=(LEVER,), exploration=PLAIN))
    without = compiled(Policy(exploration=PLAIN))
    for as_of in (np.datetime64("2026-03-01T12:00", "us"), np.datetime64("2026-03-16T12:00", "us")):
        assert (decided(policy, as_of=as_of).ranking.rank == decided(without, as_of=as_of).ranking.rank).all()


def test_rules_may_read_an_arm():
    rule = Rule(
        name="calm", kind="applicability", require="trial_push IS NULL OR trial_push = 'usual'", offers=("loan_flex",)
    )
    policy = compiled(Policy(trials=(TRIAL,), rules=(rule,)))
    allowed = decided(policy).allowed[:, column(policy, "loan_flex", "app")]
    assert (allowed == (drawn(TRIAL)[:400] == 0.0)).all()


def test_only_customers_of_the_standard_arm_take_part():
    arms = arms_of(UNITS, Control(holdout_share=0.2, no_levers_share=0.2), TRIAL.starts)
    assert (np.isnan(drawn(TRIAL, arms)) == (arms != Arm.STANDARD)).all()


def test_trials_of_a_layer_share_nobody_and_those_of_two_layers_are_independent():
    first, second = replace(TRIAL, slice=(0.0, 0.5)), replace(TRIAL, name="other", slice=(0.5, 1.0))
    inside = [~np.isnan(drawn(trial)) for trial in (first, second)]
    assert not (inside[0] & inside[1]).any()
    assert (inside[0] | inside[1]).all()
    elsewhere = ~np.isnan(drawn(replace(first, layer="channels")))
    assert (inside[0] & elsewhere).mean() == pytest.approx(0.25, abs=0.02)


@settings(max_examples=20)
@given(st.floats(0.05, 1.0))
def test_a_wider_slice_only_adds_customers_and_leaves_their_arms(last):
    narrow, wide = sorted((0.5, last))
    before, after = (drawn(replace(TRIAL, slice=(0.0, edge))) for edge in (narrow, wide))
    inside = ~np.isnan(before)
    assert (before[inside] == after[inside]).all()


@pytest.mark.parametrize("change", [{"arms": {"usual": 0.4, "pushed": 0.6}}, {"starts": date(2026, 3, 1)}])
def test_edited_arms_are_another_trial_with_other_customers(change):
    before, after = drawn(TRIAL), drawn(replace(TRIAL, **change))
    assert 0.4 < (before != after).mean() < 0.6


@settings(max_examples=15)
@given(st.integers(0, 59))
def test_one_customer_alone_is_decided_as_in_the_batch(row):
    policy = compiled(Policy(trials=(TRIAL,), levers=(LEVER,), control=Control(holdout_share=0.1)))
    table, scores, context = customers(policy, 60), likely(policy, 60), DecisionContext(as_of=NOON, seed=1)
    batch = decide(table, scores, policy, context)
    alone = decide(table.take(np.array([row])), scores[[row]], policy, context)
    assert alone.scores.priority[0].tobytes() == batch.scores.priority[row].tobytes()
    assert alone.ranking.rank[0].tobytes() == batch.ranking.rank[row].tobytes()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"arms": {"usual": 0.5, "pushed": 0.4}}, "arms do not add up"),
        ({"arms": {"usual": 1.0}}, "arms do not add up"),
        ({"control": "other"}, "no such arm"),
        ({"ends": date(2026, 3, 10)}, "not whole weeks"),
        ({"ends": date(2026, 3, 1)}, "not whole weeks"),
        ({"slice": (0.5, 0.5)}, "not a part of the layer"),
        ({"expected_gain": 0.0}, "nothing is hoped for"),
        ({"guardrails": ("complaint",)}, "unknown event type"),
        ({"name": "A B"}, "not a name"),
    ],
)
def test_a_trial_that_cannot_be_read_is_refused(change, what):
    policy = Policy(trials=(replace(TRIAL, **change),))
    problems = compile_policy(policy, OFFERS, VOCABULARY, catalogue_for(policy))[1]
    assert what in problems[0].what


def test_trials_that_share_customers_at_the_same_time_are_refused():
    other = replace(TRIAL, name="other", slice=(0.9, 1.0))
    policy = Policy(trials=(TRIAL, other))
    [problem] = compile_policy(policy, OFFERS, VOCABULARY, catalogue_for(policy))[1]
    assert "push has customers of this slice" in problem.what
    later = Policy(trials=(TRIAL, replace(other, starts=date(2026, 3, 16), ends=date(2026, 3, 22))))
    assert not compile_policy(later, OFFERS, VOCABULARY, catalogue_for(later))[1]
