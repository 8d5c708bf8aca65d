import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from config.console import ROLES
from console.access import GRANTS, Permission
from console.links import BASE
from console.page import all_pages
from records.schema import AUDIT
from tests.console.build import SETTINGS, browsing, link_for, write_figures

PAGES = [page for page in all_pages() if not page.of_customer]


def test_whoever_has_not_signed_in_sees_nothing(tmp_path):
    with browsing(tmp_path, role=None) as browser:
        for page in all_pages():
            data = f"{BASE}/{page.name}/" + ("token/data/x.csv" if page.of_customer else "data/x.csv")
            for path in (f"{BASE}/{page.name}", data, f"{BASE}/people", f"{BASE}/"):
                answer = browser.get(path)
                assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/sign-in"), path
        assert browser.get(f"{BASE}/sign-in").status_code == 200


def test_a_link_signs_in_once(tmp_path):
    with browsing(tmp_path, role=None) as browser:
        path = link_for("viewer").removeprefix("http://nbo")
        assert browser.get(path).status_code == 303
        assert browser.get(f"{BASE}/overview").status_code == 200
        browser.cookies.clear()
        again = browser.get(path)
        assert again.status_code == 403
        assert "this sign-in link was used, or is too old" in again.text
        assert browser.get(f"{BASE}/overview").status_code == 303


def test_workers_share_which_links_were_used(tmp_path):
    (tmp_path / "used").mkdir()
    settings = replace(SETTINGS, used_links=tmp_path / "used")
    path = link_for("viewer").removeprefix("http://nbo")
    with browsing(tmp_path, role=None, settings=settings) as one:
        assert one.get(path).status_code == 303
    with browsing(tmp_path, role=None, settings=settings) as another:
        assert another.get(path).status_code == 403


@pytest.mark.parametrize("change", [lambda path: path[:-3] + "abc", lambda path: path.replace("/enter/", "/enter/x")])
def test_a_link_that_was_changed_signs_nobody_in(tmp_path, change):
    with browsing(tmp_path, role=None) as browser:
        assert browser.get(change(link_for("admin").removeprefix("http://nbo"))).status_code == 403
        assert browser.get(f"{BASE}/overview").status_code == 303


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_others(tmp_path, role):
    with browsing(tmp_path, role) as browser:
        for page in PAGES:
            may = page.permission in GRANTS[role]
            assert browser.get(f"{BASE}/{page.name}").status_code == (200 if may else 403), page.name
            assert browser.get(f"{BASE}/{page.name}/data/none.csv").status_code == (404 if may else 403), page.name
        may_look = Permission.CUSTOMERS in GRANTS[role]
        assert browser.get(f"{BASE}/customer").status_code == (200 if may_look else 403)
        shown = browser.get(f"{BASE}/overview").text
        for page in all_pages():
            assert (f'href="{BASE}/{page.name}"' in shown) == (page.permission in GRANTS[role]), page.name


def test_a_viewer_cannot_use_an_advisers_link_to_a_customer(tmp_path):
    with browsing(tmp_path, "adviser") as browser:
        location = browser.look_up("c03").headers["location"]
        assert browser.get(location).status_code == 200
        browser.enter("viewer")
        assert browser.get(location).status_code == 403
        browser.enter("adviser", "bea")
        assert browser.get(location).status_code == 404, "another adviser's link"


def test_a_session_ends(tmp_path):
    with browsing(tmp_path, settings=replace(SETTINGS, hours=1e-9)) as browser:
        assert browser.get(f"{BASE}/overview").status_code == 303


def test_a_forged_session_is_none(tmp_path):
    with browsing(tmp_path) as browser:
        browser.cookies = {"nbo_console": browser.cookies["nbo_console"][:-4] + "AAAA"}
        assert browser.get(f"{BASE}/overview").status_code == 303


@pytest.mark.parametrize(("address", "secure"), [(None, False), ("https://nbo.bank.example", True)])
def test_scripts_and_other_sites_do_not_get_the_cookie(tmp_path, address, secure):
    with browsing(tmp_path, role=None, settings=replace(SETTINGS, address=address)) as browser:
        answer = browser.get(link_for("viewer").removeprefix("http://nbo"))
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert f"path={BASE}" in cookie
        assert ("secure" in cookie) == secure


