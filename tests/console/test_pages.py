import csv
import re
from io import StringIO

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from console.links import BASE
from console.page import all_pages
from serving.figures.files import read_daily_responses, write_daily_responses
from serving.service.decision_request import DecisionRequest
from tests.console.build import HOSTILE, browsing, with_hostile_names, write_figures, write_last_run
from tests.serving.build import AS_OF, small_bank

PAGES = [page.name for page in all_pages() if not page.of_customer]
REACHED = [{"grouping": "all", "group": "all", "offer": "savings_plus", "customers": 9, "reached": 0, "share": 0.0}]


@pytest.mark.parametrize("name", PAGES)
def test_a_bank_that_has_never_run_gets_a_clear_page(tmp_path, name):
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/{name}")
        assert page.status_code == 200
        # whole words, of text and attributes: a random token may contain any letters
        assert not re.search(r"\b(None|nan|NaN)\b", page.text.replace(browser.token(), ""))


def test_a_bank_that_has_never_run_is_told_so(tmp_path):
    with browsing(tmp_path) as browser:
        assert "This bank has not run yet." in browser.get(f"{BASE}/overview").text


def test_on_the_first_day_nothing_is_old_enough_for_a_rate(tmp_path):
    write_figures(tmp_path, days=1)
    table, until = read_daily_responses(tmp_path / "figures")
    for name in ("matured", "accepted"):
        table = table.set_column(table.column_names.index(name), name, pc.multiply(table[name], pa.scalar(0)))
    write_daily_responses(tmp_path / "figures", table, until)
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/overview?days=28").text
        assert "no day is old enough yet" in page
        assert "Grey from 1 Feb 2026" in page
        [row] = browser.get(f"{BASE}/overview/data/over_time.json?days=28").json()["rows"][-1:]
        assert (row["presented"], row["rate"], row["young"]) == (20, None, True)


def test_groups_of_contacts_are_never_mixed(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        for group, channel in (("inbound", "app"), ("outbound", "email")):
            rows = browser.get(f"{BASE}/overview/data/by_channel.json?group={group}").json()["rows"]
            assert [row["channel"] for row in rows] == [channel]
        assert browser.get(f"{BASE}/overview/data/by_channel.json?group=mandatory").json()["rows"] == []


def test_days_too_young_have_no_rate(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        rows = browser.get(f"{BASE}/overview/data/over_time.json?days=28").json()["rows"]
    assert [row["young"] for row in rows] == [False] * 18 + [True] * 10
    assert all((row["rate"] is None) == row["young"] for row in rows)


def test_a_parameter_that_makes_no_sense_gets_the_usual_page(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        assert browser.get(f"{BASE}/overview?days=-5&group=<script>&x=1").status_code == 200


def test_what_changed_is_marked(tmp_path):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/overview").text
        assert "The policy changed" in page
        assert 'class="mark"' in page


def test_hostile_names_stay_text(tmp_path):
    write_figures(tmp_path, offers=(HOSTILE,))
    write_last_run(
        tmp_path,
        decisions={
            "as_of": "2026-03-02T00:00:00",
            "stages": [],
            "reached": [{**REACHED[0], "offer": HOSTILE}],
            "rules": [],
        },
    )
    with browsing(tmp_path, bank=with_hostile_names(small_bank())) as browser:
        for path in (f"{BASE}/overview", f"{BASE}/offers", browser.look_up("c05").headers["location"]):
            page = browser.get(path).text
            assert "alert(1)" in page, path
            assert "<script>alert" not in page, path
        data = browser.get(f"{BASE}/overview/data/by_offer.csv").text
        assert [row["offer"] for row in csv.DictReader(StringIO(data))] == [f"'{HOSTILE}"]


def test_an_offer_that_is_gone_keeps_its_figures(tmp_path):
    write_figures(tmp_path, offers=("withdrawn_offer",))
    with browsing(tmp_path) as browser:
        assert "Withdrawn offer" in browser.get(f"{BASE}/overview").text
        assert browser.get(f"{BASE}/offers").status_code == 200


def test_offers_that_reach_nobody_are_named(tmp_path):
    decisions = {"as_of": "2026-03-02T00:00:00", "stages": [], "reached": REACHED, "rules": []}
    write_last_run(tmp_path, decisions=decisions)
    with browsing(tmp_path) as browser:
        assert "Nobody is reached by Savings plus." in browser.get(f"{BASE}/offers").text
        assert "Nobody is reached by Savings plus." in browser.get(f"{BASE}/overview").text


def test_damaged_figures_are_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "runs.json").write_text("{")
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/overview")
        assert page.status_code == 503
        assert "the stored results of earlier runs are damaged" in page.text


def test_the_customers_page_offers_what_the_service_offers(tmp_path, monkeypatch):
    with browsing(tmp_path) as browser:
        page = browser.get(browser.look_up("c05").headers["location"]).text
        service = browser.client.app.state.service
        # exploration draws anew at every moment
        monkeypatch.setattr(service.clock, "now", lambda: AS_OF)
        preview = service.previews.preview("c05")
        for channel in preview.channels:
            asked = DecisionRequest(customer_id="c05", channel=channel.decision.channel, dry_run=True)
            [prepared] = service.decisions.prepare([asked])
            assert [one.offer for one in channel.decision.offers] == [one.offer for one, _ in prepared.answered]
        assert "About " in page
        assert "For it: " in page


def test_nobody_known_by_that_id_is_a_clear_answer(tmp_path):
    with browsing(tmp_path) as browser:
        page = browser.get(browser.look_up("nobody").headers["location"])
        assert page.status_code == 404
        assert "nothing is known of this customer" in page.text


def test_an_erased_customer_is_nobody(tmp_path):
    with browsing(tmp_path) as browser:
        browser.client.app.state.service.erasure.erase("c05", "tests")
        assert browser.get(browser.look_up("c05").headers["location"]).status_code == 404


@pytest.mark.parametrize("customer", ["", "   ", "x" * 300])
def test_an_id_that_is_none_is_refused_with_a_sentence(tmp_path, customer):
    with browsing(tmp_path) as browser:
        answer = browser.look_up(customer)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text


def test_two_thousand_offers_are_shown(tmp_path):
    write_figures(tmp_path, offers=[f"offer_{number:04d}" for number in range(2_000)], days=1)
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/overview")
        assert page.status_code == 200
        assert "Offer 1999" in page.text
