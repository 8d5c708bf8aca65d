import re
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import select

from console.journey.view import note_in
from console.languages import Texts
from console.links import BASE
from console.pages.journey import VIEWS
from journeys.figures import FIGURES
from journeys.files import JourneyFigures, write_figures
from journeys.histories import Histories
from records.schema import AUDIT
from serving.figures.files import RunFigures, add_run
from tests.console.build import browsing
from tests.console.journeys import SMALLEST, write_journeys
from tests.journeys.build import AS_OF, DEMO, random_bank


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journeys")
    write_journeys(folder)
    return folder


@pytest.fixture(scope="module")
def browser(folder):
    with browsing(folder, "viewer") as browser:
        yield browser


def query(folder: Path, text: str) -> list[tuple]:
    [current] = [path for path in (folder / "journeys").iterdir() if path.is_dir()]
    with duckdb.connect() as connection:
        return connection.execute(text.replace("figures/", f"{current}/")).fetchall()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_its_figures_and_hands_all_of_them_out(browser, view):
    page = browser.get(f"{BASE}/journey?view={view}")
    assert page.status_code == 200
    links = [part.split('"')[0] for part in page.text.split('href="') if "/data/" in part.split('"')[0]]
    assert links
    for link in links:
        answer = browser.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link


def test_every_figure_is_handed_out_whole(browser, folder):
    shown = {}
    for view in VIEWS:
        page = browser.get(f"{BASE}/journey?view={view}").text
        for name in FIGURES:
            if f"/data/{name}.json" in page:
                shown[name] = len(browser.get(f"{BASE}/journey/data/{name}.json?view={view}").json()["rows"])
    assert shown == {name: query(folder, f"select count(*) from 'figures/{name}.parquet'")[0][0] for name in FIGURES}


def test_hidden_cells_stay_hidden_and_say_why(browser, folder):
    rows = browser.get(f"{BASE}/journey/data/funnel.json?view=funnels").json()["rows"]
    hidden = [row for row in rows if row["note"] == f"fewer than {SMALLEST} customers"]
    assert hidden
    assert all(row["customers"] is None and row["journeys"] is None and row["share"] is None for row in hidden)
    [(expected,)] = query(folder, "select count(*) from 'figures/funnel.parquet' where note like 'fewer than%'")
    assert len(hidden) == expected


def test_the_funnel_of_a_product_and_month_equals_an_independent_query(browser, folder):
    [(product, month)] = query(
        folder,
        """select product, month from 'figures/funnel.parquet' where "grouping" = 'all' and share is not null
        and note is null order by month desc, product limit 1""",
    )
    rows = browser.get(f"{BASE}/journey/data/steps.json?view=funnels&product={product}&month={month}").json()["rows"]
    expected = query(
        folder,
        f"""select step, journeys, share, drop_off, share_before from 'figures/funnel.parquet'
        where "grouping" = 'all' and product = '{product}' and month = '{month}'""",
    )
    assert [tuple(row[key] for key in ("step", "journeys", "share", "drop_off", "share_before")) for row in rows] == (
        expected
    )


def test_broken_journeys_come_from_the_chosen_month_the_most_frequent_first(browser, folder):
    [(product, month, count)] = query(
        folder,
        """select product, month, count(*) from 'figures/broken_journeys.parquet' where journeys is not null
        group by all order by count(*) desc, product, month desc limit 1""",
    )
    page = f"{BASE}/journey/data/broken.json?view=funnels&product={product}&month={month}"
    journeys = [row["journeys"] for row in browser.get(page).json()["rows"]]
    assert journeys == sorted(journeys, reverse=True)
    assert len(journeys) == min(count, 25)


def test_only_sure_verdicts_are_called_pain_points_and_opportunities(browser, folder):
    rows = browser.get(f"{BASE}/journey/data/verdicts.json?view=experience").json()["rows"]
    assert {row["verdict"] for row in rows} <= {"pain point", "opportunity"}
    [(expected,)] = query(
        folder,
        "select count(*) from 'figures/experience_map.parquet' where verdict in ('pain point', 'opportunity')",
    )
    assert len(rows) == expected


def test_a_bank_without_a_kind_of_event_is_told_which(browser):
    assert "events.yaml has no event type of group referral" in browser.get(f"{BASE}/journey?view=activity").text


