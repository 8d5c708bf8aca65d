"""From a form to the folder of the running service."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from config.proposals.entries import KINDS
from config.proposals.form import fields_of
from config.proposals.proposed import folder_digest, problems_of, write_entry
from config.reading import load_bank
from console.app import Console
from console.links import BASE
from console.page import Sources
from serving.api.app import create_app
from serving.proposals.tryouts import Tryouts
from tests.console.build import SETTINGS, Browser, browsing, small_proposals
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
    assert 'name="field.cost" value="15"' in page
    entry = proposals.entry("offer", "savings_plus").replace("cost: 15", "cost: 12")
    answer = does(ann, "draft", kind="offer", name="savings_plus", entry=entry)
    assert answer.headers["location"].endswith("?number=1")
    assert does(ben, "approve", number="1").status_code == 409
    assert does(ann, "try", number="1").status_code == 303
    until(lambda: proposals.get(1).what_if is not None)
    cheaper = next(row for row in proposals.get(1).what_if.result["overview"] if row["measure"] == "expected cost")
    assert cheaper["difference"] < 0
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


def as_a_form(browser, query, **changed):
    """Fill in the form of an entry as a browser without JavaScript would, and return what it sends."""
    page = Page(browser.get(f"{BASE}/proposals?{query}").text)
    assert set(changed) <= set(page.controls), set(changed) - set(page.controls)
    return {**page.fields, **changed}


class Page(HTMLParser):
    """The editor's fields, and what they hold."""

    def __init__(self, text):
        super().__init__()
        self.fields, self.controls, self.inside, self.area, self.select = {}, [], False, None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        one = dict(attrs)
        self.inside |= tag == "form" and one.get("id") == "editor"
        if not self.inside:
            return
        name = one.get("name")
        if tag in {"input", "textarea", "select"}:
            self.controls.append(name)
        if tag == "input" and (one.get("type") != "checkbox" or "checked" in one):
            self.fields[name] = one.get("value", "on")
        elif tag == "textarea":
            self.area, self.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and ("selected" in one or self.select not in self.fields):
            self.fields[self.select] = one.get("value", "")

    def handle_data(self, data):
        if self.area:
            self.fields[self.area] += data.replace("\n", "\r\n")

    def handle_endtag(self, tag):
        self.inside &= tag != "form"
        self.area = None if tag == "textarea" else self.area


def sent(browser, act, fields):
    return browser.post(f"{BASE}/proposals", {**fields, "csrf": browser.token(), "act": act})


def test_a_form_sent_back_untouched_proposes_every_byte_as_it_was(console):
    client, proposals, _ = console
    ann = person(client, "marketer")
    for number, (kind, names) in enumerate(proposals.entries().items(), start=1):
        fields = as_a_form(ann, f"kind={kind}&name={names[0]}")
        assert sent(ann, "draft", fields).status_code == 303
        assert proposals.get(number).entry == proposals.entry(kind, names[0])


def test_a_form_changes_what_was_changed_and_keeps_comments(console):
    client, proposals, _ = console
    ann = person(client, "marketer")
    write_entry(proposals.bank_folder, KINDS["lever"], "mine", "{name: mine, factor: 1.1, tags: [service]} # since May")
    fields = as_a_form(ann, "kind=lever&name=mine", **{"field.factor": "1.3", "field.channels.app": "on"})
    del fields["field.tags.service"]
    sent(ann, "draft", fields)
    assert proposals.get(1).entry == "{name: mine, factor: 1.3, channels: [app]} # since May\n"


def test_a_new_entry_begins_as_a_form(console):
    client, proposals, _ = console
    ann = person(client, "marketer")
    new = {"field.at_most": "2", "field.days": "7", "field.per": "channel", "field.channels.email": "on"}
    sent(ann, "draft", as_a_form(ann, "kind=contact_limit&name=mail_weekly", **new))
    written = "name: mail_weekly\nper: channel\nat_most: 2\ndays: 7\nchannels: [email]\n"
    assert proposals.get(1).entry == written
    assert "nbo check has nothing to say against it" in ann.get(f"{BASE}/proposals?number=1").text


def test_an_entry_is_removed_by_a_proposal(console):
    client, proposals, _ = console
    ann = person(client, "marketer")
    does(ann, "remove", kind="lever", name="care_counts")
    assert proposals.get(1).entry == ""
    assert "It is proposed to remove this entry" in ann.get(f"{BASE}/proposals?number=1").text


