"""The console over the small bank, in this process or in a server for a browser."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import uvicorn
from fastapi import FastAPI

from config.bank import Bank
from config.console import ConsoleSettings
from config.reading import load_bank
from console.app import Console
from console.links import BASE, sign_in_link
from console.page import Sources
from journeys.audience import Audience
from serving.api.app import create_app
from serving.decider import Decider
from serving.figures.daily_responses import SCHEMA
from serving.figures.files import RunFigures, add_run, write_daily_responses
from serving.proposals.tryouts import Tryouts
from serving.proposals.workflow import Proposals
from tests.console.comparing import compared_here
from tests.docs.pages import ROOT
from tests.ports import HOST, free_port
from tests.serving.api.build import small_service
from tests.serving.api.client import Client, running
from tests.serving.build import AS_OF

SETTINGS = ConsoleSettings(secret="a secret of tests, as long as secrets have to be")
HOSTILE = "=<script>alert(1)</script>"


def console_app(
    folder: Path,
    settings: ConsoleSettings = SETTINGS,
    audience: Callable[[Audience, datetime], list[str]] | None = None,
    **more: Any,
) -> FastAPI:
    app = create_app(lambda: small_service(folder, **more))
    sources = Sources(
        figures=folder / "figures",
        journeys=folder / "journeys",
        last_run=folder / "last_run.json",
        settings=settings,
        proposals=Tryouts(small_proposals(folder)),
        audience=audience,
    )
    app.mount(BASE, Console(lambda: app.state.service, sources).application())
    return app


def small_proposals(folder: Path) -> Proposals:
    """Proposals for a copy of the demo bank's folder."""
    bank = folder / "demo"
    if not bank.is_dir():
        shutil.copytree(ROOT / "banks" / "demo", bank, ignore=shutil.ignore_patterns("schemas"))
    return Proposals(
        folder=folder / "proposals",
        bank_folder=bank,
        decider=lambda: Decider(load_bank(bank), None, None),
        what_if=compared_here,
    )


def write_figures(folder: Path, offers: Sequence[str] = ("savings_plus", "budget_check"), days: int = 30) -> None:
    """Figures of some days: inbound and outbound, the last ten days too young, and a change of policy."""
    rows = [
        {
            "day": date(2026, 2, 1 + number % 28),
            "group": group,
            "offer": offer,
            "channel": "app" if group == "inbound" else "email",
            "stage": "growth" if number % 2 else "mature",
            "presented": 10 + number,
            "matured": 10 + number if number < 18 else 0,
            "accepted": (1 + number % 4 if group == "inbound" else 1) if number < 18 else 0,
        }
        for number in range(min(days, 28))
        for group in ("inbound", "outbound")
        for offer in offers
    ]
    write_daily_responses(folder / "figures", pa.Table.from_pylist(rows, SCHEMA), AS_OF)
    for day, policy in ((10, "a"), (17, "b")):
        versions = {"bank": policy, "policy": policy, "churn": "1:ab"}
        run = RunFigures(folder=f"run-{day}", as_of=f"2026-02-{day}T00:00:00+01:00", versions=versions)
        add_run(folder / "figures", run)


def write_last_run(folder: Path, **more: Any) -> None:
    (folder / "last_run.json").write_text(json.dumps(more), encoding="utf-8")


def link_for(
    role: str, address: str = "http://nbo", settings: ConsoleSettings = SETTINGS, name: str | None = None
) -> str:
    return sign_in_link(settings.secret, address, [role], name or role)


class Browser:
    """A client that keeps cookies, as a browser does."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}

    def request(self, method: str, path: str, **more: Any) -> Any:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **more.pop("headers", {}),
        }
        answer = self.client.request(method, path, headers=headers, **more)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        if "nbo_console=null" in answer.headers.get("set-cookie", ""):
            self.cookies.clear()
        return answer

    def get(self, path: str, **more: Any) -> Any:
        return self.request("GET", path, **more)

    def post(self, path: str, form: dict[str, str] | None = None, **more: Any) -> Any:
        return self.request("POST", path, data=form or {}, **more)

    def token(self) -> str:
        """Return the token of the console's forms."""
        page = self.get(f"{BASE}/overview").text
        return str(page.split('name="csrf" value="')[1].split('"')[0])

    def enter(self, role: str, name: str | None = None) -> None:
        answer = self.get(link_for(role, name=name).removeprefix("http://nbo"))
        assert answer.status_code == 303, answer.text

    def look_up(self, customer: str) -> Any:
        return self.post(f"{BASE}/customer", {"csrf": self.token(), "customer": customer})


@contextmanager
def browsing(folder: Path, role: str | None = "admin", **more: Any) -> Iterator[Browser]:
    with running(console_app(folder, **more), {}) as client:
        browser = Browser(client)
        if role is not None:
            browser.enter(role)
        yield browser


@contextmanager
def console_served(app: FastAPI, port: int | None = None) -> Iterator[str]:
    """Serve an application for the length of the block; yield its address."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_level="critical", loop="asyncio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the console did not start"
            time.sleep(0.01)
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def with_hostile_names(bank: Bank) -> Bank:
    return replace(bank, offers=tuple(replace(offer, description=HOSTILE) for offer in bank.offers))