def test_a_bank_without_any_event_has_clear_views(tmp_path):
    tables = {name: table.slice(0, 0) for name, table in write_journeys(tmp_path).tables.items()}
    write_figures(tmp_path / "journeys", "empty", JourneyFigures(AS_OF, tables, {}))
    with browsing(tmp_path) as browser:
        for view in VIEWS:
            page = browser.get(f"{BASE}/journey?view={view}")
            assert page.status_code == 200
            assert "There is nothing yet." in page.text or "No product journey has begun yet." in page.text


@pytest.mark.parametrize("view", ["stages", "activity"])
def test_what_changed_is_marked_on_charts_over_time_and_put_into_words(browser, folder, view):
    before = browser.get(f"{BASE}/journey?view={view}").text
    assert 'class="mark"' not in before
    changed = AS_OF - timedelta(days=10)
    for moment, policy in ((AS_OF - timedelta(days=20), "a"), (changed, "b")):
        add_run(folder / "figures", RunFigures(folder=policy, as_of=moment.isoformat(), versions={"policy": policy}))
    page = browser.get(f"{BASE}/journey?view={view}").text
    shutil.rmtree(folder / "figures")
    assert page.count('class="mark"') == 1
    assert f"Marks show what changed: 1: The policy changed, {changed.day} {changed:%b}" in page


def test_before_the_first_night_the_page_says_where_figures_come_from(tmp_path):
    with browsing(tmp_path, "viewer") as browser:
        assert "Journey figures have not been counted yet." in browser.get(f"{BASE}/journey").text


@pytest.mark.parametrize(
    "note",
    ["fewer than 20 customers", "next: fewer than 20 customers", "too young: complete on 2026-07-01", "not over"],
)
def test_notes_are_translated(note):
    english, chinese = (Texts(language, DEMO.time_zone, "EUR") for language in ("en", "zh"))
    assert note_in(note, english) == note
    assert note_in(note, chinese) != note
    assert note_in(None, chinese) is None


@pytest.fixture(scope="module")
def exporting(folder):
    bank = random_bank(4, customers=150, events=9_000, smallest_cell=SMALLEST)

    def audience(wanted, as_of):
        assert as_of == AS_OF
        return sorted(wanted.customers(Histories(bank.events, bank.stages, bank.context)))

    with browsing(folder, "marketer", audience=audience) as browser:
        yield browser


def forms(page: str) -> list[tuple[dict[str, str], int]]:
    """The forms for audiences, with the figure that each of their buttons says."""
    parts = page.split(f'action="{BASE}/journey/audience">')[1:]
    return [
        (
            dict(re.findall(r'name="(\w+)" value="([^"]*)"', part.split("<button")[0])),
            int(re.findall(r": ([\d,]+)</button>", part)[0].replace(",", "")),
        )
        for part in parts
    ]


def test_the_customers_behind_a_figure_are_handed_out_and_noted(exporting):
    shown = forms(exporting.get(f"{BASE}/journey?view=stages").text)
    large = [(form, count) for form, count in shown if count >= 20]
    assert large
    for form, count in large:
        answer = exporting.post(f"{BASE}/journey/audience", form)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        lines = answer.text.splitlines()
        assert (lines[0], len(lines) - 1) == ("customer_id", count)
    service = exporting.client.app.state.service
    with service.database.reading() as connection:
        noted = connection.execute(select(AUDIT.c.caller, AUDIT.c.detail).where(AUDIT.c.act == "export an audience"))
        lines = noted.all()
    assert len(lines) == len(large)
    assert lines[-1].caller == "console:marketer"
    assert f"stage {large[-1][0]['stage']}" in lines[-1].detail


def test_a_small_audience_is_not_handed_out(exporting):
    small = {"csrf": exporting.token(), "product": "nothing", "month": "2026-03", "step": "viewed"}
    assert exporting.post(f"{BASE}/journey/audience", small).status_code == 422
    for wrong in ({"stage": "nowhere", "day": "2026-03-01"}, {"stage": "growth", "day": "soon"}, {"month": "2026-03"}):
        assert exporting.post(f"{BASE}/journey/audience", {"csrf": exporting.token(), **wrong}).status_code == 422


def test_a_list_of_names_is_not_for_everybody(folder, browser):
    assert "/journey/audience" not in browser.get(f"{BASE}/journey?view=stages").text
    sent = {"csrf": browser.token(), "stage": "growth", "day": "2026-07-13"}
    assert browser.post(f"{BASE}/journey/audience", sent).status_code == 403
