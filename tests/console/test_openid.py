"""Sign-in against a real provider over HTTP."""

from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import RSAKey

from console.links import BASE
from tests.console.build import SETTINGS, Browser, browsing, console_served, link_for
from tests.console.provider import Provider
from tests.ports import free_port


@pytest.fixture(scope="module")
def served():
    provider = Provider()
    with console_served(provider.app(), free_port()) as address:
        yield provider, address


@pytest.fixture
def provider(served):
    provider, _ = served
    provider.claims, provider.wrong, provider.signs_with = (
        {"preferred_username": "anna", "roles": ["adviser"]},
        {},
        None,
    )
    return provider


@pytest.fixture
def browser(tmp_path, served, provider):
    settings = replace(SETTINGS, issuer=served[1], client=provider.client, client_secret=provider.client_secret)
    with browsing(tmp_path, role=None, settings=settings) as browser:
        yield browser


def go_there(browser: Browser) -> str:
    """Follow the console to the provider; return the address to which that one sends the browser back."""
    leaving = browser.get(f"{BASE}/sign-in/openid")
    assert leaving.status_code == 302
    back = httpx.get(leaving.headers["location"])
    return back.headers["location"].removeprefix("http://nbo")


def test_somebody_signs_in_with_their_roles(browser):
    assert browser.get(go_there(browser)).status_code == 303
    page = browser.get(f"{BASE}/overview")
    assert "anna" in page.text
    assert browser.get(f"{BASE}/customer").status_code == 200
    assert browser.get(f"{BASE}/health").status_code == 403


def test_the_page_leads_to_the_provider_and_links_are_worth_nothing(browser):
    assert f'href="{BASE}/sign-in/openid"' in browser.get(f"{BASE}/sign-in").text
    assert browser.get(link_for("admin").removeprefix("http://nbo")).status_code == 404


def test_roles_may_be_one_word(browser, provider):
    provider.claims["roles"] = "viewer"
    assert browser.get(go_there(browser)).status_code == 303


@pytest.mark.parametrize("roles", [[], ["teller"], None, ["Admin"]])
def test_somebody_without_a_role_of_ours_is_refused(browser, provider, roles):
    provider.claims["roles"] = roles
    answer = browser.get(go_there(browser))
    assert answer.status_code == 403
    assert "this account has no role in the console" in answer.text
    assert browser.get(f"{BASE}/overview").status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [{"iss": "http://elsewhere"}, {"aud": "another client"}, {"nonce": "another"}, {"exp": 1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_token_for_somebody_else_is_refused(browser, provider, wrong):
    provider.wrong = wrong
    assert browser.get(go_there(browser)).status_code == 403
    assert browser.get(f"{BASE}/overview").status_code == 303


def test_a_token_signed_by_somebody_else_is_refused(browser, provider):
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert browser.get(go_there(browser)).status_code == 403


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(browser):
    back = go_there(browser)
    browser.cookies.clear()
    assert browser.get(back).status_code == 403


def test_an_answer_counts_once(browser):
    back = go_there(browser)
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_a_provider_that_is_away_is_said_to_be(tmp_path, provider):
    settings = replace(SETTINGS, issuer=f"http://127.0.0.1:{free_port()}", client=provider.client)
    with browsing(tmp_path, role=None, settings=settings) as browser:
        answer = browser.get(f"{BASE}/sign-in/openid")
        assert answer.status_code == 503
        assert "the identity provider does not answer" in answer.text
