import re

import pytest

from console.links import BASE
from serving.figures.files import read_effects, read_trials
from tests.console.build import browsing
from tests.console.evidence import write_evidence


@pytest.fixture
def page(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        yield browser.get(f"{BASE}/experiments").text


def test_an_effect_that_shows_is_told_with_its_interval(page, tmp_path):
    gain = read_effects(tmp_path / "figures")["comparisons"][0]["groups"][1]["gain"]
    value, low, high = (f"+\u2060€{gain[part]:.2f}" for part in ("value", "low", "high"))
    assert f"Programme: {value} a customer ({low} to {high})" in page


def test_an_effect_that_does_not_show_yet_has_a_date_and_a_small_group_no_interval(page, tmp_path):
    assert "Cannot tell before about 15 Jul 2027." in page
    few = read_effects(tmp_path / "figures")["comparisons"][1]["groups"][1]
    assert few["gain"]["low"] is None
    assert not re.search(r"\b(nan|None)\b", page)


def test_an_offer_that_earns_half_of_what_it_promised_comes_first(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        rows = browser.get(f"{BASE}/experiments/data/realised.json").json()["rows"]
    assert [(row["offer"], row["verdict"]) for row in rows] == [
        ("savings_plus", "outside 0.8 to 1.25"),
        ("budget_check", "as promised, or too early to say"),
    ]
    assert rows[0]["ratio_low"] < rows[0]["ratio"] == 0.5 < rows[0]["ratio_high"]


def test_trials_say_ship_hold_or_stop_with_the_reason_and_what_to_expect(page, tmp_path):
    bonus, calm, later = read_trials(tmp_path / "figures")["trials"]
    assert [one["result"]["verdict"]["word"] for one in (bonus, calm)] == ["ship", "stop"]
    assert "because winners look good." in page
    assert bonus["result"]["arms"][0]["shrunk_gain"] < bonus["result"]["arms"][0]["gain"]["value"]
    assert "New has more complaint than the control arm, beyond chance." in page
    assert "broken: Complaint" in page
    assert "Begins on 2 Feb 2026, ends on 1 Mar 2026." in page
    assert (
        "900 customers take part; 4,000 are needed to tell a gain of €2.00. Cannot tell before about 7 Jun 2026."
        in page
    )
    assert later["readable_from"] == "2026-06-07"


def test_only_decisions_that_would_have_differed_count_with_how_many_cannot_be_replayed(page, tmp_path):
    bonus, _, later = read_trials(tmp_path / "figures")["trials"]
    found = bonus["triggered"]
    share = found["triggered"] / found["customers"]
    assert later["triggered"] is None
    assert (
        f"Decisions would have differed for {found['triggered']:,} of {found['customers']:,} customers "
        f"({share:.1%})." in page
    )
    assert f"{sum(found['unknown'].values()):,} customers are left out. The record is no longer kept." in page
    assert found["gains"]["new"]["value"] == pytest.approx(found["diluted"]["arms"][0]["gain"]["value"] / share)
    with browsing(tmp_path) as browser:
        [row] = browser.get(f"{BASE}/experiments/data/triggered_bonus.json").json()["rows"]
    assert row["gain_low"] < row["gain"] < row["gain_high"]
    assert row["diluted"] < row["gain"]


def test_every_table_of_experiments_is_there_as_data(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        for name in (
            "against_holdout",
            "against_standard",
            "realised",
            "trials",
            "trial_bonus",
            "trial_calm",
            "triggered_calm",
        ):
            assert browser.get(f"{BASE}/experiments/data/{name}.json").json()["rows"], name
            assert browser.get(f"{BASE}/experiments/data/{name}.csv").status_code == 200


def test_experiments_read_in_chinese(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        browser.post(f"{BASE}/preferences", {"csrf": browser.token(), "language": "zh"})
        page = browser.get(f"{BASE}/experiments").text
    for words in ("约在2027年7月15日之前无法判断。", "的 complaint 多于对照组，超出偶然", "不衡量 budget_check 的效果"):
        assert words in page
