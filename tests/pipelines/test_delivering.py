"""The flow on a copy of the demo bank: from the files of a night's plan to a channel's system and a drop box."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from config.stores import SettingError
from domain.errors import DataError
from domain.event import Event
from events.schema import table_of
from pipelines.delivering import deliver_contacts
from serving.batch.contacts import CONTACTS, PLAN, SCHEMA
from tests.pipelines.small_bank import DEMO
from tests.serving.delivery.receiver import SECRET, Receiver, receiving
from wiring.components import Components, reload_components

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
DELIVERY = """\
channels:
  - channel: email
    webhook: {url: EMAIL_URL, secret: EMAIL_SECRET}
  - channel: push
    file: {folder: push}
"""


@pytest.fixture
def components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Components:
    """A bank whose customers a, b and c agree to e-mails, d to push messages, and e to nothing."""
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    folder = Path(shutil.copytree(DEMO, tmp_path / "bank"))
    (folder / "delivery.yaml").write_text(DELIVERY)
    (folder / "network.yaml").write_text("inside: [127.0.0.1]\n")
    components = reload_components(folder)
    agreed = {"a": "consent_email", "b": "consent_email", "c": "consent_email", "d": "consent_push", "e": None}
    components.log.append(table_of([_customer(name, consent) for name, consent in agreed.items()]))
    return components


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("EMAIL_URL", receiver.url)
        monkeypatch.setenv("EMAIL_SECRET", SECRET)
        yield receiver


def _customer(name: str, consent: str | None) -> Event:
    agreed = {} if consent is None else {consent: "true"}
    known = {"refuses_automated_decisions": "false", "birth_year": "1980", **agreed}
    at = NOW - timedelta(days=30)
    return Event(event_id=name, customer_id=name, type="customer_attributes", occurred_at=at, available_at=at,
                 properties=known)  # fmt: skip


def plan(components: Components, run: str, at: datetime, *contacts: tuple[str, str], finished: bool = True) -> None:
    rows: list[dict[str, Any]] = [
        {
            "customer_id": customer,
            "channel": channel,
            "contact_at": at,
            "offer": "savings_plus",
            "treatment": "letter",
            "slot": None,
            "priority_before_prices": 1.0,
            "plan_probability": 1.0,
            "decision_id": f"{run[-1]}-{customer[::-1]}",  # a decision's id does not hold its customer's
        }
        for customer, channel in contacts
    ]
    folder = components.places.decisions / run
    (folder / CONTACTS).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / CONTACTS / "bucket-00.parquet")
    if finished:
        (folder / PLAN).write_text("{}")


def row_of(result: dict[str, Any], channel: str) -> dict[str, Any]:
    [row] = [row for row in result["channels"] if row["channel"] == channel]
    return row


def test_a_nights_plan_reaches_its_channels_once(components: Components, receiver: Receiver) -> None:
    morning = NOW - timedelta(hours=3)
    plan(components, "2026-06-01-x", morning, ("a", "email"), ("b", "email"), ("d", "push"), ("e", "email"))
    plan(components, "2026-06-01-y", morning, ("c", "email"), finished=False)
    plan(components, "2026-05-20-z", morning - timedelta(days=12), ("c", "email"))
    result = deliver_contacts(str(components.folder), NOW)
    assert result["new"] == 4
    email = row_of(result, "email")
    assert (email["delivered"], email["withheld"], email["reasons"]) == (2, 1, {"failed consent_email": 1})
    assert sorted(receiver.made) == ["x-a", "x-b"]
    with (components.places.deliveries / "push" / "push-2026-06-01.csv").open(newline="") as file:
        assert [row["decision_id"] for row in csv.DictReader(file)] == ["x-d"]
    again = deliver_contacts(str(components.folder), NOW + timedelta(minutes=5))
    assert (again["new"], sum(row["delivered"] for row in again["channels"]), len(receiver.requests)) == (0, 0, 1)


def test_a_simulated_banks_contacts_are_delivered_in_its_own_time(components: Components, receiver: Receiver) -> None:
    components.log.append(table_of([replace(_customer("f", None), available_at=NOW)]))
    plan(components, "2026-06-01-x", NOW - timedelta(hours=3), ("a", "email"))
    result = deliver_contacts(str(components.folder))
    assert result["as_of"] == (NOW + timedelta(microseconds=1)).isoformat()
    assert (row_of(result, "email")["delivered"], sorted(receiver.made)) == (1, ["x-a"])


def test_dead_letters_are_told_until_they_are_tried_again(components: Components, receiver: Receiver) -> None:
    plan(components, "2026-06-01-x", NOW, ("a", "email"))
    receiver.poisoned = {"a"}
    result = deliver_contacts(str(components.folder), NOW)
    assert result["dead_letters"] == [{"channel": "email", "reason": "answered 422", "contacts": 1}]
    receiver.poisoned = set()
    assert deliver_contacts(str(components.folder), NOW + timedelta(minutes=5))["dead_letters"]
    result = deliver_contacts(str(components.folder), NOW + timedelta(minutes=10), again=True)
    assert (row_of(result, "email")["delivered"], result["dead_letters"]) == (1, [])


def test_a_variable_that_is_not_set_stops_everything_before_it_begins(components: Components) -> None:
    plan(components, "2026-06-01-x", NOW, ("d", "push"))
    with pytest.raises(SettingError, match="EMAIL_URL is not set"):
        deliver_contacts(str(components.folder), NOW)
    assert not components.places.deliveries.exists()


def test_a_bank_that_delivers_nowhere_is_told_what_to_write(components: Components) -> None:
    (components.folder / "delivery.yaml").unlink()
    with pytest.raises(DataError, match=r"add them to bank/delivery\.yaml"):
        deliver_contacts(str(components.folder), NOW)
