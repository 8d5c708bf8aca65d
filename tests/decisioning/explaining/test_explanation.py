import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from decisioning.engine import DecisionContext, Decisions, decide
from decisioning.policies.policy import ContactLimit, Policy, Rule
from decisioning.reporting.summary import Funnel, Summary
from decisioning.reporting.tables import RULES_KEY, ranked_offers, rejections
from domain.decision import RuleVerdict
from tests.decisioning.build import NOON, STAGES, compiled, customers, decision_record, likely

POLICY = compiled(
    Policy(
        consent={"email": "consent_email"},
        rules=(
            Rule(name="adult", kind="eligibility", require="age >= 18", except_tags=("service",)),
            Rule(name="not_held", kind="applicability", require="NOT family_held", products=("loan",)),
        ),
        contact_limits=(ContactLimit(name="weekly", per="channel", at_most=1, days=7),),
    )
)


def decided(n: int = 3, **columns) -> Decisions:
    return decide(customers(POLICY, n, **columns), likely(POLICY, n), POLICY, DecisionContext(as_of=NOON, seed=1))


def verdicts(decisions: Decisions, offer: str, channel: str) -> tuple[RuleVerdict, ...]:
    [found] = [one for one in decision_record(decisions, 0, channel).candidates if one.offer == offer]
    return found.verdicts


def test_a_verdict_says_the_smallest_part_that_failed_with_the_customers_value():
    decisions = decided(age=17.0, loan_held=1.0, limit_weekly_app_7d=1.0)
    said = {v.rule: (v.passed, v.reason) for v in verdicts(decisions, "loan_flex", "app")}
    assert said["adult"] == (False, "age = 17, needs >= 18")
    assert said["not_held"] == (False, "family_held = yes, needs no")
    assert said["weekly"] == (False, "count_of_weekly = 1, needs < 1")
    assert said["stage"] == (True, "")


def test_verdicts_are_of_the_rules_that_apply_only():
    decisions = decided()
    rules = [v.rule for v in verdicts(decisions, "follow_up", "app")]
    assert rules == ["stage", "weekly", "scored", "value_known", "minimum_priority"]


def test_a_priority_too_low_is_told_as_a_number():
    decisions = decided()
    [verdict] = [v for v in verdicts(decisions, "savings_goal", "call_centre") if v.rule == "minimum_priority"]
    assert verdict.reason == "priority = -1, needs >= 0"


def test_the_funnel_adds_up_and_names_what_one_rule_alone_costs():
    funnel = Funnel.of(decided(4, age=[17.0, 40.0, 40.0, 17.0], loan_held=[0.0, 1.0, 0.0, 0.0]))
    table = funnel.to_arrow().to_pylist()
    rows = {row["rule"]: row for row in table}
    assert table[0]["candidates_asked"] == 4 * len(POLICY.candidates)
    assert rows["adult"]["candidates_rejected"] == 2 * 9
    assert rows["not_held"]["candidates_rejected_alone"] == 3
    assert table[-1]["candidates_left"] == funnel.allowed
    for before, after in pairwise(table):
        assert before["candidates_left"] == after["candidates_asked"]


def test_funnels_and_summaries_of_parts_add_up_to_those_of_the_whole():
    ages = [17.0, 40.0, 40.0, 17.0]
    whole = decided(4, age=ages)
    parts = [
        decide(
            whole.features.take(np.array(rows)), likely(POLICY, len(rows)), POLICY, DecisionContext(as_of=NOON, seed=1)
        )
        for rows in ([0, 1, 2], [3])
    ]
    assert (Funnel.of(parts[0]) + Funnel.of(parts[1])).to_arrow().equals(Funnel.of(whole).to_arrow())
    assert (Summary.of(parts[0]) + Summary.of(parts[1])).to_arrow().equals(Summary.of(whole).to_arrow())


def test_the_summary_tells_per_stage_what_is_offered():
    stages = [STAGES.code("growth"), STAGES.code("growth"), STAGES.code("lost"), float("nan")]
    rows = {row["stage"]: row for row in Summary.of(decided(4, stage=stages)).to_arrow().to_pylist()}
    assert list(rows) == ["growth", "lost", "none", "all"]
    assert rows["growth"] | {"mean_priority": 0, "expected_value": 0} == {
        "stage": "growth",
        "customers": 2,
        "with_offer": 2,
        "share_with_offer": 1.0,
        "mean_priority": 0,
        "expected_value": 0,
        "top_offers": "loan_flex 100%",
    }
    assert rows["lost"]["top_offers"] == "follow_up 100%"
    assert rows["none"]["with_offer"] == 0


def test_ranked_offers_come_by_customer_channel_and_rank_with_one_id_a_decision():
    decisions = decided()
    table = ranked_offers(decisions)
    rows = table.to_pylist()
    keys = [(row["customer_id"], POLICY.channels.index(row["channel"]), row["rank"]) for row in rows]
    assert keys == sorted(keys)
    ids = {(row["customer_id"], row["channel"]): row["decision_id"] for row in rows}
    assert len(set(ids.values())) == len(ids)
    assert ids["c1", "email"] == decision_record(decisions, 1, "email").decision_id
    assert len(rows) == (decisions.ranking.rank > 0).sum()
    assert {row["stage"] for row in rows} == {"growth"}


def test_rejections_name_the_first_rule_and_hold_all_as_bits():
    table = rejections(decided(1, age=17.0, limit_weekly_app_7d=1.0))
    names = json.loads(table.schema.metadata[RULES_KEY])
    [row] = [row for row in table.to_pylist() if (row["offer"], row["channel"]) == ("savings_plus", "app")]
    assert row["first_failed"] == "adult"
    assert [name for bit, name in enumerate(names) if row["failed_0"] >> bit & 1] == ["adult", "weekly"]


def test_tables_of_no_customers_have_the_same_columns():
    empty = decide(customers(POLICY, 0), likely(POLICY, 0), POLICY, DecisionContext(as_of=NOON, seed=1))
    assert ranked_offers(empty).schema == ranked_offers(decided()).schema
    assert rejections(empty).schema.names == rejections(decided(1, age=17.0)).schema.names
    assert pa.types.is_uint64(rejections(empty).schema.field("failed_0").type)


def test_the_record_holds_ranked_candidates_first_then_the_rest_with_their_verdicts():
    decisions = decided(age=17.0)
    record = decision_record(decisions, 0, "app", ["inflow"])
    assert [candidate.offer for candidate in record.candidates] == [
        "follow_up",
        "savings_plus",
        "savings_goal",
        "loan_flex",
    ]
    assert [candidate.offer for candidate in record.offers] == ["follow_up"]
    rejected = record.candidates[1]
    assert (rejected.rank, rejected.priority, rejected.selection_probability) == (None, None, 0.0)
    assert record.features["inflow"] == 1000.0
    assert record.features["age"] == 17.0
    assert record.stage == "growth"
    assert record.versions == {"policy": POLICY.digest}


def test_who_is_offered_something_without_a_priority_is_counted_and_not_averaged():
    policy = compiled(Policy(personalised="consent_email"))
    table = customers(policy, 3, consent_email=[1.0, 0.0, 1.0])
    [row] = [
        row
        for row in Summary.of(decide(table, likely(policy, 3), policy, DecisionContext(as_of=NOON, seed=1)))
        .to_arrow()
        .to_pylist()
        if row["stage"] == "all"
    ]
    assert row["with_offer"] == 3
    assert row["mean_priority"] == pytest.approx(row["expected_value"] / 2 - 2.0, abs=0.02)
