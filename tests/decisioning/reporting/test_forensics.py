from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisioning.arbitration.scores import priority_of
from decisioning.engine import DecisionContext, Decisions, decide
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import Arm
from decisioning.policies.policy import Control, Factors, Policy, Rule, Weight
from decisioning.reporting.factor_ablation import FACTORS
from decisioning.reporting.forensics import Forensics, gini
from decisioning.reporting.groups import AGE_BANDS, UNKNOWN, groupings_of
from domain.errors import DataError
from domain.offer import OfferClass
from features.catalogue import FeatureCatalogue
from features.table import FeatureTable
from tests.decisioning import budgeted
from tests.decisioning.budgeted import PRICES
from tests.decisioning.build import CARE, NOON, OFFERS, compiled, customers, ids, likely, random_columns

WITH_BUDGETS = budgeted.policy_of()
FULL = Policy(
    rules=(Rule(name="adult", kind="eligibility", require="age >= 10", except_tags=("service",)),),
    consent={"email": "consent_email"},
    context=(Weight(name="c", factor=1.8, when="open_complaints > 1", products=("loan",)),),
    levers=(Weight(name="l", factor=0.3, offers=("loan_flex",)),),
    control=Control(holdout_share=0.1, no_levers_share=0.1),
    offers_per_channel=2,
)
CLASSES = (*OFFERS, replace(CARE, name="terms", offer_class=OfferClass.MANDATORY, stages=("growth",)))


def decided(policy: CompiledPolicy, n: int, seed: int, prices=None, channels=None) -> Decisions:
    columns = random_columns(policy, n, seed)
    table = FeatureTable(ids(n), np.full(n, NOON), columns, policy.names.catalogue.schema)
    scores = np.random.default_rng(seed).random((n, len(policy.candidates)))
    return decide(table, scores, policy, DecisionContext(as_of=NOON, seed=seed, prices=prices or {}, channels=channels))


def first_of(decisions: Decisions, customer: int, keys, places) -> int | None:
    """The slow way: sorted by class, key, and place in the catalogue."""
    pairs = decisions.policy.candidates.pairs
    allowed = [place for place in places if decisions.allowed[customer, place]]
    kinds = list(OfferClass)
    known = np.where(np.isnan(keys), 0.0, keys)
    order = sorted(allowed, key=lambda at: (kinds.index(pairs[at][0].offer_class), -known[customer, at], at))
    return order[0] if order else None


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(["plain", "classes", "budgets", "one channel"]))
def test_whose_winner_changes_is_counted_as_by_ranking_again(seed, kind):
    policy = {"classes": compiled(FULL, CLASSES), "budgets": WITH_BUDGETS}.get(kind, compiled(FULL))
    channels = ["email"] if kind == "one channel" else None
    decisions = decided(policy, 60, seed, PRICES if kind == "budgets" else None, channels)
    found = Forensics.of(decisions)
    by_channel = [policy.candidates.by_channel[name].tolist() for name in decisions.channels]
    groups = [sorted(place for places in by_channel for place in places), *by_channel]
    standard = np.flatnonzero(decisions.arm == Arm.STANDARD)
    for position, factor in enumerate(FACTORS):
        keys = priority_of(decisions.scores, replace(policy.policy.factors, **{factor: False}))
        counts = [
            sum(
                first_of(decisions, row, keys, places) != first_of(decisions, row, decisions.scores.priority, places)
                for row in standard
            )
            for places in groups
        ]
        assert [found.changed[position], *found.changed_in_channel[position]] == counts, factor
    there = [[first_of(decisions, row, keys, places) is not None for row in standard] for places in groups]
    assert [found.compared, *found.decided] == [sum(one) for one in there]


def test_every_factor_decides_for_somebody():
    rows = Forensics.of(budgeted.decided(WITH_BUDGETS, 1_000, 3)).winners().to_pylist()
    whole = {row["dropped"]: row for row in rows if row["channel"] == "all"}
    assert all(row["changed"] > 0 for row in whole.values()), whole
    assert whole["value"]["share"] == whole["value"]["changed"] / whole["value"]["customers"]


def test_a_number_that_the_policy_leaves_out_changes_nobody():
    policy = compiled(replace(FULL, factors=Factors(value=False)))
    rows = Forensics.of(decided(policy, 200, 1)).winners().to_pylist()
    assert {row["changed"] for row in rows if row["dropped"] in {"value", "prices"}} == {0}


def test_forensics_of_parts_add_up_to_those_of_the_whole():
    policy = compiled(FULL)
    whole = decided(policy, 300, 4)
    scores = np.random.default_rng(4).random((300, len(policy.candidates)))
    parts = []
    for rows in (np.arange(100), np.arange(100, 300)):
        again = decide(whole.features.take(rows), scores[rows], policy, DecisionContext(as_of=NOON, seed=4))
        parts.append(Forensics.of(again, ["region"]))
    added, at_once = parts[0] + parts[1], Forensics.of(whole, ["region"])
    for name, table in added.to_arrow().items():
        assert table.equals(at_once.to_arrow()[name]), name


