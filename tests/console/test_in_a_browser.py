"""The console in a real Chromium: errors, barriers, keyboard, figures, hostile names, and life without JavaScript."""

import json
from collections.abc import Iterator

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from console.links import BASE
from console.page import all_pages
from console.pages.journey import VIEWS
from tests.console.browser import press, started, watch
from tests.console.build import HOSTILE, console_app, console_served, link_for, with_hostile_names, write_figures
from tests.console.evidence import write_evidence
from tests.console.journeys import write_journeys
from tests.serving.build import small_bank

FORMS = [f"proposals?kind={kind}&name={name}" for kind, name in (("offer", "savings_plus"), ("rule", "a_new_one"))]
PAGES = [
    *(page.name for page in all_pages()),
    *(f"journey?view={view}" for view in list(VIEWS)[1:]),
    *FORMS,
    f"{FORMS[0]}&as=text",
]
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    write_figures(folder, offers=("savings_plus", "budget_check", HOSTILE))
    write_journeys(folder)
    write_evidence(folder)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with console_served(console_app(folder, bank=with_hostile_names(small_bank()))) as address:
        yield address


@pytest.fixture
def page(chromium, address) -> Iterator[Page]:
    # colours that fade would be measured halfway
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(link_for("admin", address))
    yield page
    context.close()


def opened(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}{BASE}/{name}")
    if name == "customer":
        page.fill("#customer", "c05")
        press(page, "Enter")
        page.wait_for_selector("#timeline")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_renders_without_errors_barriers_and_requests_to_others(page, address, name):
    said = watch(page)
    opened(page, address, name)
    for theme in ("auto", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            found = Axe().run(page).response["violations"]
            serious = {one["id"]: [node["html"] for node in one["nodes"]] for one in found if one["impact"] in SERIOUS}
            assert not serious, json.dumps(serious, indent=1)
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, f"{name} is wider than {width} px"
    assert said == []


def test_hostile_names_stay_text(page, address):
    warned = []
    page.on("dialog", lambda dialog: (warned.append(dialog.message), dialog.dismiss()))
    for name in PAGES:
        opened(page, address, name)
    assert warned == []
    opened(page, address, "overview")
    assert page.get_by_text(HOSTILE).count() > 0


def test_figures_equal_those_of_an_independent_query(page, address, folder):
    page.goto(f"{address}{BASE}/overview?group=outbound&days=28")
    shown = {
        row.locator("th").inner_text(): [cell.inner_text() for cell in row.locator("td").all()]
        for row in page.locator("#by_offer tbody tr").all()
    }
    file = folder / "figures" / "daily_responses.parquet"
    query = """select offer, sum(presented), sum(accepted), sum(accepted) / sum(matured) from read_parquet($file)
        where "group" = 'outbound' and day > (select max(day) - 28 from read_parquet($file)) group by offer"""
    with duckdb.connect() as connection:
        expected = connection.execute(query, {"file": str(file)}).fetchall()
    assert len(shown) == len(expected) == 3
    for offer, presented, accepted, rate in expected:
        words = offer.replace("_", " ")
        cells = shown[words[:1].upper() + words[1:]]
        assert (cells[0].strip(), cells[1].strip()) == (f"{presented:,}", f"{accepted:,}")
        assert cells[2].strip().startswith(f"{rate:.1%}")


def test_the_keyboard_alone_suffices(page, address):
    page.goto(f"{address}{BASE}/overview")
    press(page, "Tab")
    expect(page.locator(".skip")).to_be_focused()
    press(page, "Enter")
    press(page, "Tab")
    expect(page.locator(".choice :focus")).to_be_attached()
    press(page, "Tab")
    with page.expect_response(lambda answer: "group=outbound" in answer.url):
        press(page, "Enter")
    page.wait_for_selector(".choice a[aria-current]:has-text('Outbound')")
    assert "group=outbound" in page.url
    press(page, "Shift+Tab")
    page.locator(".who summary").focus()
    press(page, "Enter")
    expect(page.locator(".menu")).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".menu")).to_be_hidden()
    expect(page.locator(".who summary")).to_be_focused()


def test_on_a_phone_the_navigation_shows_the_page_that_is_open(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{BASE}/health")
    expect(page.locator(".side [aria-current]")).to_be_in_viewport(ratio=1)
    press(page, "Tab")
    expect(page.locator(".skip")).to_be_focused()


def test_a_channel_is_paused_and_resumed_by_buttons_also_on_a_phone(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}{BASE}/pauses")
    page.select_option("#target", label="Email")
    page.fill("#reason", "wrong rate")
    with page.expect_navigation():
        page.get_by_role("button", name="Pause now").click()
    assert page.get_by_role("status").inner_text().startswith("Channel Email is paused")
    assert page.locator(".pause strong").all_inner_texts() == ["Channel Email"]
    page.goto(f"{address}{BASE}/overview")
    assert page.get_by_text("wrong rate").first.is_visible()
    page.goto(f"{address}{BASE}/pauses")
    with page.expect_navigation():
        page.get_by_role("button", name="Resume").click()
    assert "is no longer paused" in page.get_by_role("status").inner_text()
    assert page.locator(".pause").count() == 0


def test_pages_read_without_javascript(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(link_for("admin", address))
    page.get_by_role("link", name="Outbound").click()
    assert "group=outbound" in page.url
    assert page.locator("#by_group tbody tr").count() == 2
    page.get_by_role("link", name="Customer", exact=True).click()
    page.fill("#customer", "c05")
    page.get_by_role("button", name="Look up").click()
    assert page.locator("#timeline tbody tr").count() > 0
    page.locator("button[name=language]").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    context.close()


def test_a_viewer_is_refused_what_the_role_does_not_include(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(link_for("viewer", address))
    assert page.get_by_role("link", name="Customer", exact=True).count() == 0
    assert page.goto(f"{address}{BASE}/customer").status == 403
    assert page.get_by_text("your role does not include this page").is_visible()
    context.close()
