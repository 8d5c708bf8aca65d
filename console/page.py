"""A page of the console: what it is called, who may open it, and where its content comes from."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import console.pages
from config.console import ConsoleSettings
from console.access import Permission, Person
from console.languages import Texts
from console.tables import Table
from journeys.audience import Audience
from serving.proposals.tryouts import Tryouts
from serving.service.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What pages read besides the service.

    Attributes:
        figures: Folder of figures over time (`serving.figures.files`).
        journeys: Folder of the journey figures (`journeys.files`).
        last_run: File with the results of the last run.
        settings: The console's settings.
        proposals: Proposals to change the bank's folder; None if it cannot be changed from here.
        audience: Returns the customers behind a journey figure as of a moment; None if they cannot be had from here.
    """

    figures: Path
    journeys: Path
    last_run: Path
    settings: ConsoleSettings
    proposals: Tryouts | None = None
    audience: Callable[[Audience, datetime], list[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One look at a page.

    Attributes:
        service: The running service.
        sources: What pages read besides.
        person: Who looks.
        texts: Messages and formats of their language.
        asked: Parameters of the address; they never contain personal data.
        customer_id: The customer, for a page about one.
    """

    service: Service
    sources: Sources
    person: Person
    texts: Texts
    asked: Mapping[str, str]
    customer_id: str | None = None

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return a parameter of the address if it is one of the choices, else the first of them."""
        value = self.asked.get(name, "")
        return value if value in choices else choices[0]


@dataclass(frozen=True, slots=True)
class Content:
    """What a page shows.

    Attributes:
        tables: Its tables, which are also handed out as data.
        values: Further names for its template.
    """

    tables: tuple[Table, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page; a module of `console.pages` defines one as `PAGE`.

    Attributes:
        name: Name in addresses; its template is `<name>.html`.
        title: Title, a message to translate.
        permission: What the person must be permitted.
        order: Place in the navigation.
        content: Returns the content; runs in a thread.
        act: Does what a form of the page asks for, and returns the parameters of the page to show then; None if it
            has no forms. Every act is in the audit before it is done.
        check: Says what is wrong with a form while it is filled in, for the template `<name>_check.html`; None if it
            does not. It changes nothing.
        audience: Returns the customers behind a figure, as a table that is handed out and never shown; None if the page
            has none. It needs the permission for audiences, and is in the audit.
        of_customer: Whether it is about one customer: it is opened by a form, and every look is in the audit.
    """

    name: str
    title: str
    permission: Permission
    order: int
    content: Callable[[Visit], Content]
    act: Callable[[Visit, Mapping[str, str]], Mapping[str, str]] | None = None
    check: Callable[[Visit, Mapping[str, str]], Mapping[str, Any]] | None = None
    audience: Callable[[Visit, Mapping[str, str]], Table] | None = None
    of_customer: bool = False


def all_pages() -> tuple[Page, ...]:
    """Return the pages that the modules of `console.pages` define, in the order of the navigation."""
    modules = (
        importlib.import_module(f"console.pages.{found.name}") for found in pkgutil.iter_modules(console.pages.__path__)
    )
    pages: list[Page] = [module.PAGE for module in modules]
    return tuple(sorted(pages, key=lambda page: page.order))