def test_what_is_typed_is_checked_as_nbo_check_would(console):
    client, proposals, folder = console
    ann = person(client, "marketer")
    before = folder_digest(folder)
    for change, line in (("cost: fifteen", "a number"), ("stages: [grow]", "growth")):
        key, _, value = change.partition(": ")
        fields = as_a_form(ann, "kind=offer&name=savings_plus")
        if key == "stages":
            fields["field.stages"] = "grow"
        else:
            fields[f"field.{key}"] = value
        said = ann.post(f"{BASE}/proposals/check", {**fields, "csrf": ann.token()})
        assert said.status_code == 200
        entry = unescape(re.findall(r"<pre[^>]*>(.*?)</pre>", said.text, re.DOTALL)[0])
        expected = problems_of(folder, KINDS["offer"], "savings_plus", entry)
        assert len(expected) == 1
        assert line in expected[0]
        assert expected[0] in unescape(said.text)
    assert folder_digest(folder) == before
    assert proposals.all() == []


def test_a_check_needs_the_role_and_the_forms_token(console):
    client, _, _ = console
    viewer, ann = person(client, "viewer"), person(client, "marketer")
    fields = {"kind": "lever", "name": "x", "entry": "{name: x}"}
    assert viewer.post(f"{BASE}/proposals/check", {**fields, "csrf": viewer.token()}).status_code == 403
    assert ann.post(f"{BASE}/proposals/check", fields).status_code == 403


def tried_and_approved(client, proposals, ann, ben, number=1):
    does(ann, "try", number=str(number))
    until(lambda: proposals.get(number).what_if is not None)
    assert does(ben, "approve", number=str(number)).status_code == 303


def test_a_change_with_a_time_waits_for_it_and_one_click_returns(console):
    client, proposals, folder = console
    ann, ben = person(client, "marketer"), person(client, "risk")
    before = folder_digest(folder)
    later = {"field.factor": "1.4", "starts_at": "2026-03-02T18:00", "ends_at": "2026-03-09T18:00"}
    sent(ann, "draft", as_a_form(ann, "kind=lever&name=care_counts", **later))
    proposal = proposals.get(1)
    assert (proposal.starts_at, proposal.ends_at) == ("2026-03-02T18:00+01:00", "2026-03-09T18:00+01:00")
    tried_and_approved(client, proposals, ann, ben)
    page = ann.get(f"{BASE}/proposals?number=1").text
    assert "It starts by itself at 2 Mar 2026, 18:00" in page
    assert "Write it into the folder" not in page
    assert does(ann, "apply", number="1").status_code == 409
    # without the times of the form an edit leaves them as they are
    assert does(ann, "edit", number="1", version="1", entry=proposal.entry).status_code == 303
    assert proposals.get(1).starts_at == proposal.starts_at
    sent(ann, "edit", as_a_form(ann, "number=1", starts_at="", ends_at=""))
    tried_and_approved(client, proposals, ann, ben)
    assert does(ann, "apply", number="1").status_code == 303
    assert folder_digest(folder) != before
    assert "Return to what was there before" in ann.get(f"{BASE}/proposals?number=1").text
    assert does(ann, "return", number="1").status_code == 303
    assert folder_digest(folder) == before
    assert proposals.get(1).history[-1][1:] == ("marketer", "returned")


def test_times_that_are_none_are_refused(console):
    client, proposals, _ = console
    ann = person(client, "marketer")
    for wrong in ({"starts_at": "soon"}, {"starts_at": "2026-03-02T18:00", "ends_at": "2026-03-01T18:00"}):
        assert does(ann, "draft", kind="lever", name="x", entry="{name: x, factor: 1}", **wrong).status_code == 422
    assert proposals.all() == []


def test_the_help_of_every_field_is_in_the_language_of_the_page(tmp_path):
    with browsing(tmp_path) as browser:
        browser.post(f"{BASE}/preferences", {"csrf": browser.token(), "language": "zh"})
        for kind, entry_kind in KINDS.items():
            page = browser.get(f"{BASE}/proposals?kind={kind}&name=a_new_one").text
            for field in fields_of(entry_kind):
                assert field.meaning.split(";")[0].replace("`", "") not in unescape(page), field.name
            assert 'class="help"' in page
