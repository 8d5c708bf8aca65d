"""From editing an offer in a real Chromium to another decision of the running service, with its own wiring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from config.console import ConsoleSettings
from config.proposals.proposed import folder_digest
from config.reading import load_bank
from config.service import ServiceSettings
from console.links import BASE, sign_in_link
from serving.api.app import create_app
from serving.service.clock import Clock, ClockBase
from tests.console.browser import started, watch
from tests.console.build import console_served
from tests.pipelines.ready_bank import ready_to_decide
from tests.pipelines.small_bank import SmallBank
from tests.serving.api.build import ENTRIES, KEYS
from tests.waiting import SECONDS, until
from wiring.bank_time import last_moment
from wiring.console import mount_console
from wiring.service import open_service

SETTINGS = ConsoleSettings(secret="a secret of tests, as long as secrets have to be")
SERVICE = ServiceSettings(keys=tuple(ENTRIES), answer_seconds=SECONDS, swap_seconds=0.2)
CUSTOMERS = 40
CHANNEL = "app"


@dataclass(frozen=True)
class Running:
    """A service over a bank, and how to ask it."""

    address: str
    bank: SmallBank
    customers: tuple[str, ...]

    def first_offers(self) -> list[str | None]:
        questions = [{"customer_id": one, "channel": CHANNEL} for one in self.customers]
        answer = httpx.post(
            f"{self.address}/v1/decisions/batch",
            json={"decisions": questions, "dry_run": True},
            headers={"X-API-Key": KEYS["admin"]},
            timeout=SECONDS,
        )
        assert answer.status_code == 200, answer.text
        found = [one["offers"] for one in answer.json()["decisions"]]
        return [offers[0]["offer"] if offers else None for offers in found]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank = ready_to_decide(tmp_path_factory.mktemp("changed"), monkeypatch)
        parts = bank.parts
        parts.champion_files()
        clock = Clock(base=ClockBase.of(last_moment(parts) - datetime.now(UTC)))
        app = create_app(lambda: open_service(parts, SERVICE, clock))
        mount_console(app, parts, SETTINGS)
        customers = sorted(set(parts.log.read_bucket(0, ["customer_id"])["customer_id"].to_pylist()))
        with console_served(app) as address:
            yield Running(address, bank, tuple(customers[:CUSTOMERS]))


class Somebody:
    """A person in a browser of their own."""

    def __init__(self, chromium: Browser, service: Running, name: str, role: str) -> None:
        self.context: BrowserContext = chromium.new_context(reduced_motion="reduce")
        self.page: Page = self.context.new_page()
        self.said = watch(self.page)
        self.address = f"{service.address}{BASE}/proposals"
        self.page.set_default_timeout(SECONDS * 1000)
        self.page.goto(sign_in_link(SETTINGS.secret, service.address, [role], name))

    def open(self, number: int) -> None:
        self.page.goto(f"{self.address}?number={number}")

    def press(self, words: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=words, exact=True).click()

    def has(self, words: str) -> bool:
        return self.page.get_by_role("button", name=words, exact=True).count() > 0

    def post(self, act: str, **fields: str) -> int:
        """Send a form past the page, as a program with the person's session would."""
        token = self.page.locator("input[name=csrf]").first.input_value()
        form = {"csrf": token, "act": act, **fields}
        return self.context.request.post(self.address, form=form, max_redirects=0).status

    def number(self) -> int:
        return int(re.findall(r"number=(\d+)", self.page.url)[0])


@pytest.fixture
def people(chromium, service) -> Iterator[dict[str, Somebody]]:
    roles = {"ann": "marketer", "ben": "risk", "vera": "viewer"}
    found = {name: Somebody(chromium, service, name, role) for name, role in roles.items()}
    yield found
    assert [line for one in found.values() for line in one.said if "403" not in line] == []
    for one in found.values():
        one.context.close()


def tried(person: Somebody) -> None:
    person.press("Try it out")
    # the page follows by itself
    person.page.wait_for_selector("#overview tbody tr")
    assert person.page.locator("#personas tbody tr").count() == 6


def test_from_a_field_of_a_form_to_another_decision_of_the_running_service(service, people):
    ann, ben, vera = people["ann"], people["ben"], people["vera"]
    before = service.first_offers()
    sold = [offer for offer in before if offer and load_bank(service.bank.folder).offer(offer).cost > 0]
    offer = max(sorted(set(sold)), key=sold.count)
    folder = folder_digest(service.bank.folder)

    # edited as a form, and checked as one types
    ann.page.goto(f"{ann.address}?kind=offer&name={offer}")
    ann.page.fill("[name='field.cost']", "much")
    ann.page.wait_for_selector("#problems:has-text('expected a number')")
    ann.page.fill("[name='field.cost']", "100000")
    ann.page.wait_for_selector("#problems:has-text('nothing to say against it')")
    ann.press("Propose and check")
    number = ann.number()
    assert not ann.has("Approve")

    # nobody approves what was not tried out, or what they wrote; a viewer sees none of it
    ben.open(number)
    assert not ben.has("Approve")
    assert ben.post("approve", number=str(number)) == 409
    tried(ann)
    assert not ann.has("Approve")
    assert ann.post("approve", number=str(number)) == 409
    assert vera.page.goto(f"{vera.address}?number={number}").status == 403
    assert vera.post("approve", number=str(number)) == 403

    # the comparison is of real decisions: all who had the offer first lose it
    lost = ann.page.locator("#offers tbody tr", has_text=offer.replace("_", " ").capitalize()).locator("td")
    assert (lost.nth(1).inner_text(), int(lost.nth(0).inner_text().replace(",", "")) > 0) == ("0", True)

    # an edit after the approval takes it back, past the page as well
    ben.open(number)
    ben.press("Approve")
    ann.open(number)
    assert ann.has("Write it into the folder")
    text = ann.page.locator("[name=entry]").first.input_value()
    assert ann.post("edit", number=str(number), version="1", entry=text.replace("100000", "200000")) == 303
    assert ann.post("apply", number=str(number)) == 409
    ann.open(number)
    assert not ann.has("Write it into the folder")
    assert folder_digest(service.bank.folder) == folder

    # approved as it is now, written, and decided by
    tried(ann)
    ben.open(number)
    ben.press("Approve")
    ann.open(number)
    ann.press("Write it into the folder")
    assert load_bank(service.bank.folder).offer(offer).cost == 200_000
    until(lambda: offer not in service.first_offers())
    assert service.first_offers() != before


def test_a_withdrawn_proposal_leaves_every_byte_of_the_folder(service, people):
    ann, ben = people["ann"], people["ben"]
    files = {file.name: file.read_bytes() for file in service.bank.folder.rglob("*") if file.is_file()}
    ann.page.goto(f"{ann.address}?kind=lever&name=care_counts")
    ann.page.fill("[name='field.factor']", "1.5")
    ann.press("Propose and check")
    number = ann.number()
    tried(ann)
    ben.open(number)
    ben.press("Approve")
    ann.open(number)
    ann.press("Withdraw")
    assert ann.post("apply", number=str(number)) == 409
    assert {file.name: file.read_bytes() for file in service.bank.folder.rglob("*") if file.is_file()} == files
