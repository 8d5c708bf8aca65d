from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest

from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext
from decisioning.policies.policy import Policy, Rule, Weight
from decisioning.reporting.tables import ranked_offers, rejections
from domain.errors import DataError
from serving.what_if.comparison import NOTHING, Comparison, Scenario, compare
from serving.what_if.tables import ANY, tables_of
from tests.serving.build import AS_OF, OFFERS, POLICY, features_of_all, small_bank, small_decider, small_log

ADDED = Rule(name="not_north", kind="eligibility", require="region <> 'north'", offers=("savings_plus",))


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))


def compared(everybody, changed, today=None, segments=("region",)) -> tuple[Comparison, pa.Table]:
    sides = today or Scenario(small_decider()), changed
    found = list(compare(*sides, everybody, context=DecisionContext(as_of=AS_OF, seed=7), segments=segments))
    return reduce(add, [one for one, _ in found]), pa.concat_tables([moved for _, moved in found])


def with_policy(**parts) -> Scenario:
    return Scenario(small_decider().for_bank(small_bank(replace(POLICY, **parts))))


def numbers(tables) -> list[float]:
    rows = [row for table in tables.values() for row in table]
    named = [row[name] for row in rows for name in row if name.endswith("_difference")]
    return [*named, *(row["difference"] for row in tables["overview"])]


def test_a_run_without_a_change_differs_in_nothing(everybody):
    comparison, moved = compared(everybody, Scenario(small_decider().for_bank(small_bank())))
    tables = tables_of(comparison)
    assert set(numbers(tables)) == {0}
    assert (tables["moves"], moved.num_rows, comparison.decisions_moved) == ([], 0, 0)


def test_a_run_without_a_change_decides_the_same_bytes(everybody):
    today = small_decider()
    one, other = (
        side.decide(everybody, DecisionContext(as_of=AS_OF, seed=7)) for side in (today, today.for_bank(small_bank()))
    )
    for table in (ranked_offers, rejections):
        both = []
        for side in (one, other):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table(side).schema) as stream:
                stream.write_table(table(side))
            both.append(sink.getvalue().to_pybytes())
        assert both[0] == both[1]
    assert one.decision_ids([(0, "app")]) == other.decision_ids([(0, "app")])


def test_a_new_rule_is_told_by_who_loses_what(everybody):
    comparison, moved = compared(everybody, with_policy(rules=(*POLICY.rules, ADDED)))
    today = small_decider().decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    north = everybody.columns["region"] == 0.0
    mine = today.policy.candidates.of_offer("savings_plus")
    lost = int((today.ranking.rank[north][:, mine] == 1).sum())
    assert comparison.decisions_moved == moved.num_rows == lost > 0
    assert set(moved["was"].to_pylist()) == {"savings_plus"}
    assert set(moved["is"].to_pylist()) == {"budget_check", NOTHING}
    names = everybody.customer_ids[north]
    assert set(moved["customer_id"].to_pylist()) <= set(names)
    tables = tables_of(comparison)
    [rule] = [row for row in tables["rules"] if row["rule"] == "not_north"]
    assert (rule["rejected_today"], rule["rejected_changed"]) == (0, rule["rejected_difference"])
    assert sum(row["decisions"] for row in tables["moves"]) == lost


def test_value_cost_and_contacts_are_those_of_first_offers(everybody):
    comparison, _ = compared(
        everybody, with_policy(levers=(Weight(name="less", factor=0.1, offers=("savings_plus",)),))
    )
    decisions = small_decider().decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    first = decisions.ranking.rank == 1
    by_channel = {row["channel"]: row for row in tables_of(comparison)["channels"]}
    for channel, columns in decisions.policy.candidates.by_channel.items():
        picked = first[:, columns]
        gain = (decisions.scores.propensity * decisions.scores.value)[:, columns]
        assert by_channel[channel]["contacts_today"] == picked.sum()
        assert by_channel[channel]["expected_value_today"] == pytest.approx(gain[picked].sum())
        assert by_channel[channel]["expected_cost_today"] == pytest.approx(
            decisions.scores.cost[:, columns][picked].sum()
        )
    overview = {row["measure"]: row for row in tables_of(comparison)["overview"]}
    assert overview["expected margin"]["today"] == pytest.approx(
        overview["expected value"]["today"] - overview["expected cost"]["today"]
    )


def test_an_offer_that_is_taken_away_leaves_its_row(everybody):
    bank = replace(small_bank(), offers=OFFERS[1:], policy=Policy())
    comparison, _ = compared(everybody, Scenario(small_decider().for_bank(bank)))
    [row] = [row for row in tables_of(comparison)["offers"] if row["offer"] == "savings_plus"]
    assert row["first_changed"] == row["reached_changed"] == 0
    assert row["first_difference"] == -row["first_today"] < 0


def test_use_of_budgets_follows_their_prices(everybody):
    letters = Budget(name="letters", unit="letters", amount=5, channels=("email",))
    decider = small_decider().for_bank(replace(small_bank(), budgets=(letters,)))
    today, changed = Scenario(decider), Scenario(decider, prices={"letters": 1_000.0})
    comparison, _ = compared(everybody, changed, today)
    [row] = tables_of(comparison)["budgets"]
    contacts = comparison.today.contacts[comparison.channels.index("email")]
    assert (row["use_today"], row["use_changed"], row["amount_today"]) == (contacts, 0.0, 5.0)
    assert contacts > 0


def test_what_is_left_of_a_budget_is_heeded(everybody):
    letters = Budget(name="letters", unit="letters", amount=5, channels=("email",))
    decider = small_decider().for_bank(replace(small_bank(), budgets=(letters,)))
    comparison, _ = compared(everybody, Scenario(decider, remaining={"letters": 0.5}), Scenario(decider))
    assert comparison.changed.contacts[comparison.channels.index("email")] == 0


def test_groups_are_compared_by_any_offer_and_by_each(everybody):
    comparison, _ = compared(everybody, with_policy(rules=(*POLICY.rules, ADDED)))
    rows = {(row["group"], row["offer"]): row for row in tables_of(comparison)["fairness"]}
    assert set(rows) == {
        (group, offer) for group in ("north", "south") for offer in (ANY, "savings_plus", "budget_check")
    }
    north = rows["north", "savings_plus"]
    assert north["rate_changed"] == north["ratio_changed"] == 0.0
    assert (north["below_four_fifths_today"], north["below_four_fifths_changed"]) == (False, True)
    assert rows["north", ANY]["rate_difference"] == 0.0, "who may not have savings is still offered a check"


def test_parts_add_up_to_the_whole(everybody):
    changed = with_policy(rules=(*POLICY.rules, ADDED))
    whole, _ = compared(everybody, changed)
    parts = [compared(everybody.take(rows), changed)[0] for rows in (np.arange(5), np.arange(5, len(everybody)))]
    added = tables_of(parts[0] + parts[1])
    for name, rows in tables_of(whole).items():
        for mine, its in zip(rows, added[name], strict=True):
            assert mine == pytest.approx(its), name


def test_a_segment_that_no_feature_has_is_an_error(everybody):
    with pytest.raises(DataError, match="'region' \\(did you mean it\\?\\)"):
        compared(everybody, Scenario(small_decider()), segments=("regio",))
