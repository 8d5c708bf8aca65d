import csv
import re
from dataclasses import replace
from html import unescape
from io import StringIO

import pytest

from console.links import BASE
from decisioning.off_policy.evaluate import evaluate_policy
from serving.what_if.evaluations import FOLDER, keep_evaluation, read_evaluations
from tests.console.build import HOSTILE, Browser, browsing, small_proposals
from tests.console.evidence import evaluated, evaluations, write_evidence
from tests.serving.build import small_bank
from tests.serving.what_if.evaluations import record_of

ENTRY = "name: savings_goal_push\nfactor: 1.4\noffers: [savings_goal]\n"


@pytest.fixture
def browser(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        yield browser


def shown(browser: Browser, one) -> str:
    return unescape(browser.get(f"{BASE}/evaluation?evaluation={one.key}").text)


def amount(gain: float) -> str:
    return f"{gain:.4f}" if gain < 1.0 else f"{gain:.2f}"


def test_the_newest_evaluation_is_shown_with_verdict_sentence_and_figures(browser):
    newest, *_ = evaluations()
    found = newest.found
    page = browser.get(f"{BASE}/evaluation").text
    assert re.search(r"Model challenger <span class=\"tag \">Ship</span>", page)
    reason = f"It earns more than the policy that was logged: {found.gain.value:+.4g} for each decision"
    assert reason in page
    assert f"+\u2060€{amount(found.gain.value)}" in page
    assert f'<span class="big">{found.support.effective:,.0f}</span>' in page
    assert "of 4,000 logged decisions of 4,000 customers" in page
    low, high = amount(found.gain_at_any_time.low), amount(found.gain_at_any_time.high)
    assert f"read +\u2060€{low} to +\u2060€{high}." in page


@pytest.mark.parametrize(("place", "word"), [(0, "ship"), (1, "stop"), (2, "hold")])
def test_each_evaluation_has_its_page_and_all_are_listed_the_newest_first(browser, place, word):
    one = evaluations()[place]
    assert one.found.verdict.word == word
    page = shown(browser, one)
    assert one.found.verdict.reason[1:] in page
    listed = browser.get(f"{BASE}/evaluation/data/evaluations.json").json()["rows"]
    assert [row["evaluation"] for row in listed] == [each.key for each in evaluations()]
    assert listed[place]["verdict"] == word


def test_every_figure_is_there_as_data(browser):
    one = evaluations()[0]
    for name, count in (("estimators", 6), ("segments", 2), ("weights", 6), ("support", 4), ("versions", 2)):
        rows = browser.get(f"{BASE}/evaluation/data/{name}.json?evaluation={one.key}").json()["rows"]
        assert len(rows) == count, name
    rows = list(csv.DictReader(StringIO(browser.get(f"{BASE}/evaluation/data/estimators.csv").text)))
    assert float(rows[3]["gain"]) == pytest.approx(one.found.gain.value)
    weights = browser.get(f"{BASE}/evaluation/data/weights.json").json()["rows"]
    assert sum(row["share_of_weight"] for row in weights) == pytest.approx(1.0)
    assert sum(row["decisions"] for row in weights) == 4_000


def test_both_pictures_have_words_and_a_table_below(browser):
    page = browser.get(f"{BASE}/evaluation").text
    for name in ("estimators", "weights"):
        figure = page.split(f'aria-labelledby="of-{name}"')[1].split("</figure>")[0]
        assert 'role="img"' in figure
        assert "<title>" in figure
        assert f'<table id="{name}">' in figure


def test_decisions_that_were_never_made_are_warned_of(browser):
    one = evaluations()[2]
    page = shown(browser, one)
    assert "The logged policy never makes about 40% of this policy's decisions" in page
    assert page.count("never makes about 40%") == 2, "as the reason, and in the list; not as a warning again"


def test_an_evaluation_that_does_not_exist_gets_the_newest(browser):
    assert "Model challenger" in browser.get(f"{BASE}/evaluation?evaluation=../../health").text


def test_one_decision_has_figures_without_intervals(tmp_path):
    keep_evaluation(tmp_path / "figures", record_of(evaluate_policy([0], [1.0], [0.5], [[0.5, 0.5]]), "tiny"))
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/evaluation").text.replace(browser.token(), "")
        assert "1 decisions are too few for an interval" in page
        assert not re.search(r"\b(nan|NaN|None)\b", page)
        assert "nan" not in browser.get(f"{BASE}/evaluation/data/estimators.csv").text


def test_an_empty_page_says_which_command_makes_one(tmp_path):
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/evaluation").text
    assert "Nothing was evaluated yet." in page
    assert f'<pre class="command">nbo --bank {small_bank().folder} evaluate challenger</pre>' in page


def test_a_damaged_evaluation_says_what_to_do(browser, tmp_path):
    (tmp_path / "figures" / FOLDER / "x.json").write_text("{")
    page = browser.get(f"{BASE}/evaluation")
    assert page.status_code == 503
    assert "a kept evaluation is damaged" in page.text


@pytest.mark.parametrize(("role", "status"), [("data_scientist", 200), ("marketer", 200), ("viewer", 403)])
def test_whoever_may_see_models_may_see_evaluations(tmp_path, role, status):
    write_evidence(tmp_path)
    with browsing(tmp_path, role=role) as browser:
        assert browser.get(f"{BASE}/evaluation").status_code == status


def test_hostile_names_stay_text(tmp_path):
    keep_evaluation(tmp_path / "figures", record_of(evaluated(0.9), HOSTILE))
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/evaluation").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_it_reads_in_chinese(browser):
    browser.post(f"{BASE}/preferences", {"csrf": browser.token(), "language": "zh"})
    page = browser.get(f"{BASE}/evaluation").text
    for words in ("评估", "双重稳健", "权重"):
        assert words in page


def test_a_proposal_names_the_command_and_then_links_to_the_evaluation_of_what_it_proposes(browser, tmp_path):
    proposals = small_proposals(tmp_path)
    proposal = proposals.draft("anna", "lever", "savings_goal_push", ENTRY)
    address = f"{BASE}/proposals?number={proposal.number}"
    assert "evaluate proposal:1</pre>" in browser.get(address).text

    bank = proposals.bank_with(proposal).digest
    [newest, one, _] = evaluations()
    keep_evaluation(tmp_path / "figures", replace(newest, versions={**newest.versions, "bank": bank}))
    assert "evaluate proposal:1</pre>" in browser.get(address).text, "a model is not what was proposed"
    one = replace(one, versions={**one.versions, "bank": bank})
    keep_evaluation(tmp_path / "figures", one)
    assert one in read_evaluations(tmp_path / "figures")
    page = browser.get(address).text
    assert f'href="{BASE}/evaluation?evaluation={one.key}"' in page
    assert f'href="{BASE}/proposals?number=1"' in shown(browser, one)

    edited = proposals.edit(1, "anna", proposal.version, ENTRY.replace("1.4", "1.5"))
    assert edited.version == 2
    assert "evaluate proposal:1</pre>" in browser.get(address).text, "an edit makes it another policy"
