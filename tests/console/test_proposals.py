"""From a form to the folder of the running service."""

import pytest

from config.reading import load_bank
from console.app import Console
from console.links import BASE
from console.page import Sources
from serving.api.app import create_app
from serving.proposals.tryouts import Tryouts
from tests.console.build import SETTINGS, Browser, small_proposals
from tests.serving.api.build import small_service
from tests.serving.api.client import running
from tests.waiting import until


@pytest.fixture
def console(tmp_path):
    app = create_app(lambda: small_service(tmp_path))
    proposals = small_proposals(tmp_path)
    sources = Sources(
        figures=tmp_path / "figures",
        journeys=tmp_path / "journeys",
        last_run=tmp_path / "last_run.json",
        settings=SETTINGS,
        proposals=Tryouts(proposals),
    )
    app.mount(BASE, Console(lambda: app.state.service, sources).application())
    with running(app, {}) as client:
        yield client, proposals, proposals.bank_folder


def person(client, role):
    browser = Browser(client)
    browser.enter(role)
    return browser


def does(browser, act, **fields):
    return browser.post(f"{BASE}/proposals", {"csrf": browser.token(), "act": act, **fields})


def test_from_a_form_through_trial_and_approval_to_the_folder_of_the_running_service(console):
    client, proposals, folder = console
    ann, ben = person(client, "marketer"), person(client, "risk")
    page = ann.get(f"{BASE}/proposals?kind=offer&name=savings_plus").text
    assert "cost: 15" in page
    entry = proposals.entry("offer", "savings_plus").replace("cost: 15", "cost: 12")
    answer = does(ann, "draft", kind="offer", name="savings_plus", entry=entry)
    assert answer.headers["location"].endswith("?number=1")
    assert does(ben, "approve", number="1").status_code == 409
    assert does(ann, "try", number="1").status_code == 303
    until(lambda: proposals.get(1).what_if is not None)
    assert does(ann, "approve", number="1").status_code == 409
    assert does(ben, "approve", number="1").status_code == 303
    assert "Approved by risk" in ann.get(f"{BASE}/proposals?number=1").text
    edited = does(ann, "edit", number="1", version="1", entry=entry.replace("12", "11"))
    assert edited.status_code == 303
    assert does(ann, "apply", number="1").status_code == 409
    assert load_bank(folder).offer("savings_plus").cost == 15
    does(ann, "try", number="1")
    until(lambda: proposals.get(1).what_if is not None)
    does(ben, "approve", number="1")
    assert does(ann, "apply", number="1").status_code == 303
    assert load_bank(folder).offer("savings_plus").cost == 11


def test_a_viewer_is_refused_and_an_approver_cannot_propose(console):
    client, proposals, _ = console
    viewer, risk = person(client, "viewer"), person(client, "risk")
    assert viewer.get(f"{BASE}/proposals").status_code == 403
    assert does(viewer, "draft", kind="lever", name="x", entry="{name: x, factor: 2}").status_code == 403
    assert does(risk, "draft", kind="lever", name="x", entry="{name: x, factor: 2}").status_code == 403
    assert proposals.all() == []


def test_hostile_entries_stay_text_and_say_what_is_wrong(console):
    client, _, _ = console
    ann = person(client, "marketer")
    does(
        ann, "draft", kind="offer", name="</textarea><script>alert(1)</script>", entry="</textarea><script>x()</script>"
    )
    page = ann.get(f"{BASE}/proposals?number=1").text
    assert "<script>x()" not in page
    assert "<script>alert" not in page
    assert "offers.yaml" in page
