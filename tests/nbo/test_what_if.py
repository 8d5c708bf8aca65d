from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest

from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext
from decisioning.policies.policy import Rule
from nbo.what_if import show_what_if
from pipelines.what_if_page import ratio_row, what_if_page
from serving.what_if.comparison import Scenario, compare
from serving.what_if.tables import tables_of
from tests.nbo.test_commands import exit_code
from tests.pipelines.csv_bank import CsvBank, logins
from tests.serving.build import AS_OF, POLICY, features_of_all, small_bank, small_decider, small_log

RULE = Rule(name="not_north", kind="eligibility", require="region <> 'north'", offers=("savings_plus",))
LETTERS = Budget(name="letters", unit="letters", amount=5, channels=("email",))


def result_of(folder: Path, *, changed: bool) -> dict[str, Any]:
    everybody = features_of_all(small_bank(), small_log(folder))
    today = small_decider()
    bank = small_bank(replace(POLICY, rules=(*POLICY.rules, RULE)) if changed else POLICY)
    other = today.for_bank(replace(bank, budgets=(LETTERS,)) if changed else bank)
    sides = compare(
        Scenario(today), Scenario(other), everybody, context=DecisionContext(as_of=AS_OF, seed=7), segments=["region"]
    )
    tables = tables_of(reduce(add, [comparison for comparison, _ in sides]))
    about = {"bank": "small", "change": "change.yaml", "as_of": AS_OF.isoformat(), "same": not changed, "folder": None}
    return {**about, **tables, "prices": []}


def test_a_change_is_shown_with_who_loses_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_what_if(result_of(tmp_path, changed=True))
    shown = capsys.readouterr().out
    for title in (
        "offers that win and lose",
        "decisions whose first offer changes",
        "changed costs of rules",
    ):
        assert title in shown
    assert "not_north" in shown
    assert "north" in shown
    assert "letters" in shown


def test_where_nothing_differs_only_what_is_alike_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_what_if(result_of(tmp_path, changed=False))
    shown = capsys.readouterr().out
    assert "both sides are the same bank" in shown
    for title in ("offers that win and lose", "decisions whose first offer", "what rules cost", "less with the change"):
        assert title not in shown


def test_the_page_has_every_table_in_full(tmp_path: Path) -> None:
    result = result_of(tmp_path, changed=True)
    page = what_if_page(result)
    assert page.startswith("# small with change.yaml as of 2026-03-02\n")
    for title in ("Channels", "Budgets", "Prices", "Offers", "Stages", "Moves", "Rules", "Numbers", "Fairness"):
        assert f"\n## {title}\n" in page
    assert page.count("| region |") == len(result["fairness"])
    assert "expected_value_difference" in page
    assert "below 0.8" in page


def test_a_ratio_is_one_cell() -> None:
    side = {"ratio": 0.5, "low": 0.4, "high": 0.6}
    row = {"segment": "s", "group": "g", "offer": "any", "customers": 9, "rate_today": 0.1, "rate_changed": 0.2}
    for name, flags in (("today", (True, True)), ("changed", (False, False))):
        row |= {f"ratio_{name}": side["ratio"], f"ratio_{name}_low": side["low"], f"ratio_{name}_high": side["high"]}
        row |= {f"below_four_fifths_{name}": flags[0], f"surely_{name}": flags[1]}
    row["ratio_changed_low"] = None
    told = ratio_row(row)
    assert (told["ratio_today"], told["ratio_changed"]) == ("0.50 (0.40 to 0.60) below 0.8, surely", "0.50")
    assert ratio_row({**row, "ratio_today": None})["ratio_today"] == ""


def test_a_mistake_in_a_change_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = CsvBank(tmp_path, monkeypatch)
    bank.deliver(logins(3, every_days=10))
    change = tmp_path / "change.yaml"
    change.write_text("offers:\n  - {name: savings_gaol, remove: true}\n")
    assert exit_code("--bank", str(bank.folder), "simulate-policy", "--change", str(change)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"nbo: 1 problem in {change}"
    assert lines[1].startswith(f"{change}:2: no such name: got 'savings_gaol', expected 'savings_goal'")
