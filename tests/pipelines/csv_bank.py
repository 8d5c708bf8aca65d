"""A bank whose source is one CSV file that a test writes, with as little as a bank can say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.config.folders import SMALL_BANK
from tests.tracking_store import tracking_store
from wiring.components import Components, reload_components

HEADER = "customer,time,event\n"
DAYS = 300


class CsvBank:
    """The folder of YAML, the source files, and the home of one bank."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.home, self.sources = place / "plain", place / "home", place / "data" / "plain"
        self.folder.mkdir()
        self.sources.mkdir(parents=True)
        for name, text in SMALL_BANK.items():
            (self.folder / name).write_text(text)
        self.replace("bank.yaml", "currency: EUR", "currency: EUR\nsource_folder: plain")
        self.replace("models.yaml", "folds: 3", "folds: 2")
        monkeypatch.setenv("NBO_HOME", str(self.home))
        monkeypatch.setenv("NBO_DATA", str(place / "data"))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_store(self.home / "mlflow" / "mlflow.db"))

    @property
    def parts(self) -> Components:
        return reload_components(self.folder)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))

    def without_contacts(self) -> None:
        self.replace("events.yaml", "contacts:\n  presented: offer_presented\n  accepted: offer_accepted\n", "")
        self.replace("policies.yaml", "contact_limits:\n  - {name: weekly, per: channel, at_most: 1, days: 7}\n", "")

    def deliver(self, rows: Iterable[str], header: str = HEADER) -> None:
        (self.sources / "events.csv").write_text(header + "".join(f"{row}\n" for row in rows))

    def state(self) -> set[str]:
        """Every file of the bank's state but the databases of servers."""
        root = self.parts.places.folder
        return {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()}


def logins(customers: int, *, every_days: int, leaving: int = 0) -> list[str]:
    """Log-ins of customers at regular times; the last `leaving` of them go, one after the other."""
    first = date(2025, 1, 1)
    until = [DAYS if customer < customers - leaving else 60 + customer * 13 % 220 for customer in range(customers)]
    return [
        f"c{customer:03d},{first + timedelta(days=day)}T10:00:00,app_login"
        for customer in range(customers)
        for day in range(customer % every_days, until[customer], every_days)
    ]
