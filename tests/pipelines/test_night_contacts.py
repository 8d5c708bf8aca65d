"""The night counts the contacts of the day that its log does not have, as the service does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from domain.event import Event
from events.log import EventLog
from features.bucket.current import MidnightFeatures
from features.bucket.rows import customers_in
from features.store.state_files import StateFiles
from features.table import FeatureTable
from records.database import Database
from records.event_rows import microseconds, row_of
from records.flush import flush
from records.journal import Journal
from records.open_contacts import open_contacts
from records.schema import CUSTOMERS, PENDING
from serving.customer_features import CustomerReader
from serving.service.engine import outbound_channels
from tests.pipelines.test_decide_files import BANK, EVENTS, MIDNIGHT, states_of
from tests.records.build import accept, empty_postgresql

OUTBOUND = outbound_channels(BANK.policy)
JUST_AFTER = MIDNIGHT + timedelta(microseconds=1)
HOUR = timedelta(hours=1)
COUNTED = [f"limit_contacts_monthly_{channel}_30d" for channel in ("email", "push", "call_centre")]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}" if server is None else empty_postgresql(server))
    yield database
    database.close()


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    log = EventLog(tmp_path / "log", buckets=1)
    log.append(EVENTS)
    return log


def decided(database: Database, customer: str, at: datetime, channel: str = "email") -> None:
    """As the service keeps a contact."""
    row = {"decision_id": f"{customer} {at:%d %H%M}", "customer_id": customer, "channel": channel}
    row |= {"offer": "savings_plus", "product": "savings", "decided_at": microseconds(at)}
    with database.transaction() as connection:
        connection.execute(database.add(CUSTOMERS), {"customer_id": customer, "version": 1})
        connection.execute(database.add(PENDING), row)


def presented(database: Database, customer: str, at: datetime, channel: str = "email", **more: Any) -> None:
    """As a channel tells it."""
    said: dict[str, Any] = {"event_id": f"p {customer} {at:%d %H%M}", "customer_id": customer, "channel": channel}
    said |= {"type": "offer_presented", "product": "savings", "properties": {"offer": "savings_plus"}}
    accept(database, row_of(Event(**said, occurred_at=at, available_at=at, **more), said_at=at))


def contacts_of(database: Database) -> pa.Table:
    return open_contacts(database, BANK.vocabulary.contacts, OUTBOUND, MIDNIGHT)


def night(log: EventLog, database: Database, folder: Path, *, states: bool) -> FeatureTable:
    files = StateFiles(folder / "states")
    if states:
        files.write("bucket-000", states_of(log), {})
    features, computed = MidnightFeatures(BANK.feature_definitions, log, files).of_bucket(
        0, MIDNIGHT, contacts=contacts_of(database)
    )
    assert computed == (0 if states else len(features))
    return features


def service(log: EventLog, database: Database, moments: Mapping[str, datetime]) -> FeatureTable:
    reader = CustomerReader(BANK, log, None, Journal(database, BANK.vocabulary.contacts))
    return FeatureTable.concatenate([reader.read(customer, at).features for customer, at in moments.items()])


@pytest.mark.parametrize("states", [True, False])
def test_every_feature_of_the_night_is_that_of_the_service_after_midnight(
    database: Database, log: EventLog, tmp_path: Path, states: bool
) -> None:
    decided(database, "c0", MIDNIGHT - 6 * HOUR)
    decided(database, "c1", MIDNIGHT - 240 * HOUR, "call_centre")
    decided(database, "c1", MIDNIGHT - HOUR, "push")
    presented(database, "c2", MIDNIGHT - HOUR)
    decided(database, "c3", MIDNIGHT - 2 * HOUR)
    presented(database, "c3", MIDNIGHT - HOUR, "push")
    found = night(log, database, tmp_path, states=states)
    customers = found.customer_ids.tolist()
    # who has no contacts is as of midnight, who has some is as of when they count
    moments = {name: JUST_AFTER if name in {"c0", "c1", "c2", "c3"} else MIDNIGHT for name in customers}
    for name, values in service(log, database, moments).columns.items():
        np.testing.assert_array_equal(found.columns[name], values, err_msg=name)
    assert (found.as_of == found.as_of[0]).all()
    without, _ = MidnightFeatures(BANK.feature_definitions, log, StateFiles(tmp_path / "states")).of_bucket(0, MIDNIGHT)
    assert without.customer_ids.tolist() == customers
    counts = [sum(table.columns[name] for name in COUNTED) for table in (found, without)]
    more = dict(zip(customers, (counts[0] - counts[1]).tolist(), strict=True))
    assert more == {**dict.fromkeys(customers, 0.0), "c0": 1.0, "c1": 2.0, "c2": 1.0, "c3": 2.0}


def test_what_is_decided_after_midnight_counts_for_the_night_that_is_decided_later(
    database: Database, log: EventLog, tmp_path: Path
) -> None:
    decided(database, "c0", MIDNIGHT + HOUR)
    presented(database, "c1", MIDNIGHT + 2 * HOUR)
    found = night(log, database, tmp_path, states=True)
    expected = service(log, database, dict.fromkeys(found.customer_ids.tolist(), MIDNIGHT + 3 * HOUR))
    limits = [name for name in found.columns if name.startswith("limit_")]
    for name in limits:
        np.testing.assert_array_equal(found.columns[name], expected.columns[name], err_msg=name)
    assert len(limits) > 10


def test_contacts_of_a_later_day_are_none_of_an_earlier_nights(database: Database) -> None:
    decided(database, "c0", MIDNIGHT + 25 * HOUR)
    presented(database, "c1", MIDNIGHT + 25 * HOUR)
    assert len(contacts_of(database)) == 0


def test_what_the_log_has_and_what_is_no_contact_is_left_out(database: Database, log: EventLog) -> None:
    presented(database, "c0", MIDNIGHT - HOUR)
    assert contacts_of(database)["customer_id"].to_pylist() == ["c0"]
    flush(database, log, MIDNIGHT)
    assert len(contacts_of(database)) == 0
    presented(database, "c1", MIDNIGHT - HOUR, "app")
    presented(database, "c2", MIDNIGHT - HOUR, decision_id="of nobody")
    assert len(contacts_of(database)) == 0


def test_a_contact_that_is_presented_counts_once_and_never_less_than_once(database: Database, log: EventLog) -> None:
    decided(database, "c0", MIDNIGHT - 2 * HOUR)
    before = contacts_of(database)
    presented(database, "c0", MIDNIGHT + HOUR)
    with database.transaction() as connection:
        connection.execute(PENDING.delete())  # as accepting does for one that cites its decision
    after = contacts_of(database)
    flush(database, log, MIDNIGHT + 2 * HOUR)
    assert [len(before), len(after), len(contacts_of(database))] == [1, 1, 1]
    assert customers_in(after).tolist() == ["c0"]


def test_a_bank_that_puts_no_offers_has_no_contacts(database: Database) -> None:
    assert len(open_contacts(database, None, (), MIDNIGHT)) == 0