def test_choices_count_different_offers_whatever_the_channel_per_stage():
    policy = compiled()
    growth = policy.names.catalogue.schema["stage"].code("growth")
    stages = [growth, growth, policy.names.catalogue.schema["stage"].code("lost"), np.nan]
    table = customers(policy, 4, stage=stages)
    scores = likely(policy, 4)
    scores[1, policy.candidates.of_offer("loan_flex")] = np.nan
    found = Forensics.of(decide(table, scores, policy, DecisionContext(as_of=NOON, seed=1)))
    rows = {(row["grouping"], row["group"]): row for row in found.optionality().to_pylist()}
    assert rows["stage", "growth"]["histogram"] == [0, 0, 0, 1, 1], "four offers, and three where one has no score"
    assert rows["stage", "lost"]["histogram"] == [0, 1, 0, 0, 0]
    assert rows["stage", UNKNOWN]["none"] == 1.0
    assert rows["all", "all"]["two_or_more"] == 0.5
    assert rows["all", "all"]["mean_offers"] == 2.0


def test_reach_counts_a_customer_once_an_offer_whatever_the_channels():
    policy = compiled(replace(FULL, control=Control()))
    decisions = decided(policy, 400, 2)
    found = Forensics.of(decisions, ["region", "consent_email"])
    rows = {(row["grouping"], row["group"], row["offer"]): row for row in found.reached().to_pylist()}
    mine = policy.candidates.of_offer("follow_up")
    reached = (decisions.ranking.rank[:, mine] > 0).any(axis=1)
    assert rows["all", "all", "follow_up"]["reached"] == reached.sum()
    north = decisions.features.columns["region"] == 0.0
    assert rows["region", "north", "follow_up"]["reached"] == (reached & north).sum()
    assert rows["region", "north", "follow_up"]["customers"] == north.sum()
    agreed = decisions.features.columns["consent_email"] == 1.0
    assert rows["consent_email", "yes", "follow_up"]["share"] == (reached & agreed).sum() / agreed.sum()


def test_concentration_tells_what_has_nothing_and_how_unequal_the_rest_is():
    policy = compiled(replace(FULL, control=Control()))
    decisions = decided(policy, 400, 2)
    first = [(decisions.ranking.rank[:, policy.candidates.of_offer(o.name)] == 1).sum() for o in OFFERS]
    row = Forensics.of(decisions).concentration().to_pylist()[0]
    assert row["gini"] == gini(np.array(first))
    assert row["largest_share"] == max(first) / sum(first)
    assert Forensics.of(decided(policy, 0, 1)).concentration().to_pylist()[0]["gini"] is None


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_gini_is_half_the_mean_difference_over_the_mean(counts):
    array = np.array(counts)
    if not array.sum():
        assert gini(array) is None
        return
    assert gini(array) == pytest.approx(np.abs(array[:, None] - array).mean() / (2 * array.mean()), abs=1e-12)


def test_a_bank_without_offers_has_forensics_of_nothing():
    policy = compiled(offers=())
    found = Forensics.of(decide(customers(policy, 3), np.empty((3, 0)), policy, DecisionContext(as_of=NOON, seed=1)))
    assert found.optionality().to_pylist()[0]["none"] == 1.0
    assert found.reached().num_rows == 0
    assert (found + found).compared == 0


def with_years(policy: CompiledPolicy) -> FeatureCatalogue:
    catalogue = policy.names.catalogue
    age = replace(catalogue.features["age"], unit="years")
    return FeatureCatalogue({**catalogue.features, "age": age}, catalogue.families, {})


def test_years_are_parted_into_bands():
    policy = compiled()
    table = customers(policy, 5, age=[17.9, 18.0, 64.9, 80.0, np.nan])
    grouping = groupings_of(table, with_years(policy), ["age"])[-1]
    assert [grouping.names[at] for at in grouping.members] == [
        "under 18",
        "18 to 24",
        "55 to 64",
        f"{AGE_BANDS[-1]} and over",
        UNKNOWN,
    ]


def test_what_has_no_groups_or_is_no_feature_is_refused():
    policy = compiled()
    with pytest.raises(DataError, match=r"'region' \(did you mean it\?\)"):
        groupings_of(customers(policy, 1), policy.names.catalogue, ["regoin"])
    with pytest.raises(DataError, match="a number cannot be grouped: got 'inflow'"):
        groupings_of(customers(policy, 1), policy.names.catalogue, ["inflow"])