def test_a_change_needs_a_form_of_the_console(tmp_path):
    with browsing(tmp_path) as browser:
        token = browser.token()
        form = {"csrf": token, "theme": "dark", "back": f"{BASE}/offers"}
        for sent, headers in (
            ({**form, "csrf": ""}, {}),
            ({**form, "csrf": "x" * len(token)}, {}),
            (form, {"Sec-Fetch-Site": "cross-site"}),
        ):
            assert browser.post(f"{BASE}/preferences", sent, headers=headers).status_code == 403
        assert 'data-theme="auto"' in browser.get(f"{BASE}/overview").text
        assert browser.post(f"{BASE}/preferences", form).headers["location"] == f"{BASE}/offers"
        assert 'data-theme="dark"' in browser.get(f"{BASE}/overview").text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/console.elsewhere", ""])
def test_a_form_never_leads_to_another_site(tmp_path, back):
    with browsing(tmp_path) as browser:
        answer = browser.post(f"{BASE}/preferences", {"csrf": browser.token(), "back": back})
        assert answer.headers["location"] == f"{BASE}/"


def test_signing_out_ends_the_session(tmp_path):
    with browsing(tmp_path) as browser:
        assert browser.post(f"{BASE}/sign-out", {"csrf": browser.token()}).status_code == 303
        assert browser.get(f"{BASE}/overview").status_code == 303


def test_an_administrator_makes_links_for_others(tmp_path):
    with browsing(tmp_path) as browser:
        page = browser.post(f"{BASE}/people", {"csrf": browser.token(), "role": "adviser", "name": "Anna  Li"}).text
        link = page.split('<output class="link">')[1].split("<")[0]
        assert browser.get(link.removeprefix("http://nbo")).status_code == 303
        assert browser.get(f"{BASE}/customer").status_code == 200
        assert browser.get(f"{BASE}/health").status_code == 403
        assert browser.get(f"{BASE}/people").status_code == 403
        assert "<strong>anna li</strong>" in browser.get(f"{BASE}/overview").text


@pytest.mark.parametrize("name", ["", "  ", "a" * 61, "a\u202eb"])
def test_a_link_names_a_person(tmp_path, name):
    with browsing(tmp_path) as browser:
        answer = browser.post(f"{BASE}/people", {"csrf": browser.token(), "role": "adviser", "name": name})
        assert answer.status_code == 422
        assert "a sign-in link names one person" in answer.text


def test_every_look_at_a_customer_is_in_the_audit_and_no_address_names_one(tmp_path):
    with browsing(tmp_path, "adviser") as browser:
        location = browser.look_up("c03").headers["location"]
        browser.get(location)
        browser.get(f"{location}/data/timeline.csv")
        assert re.fullmatch(f"{BASE}/customer/[A-Za-z0-9_=-]{{100,}}", location), "a token, not a name"
        service = browser.client.app.state.service
        with service.database.reading() as connection:
            lines = connection.execute(select(AUDIT.c.caller, AUDIT.c.act, AUDIT.c.subject, AUDIT.c.detail)).all()
    assert [tuple(line)[1:] for line in lines] == [
        ("sign in to the console", None, "adviser"),
        ("look at a customer", "c03", "console: customer, page"),
        ("look at a customer", "c03", "console: customer, data timeline"),
    ]
    assert {line.caller for line in lines} == {"console:adviser"}


def test_every_answer_has_a_policy_without_inline_scripts_and_styles(tmp_path, monkeypatch):
    write_figures(tmp_path)
    with browsing(tmp_path) as browser:
        service = browser.client.app.state.service
        monkeypatch.setattr(service, "files", replace(service.files, freshness=lambda: 1 / 0))
        answers = {
            200: [f"{BASE}/overview", f"{BASE}/static/console.css", f"{BASE}/overview/data/by_offer.json"],
            404: [f"{BASE}/nowhere", f"{BASE}/static/nothing.css", f"{BASE}/overview/data/nothing.csv"],
            500: [f"{BASE}/health"],
        }
        for status, paths in answers.items():
            for path in paths:
                answer = browser.get(path)
                assert answer.status_code == status, path
                policy = answer.headers["content-security-policy"]
                assert "unsafe" not in policy, path
                assert "default-src 'none'" in policy, path
                assert answer.headers["x-content-type-options"] == "nosniff", path
                if "text/html" in answer.headers.get("content-type", ""):
                    assert " style=" not in answer.text, path
                    assert "<script>" not in answer.text, path
                    assert " on" + "click" not in answer.text, path
        assert "division by zero" not in browser.get(f"{BASE}/health").text
