"""Takes the pictures of the console in docs/console, over the state of a bank that has run: `make pictures`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page

from config.console import ConsoleSettings
from config.service import ServiceSettings
from config.settings import Settings
from console.links import BASE, sign_in_link
from nbo.environment import prepare
from serving.api.app import create_app
from serving.service.clock import Clock, ClockBase
from serving.what_if.evaluations import read_evaluations
from tests.console.browser import press, save_webp, started
from tests.console.build import console_served
from tests.ports import free_port
from wiring.bank_time import last_moment
from wiring.components import Components
from wiring.console import mount_console
from wiring.models import publish_champions
from wiring.service import open_service

SIZES = {"laptop": (1280, 800), "phone": (390, 844)}
FOLDER = Path("docs/console")
PAGES = (
    *("overview", "journey", "experience", "offers", "proposals", "change", "pauses"),
    *("customer", "experiments", "models", "evaluation", "health"),
)
ADDRESSES = {"experience": "journey?view=experience", "change": "proposals?kind=offer&name=savings_plus"}
MOST_BYTES = 5_000_000
FIRST = """  nbo --bank banks/demo train --as earlier --as-of 2026-02-21
  nbo --bank banks/demo evaluate earlier"""


def take(folder: Path, only: tuple[str, ...] = PAGES, *, whole: bool = False) -> None:
    prepare(os.environ, Settings.from_environment(os.environ))
    components = Components(Settings.from_environment(os.environ), Path("banks/demo"))
    if "evaluation" in only and not read_evaluations(components.places.figures):
        sys.exit(f"the page Evaluation would be empty; first run\n{FIRST}")
    publish_champions(components)
    settings = ConsoleSettings(secret="of the pictures " * 3)
    moment = last_moment(components)
    app = create_app(
        lambda: open_service(
            components, ServiceSettings(answer_seconds=20), Clock(base=ClockBase.of(moment - datetime.now(UTC)))
        )
    )
    mount_console(app, components, settings)
    customer = _customer(components)
    with console_served(app, free_port()) as address, started() as browser:
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                page.goto(sign_in_link(settings.secret, address, ["admin"], "anna"))
                _prefer(page, "language", language)
                _prefer(page, "theme", theme)
                for name in only:
                    _open(page, address, name, customer)
                    for size, (width, height) in SIZES.items():
                        page.set_viewport_size({"width": width, "height": height})
                        page.reload()
                        save_webp(page, folder / f"{name}-{language}-{theme}-{size}.webp", whole=whole)
                context.close()
    size = sum(file.stat().st_size for file in folder.glob("*.webp"))
    assert size <= MOST_BYTES or whole, f"{size:,} bytes of pictures"
    print(f"{len(list(folder.glob('*.webp')))} pictures, {size:,} bytes")


def _prefer(page: Page, name: str, value: str) -> None:
    while (button := page.locator(f"button[name={name}][value={value}]")).count():
        button.first.click()
        if page.locator("html").get_attribute("data-theme") == value or name == "language":
            return
    if name == "theme" and page.locator("html").get_attribute("data-theme") != value:
        page.locator("button[name=theme]").click()
        _prefer(page, name, value)


def _open(page: Page, address: str, name: str, customer: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}{BASE}/{ADDRESSES.get(name, name)}")
    if name == "customer":
        page.fill("#customer", customer)
        press(page, "Enter")
        page.wait_for_selector("#timeline")


def _customer(components: Components) -> str:
    """Return a customer who was offered much."""
    events = components.log.read_bucket(0, ["customer_id", "type"])
    presented = components.bank.vocabulary.contacts.presented  # type: ignore[union-attr]
    offered = [row["customer_id"] for row in events.to_pylist() if row["type"] == presented]
    return max(sorted(set(offered)), key=offered.count)


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, tuple(sys.argv[2:]) or PAGES, whole=len(sys.argv) > 1)
