"""A customer is erased through the API, and every remaining byte is searched for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from events.importing import import_sources
from events.quarantine import Quarantine, Reason, Rejection
from records.archive.archiving import archive_decisions
from records.erasures import named
from records.schema import AUDIT
from serving.customer_features import CustomerReader
from serving.decider import Decider
from serving.delivery.delivering import deliver
from serving.delivery.permission import DeliveryPermission
from serving.service.deciding import SEED
from tests.pipelines.small_bank import SmallBank
from tests.pipelines.test_delivering import plan
from tests.wiring.past import live_through
from tests.wiring.served import served
from wiring.components import Components
from wiring.delivery import gather_plans, outbox_of, targets_of
from wiring.erasure import erased_kept_out

DELIVERY = """\
channels:
  - channel: email
    file: {{folder: {folder}, format: {form}}}
"""
CUSTOMERS = tuple(f"C{number:06d}" for number in range(1, 81))


@dataclass(frozen=True)
class Known:
    """A customer with data in every place of a bank."""

    parts: Components
    drop_box: Path
    client: httpx.Client
    customer: str

    def places(self) -> set[str]:
        """Return the files that contain the customer, in raw bytes or in Parquet columns."""
        files = [*self.parts.places.folder.rglob("*"), *self.drop_box.rglob("*")]
        sources = self.parts.places.simulated_sources
        return {
            file.parent.name
            for file in files
            if file.is_file() and not file.is_relative_to(sources) and self._is_in(file)
        }

    def _is_in(self, file: Path) -> bool:
        return self.customer.encode() in file.read_bytes() or (file.suffix == ".parquet" and self._is_packed_in(file))

    def _is_packed_in(self, file: Path) -> bool:
        texts = [field.name for field in pq.read_schema(file) if pa.types.is_string(field.type)]
        # dictionaries are read as they were written, with words that no row has
        whole = pq.ParquetFile(file, read_dictionary=texts).read()
        words = (
            chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
            for name in whole.column_names
            for chunk in whole.column(name).chunks
            if not pa.types.is_large_binary(chunk.type)
        )
        return any(self.customer in str(word.to_pylist()) for word in words)


def deliver_letters(components: Components, midnight: datetime, now: datetime) -> None:
    """Deliver the planned letters."""
    contacts = [(name, "email") for name in CUSTOMERS]
    plan(components, f"{midnight:%Y-%m-%d}-x", now - timedelta(hours=2), *contacts)
    outbox = outbox_of(components)
    gather_plans(components, outbox, now)
    reader = CustomerReader(components.bank, components.log, components.online, components.journal)
    permission = DeliveryPermission(Decider(components.bank, None, None), reader, SEED)
    deliver(outbox, targets_of(components, outbox, {}), permission, lambda: now, timedelta(hours=12))


@pytest.fixture(params=[("drop_box", "csv"), ("home/banks/small/deliveries/email", "jsonl")], ids=["csv", "jsonl"])
def known(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Known]:
    folder, form = request.param
    drop_box = tmp_path / folder
    written = drop_box if form == "csv" else "email"  # a folder that is not absolute lies below the home
    bank = SmallBank.write(tmp_path, customers=len(CUSTOMERS), months=4)
    bank.use(monkeypatch)
    (bank.folder / "delivery.yaml").write_text(DELIVERY.format(folder=written, form=form))
    components = bank.parts
    midnight = live_through(components)
    noon = midnight + timedelta(hours=12)
    deliver_letters(components, midnight, noon)
    [letters] = drop_box.iterdir()
    customer = next(name for name in CUSTOMERS if name in letters.read_text())
    with Quarantine(components.places.quarantine) as quarantine:
        quarantine.add("bank", "a.csv", Rejection(1, Reason.TYPE_UNKNOWN, "", {"client": customer, "kind": "?"}))
        quarantine.add("bank", "a.csv", Rejection(2, Reason.FIELD_COUNT_WRONG, "", f"{customer};1;2"))
        quarantine.add("bank", "a.csv", Rejection(3, Reason.TYPE_UNKNOWN, "", {"client": "somebody else"}))
    offers = next(
        file for file in components.places.decisions.rglob("*.parquet") if customer.encode() in file.read_bytes()
    )
    shutil.copy(offers, offers.with_name(f".{offers.name}.0a1b2c.unfinished"))  # as a machine leaves it that dies
    with served(components, noon) as client:
        event = {"event_id": "e1", "customer_id": customer, "type": "app_login"}
        assert client.post("/v1/events", json=event).json()["accepted"] == 1
        question = {"customer_id": customer, "channel": "app"}
        assert client.post("/v1/decisions", json={**question, "request_id": "archived"}).status_code == 200
        archive_decisions(components.database, components.places.decisions_archive, noon, noon + timedelta(hours=1))
        assert client.post("/v1/decisions", json={**question, "request_id": "new"}).status_code == 200
        consents = {"consents": {"consent_email": True}}
        assert client.put(f"/v1/customers/{customer}/consents", json=consents).json()["fate"] == "accepted"
        assert client.get(f"/v1/customers/{customer}").status_code == 200
        yield Known(components, drop_box, client, customer)
    components.database.close()


@contextmanager
def late_writers(components: Components) -> Iterator[None]:
    """A batch run that reads all customers before the block and writes its files after it."""
    places = components.places
    written = (places.states, places.decisions, places.stage_history, places.feature_store)
    with TemporaryDirectory() as folder, erased_kept_out(components):
        for place in written:
            copytree(place, Path(folder) / place.name)
        yield
        for place in written:
            copytree(Path(folder) / place.name, place, dirs_exist_ok=True)


def test_of_an_erased_customer_nothing_is_found_and_the_receipt_says_what_was(known: Known) -> None:
    assert known.places() >= {
        "log", "states", "stage_history", "parts", "feast", "features", "rejections", "quarantine", "small",
        known.drop_box.name,
    }  # fmt: skip
    with late_writers(known.parts):
        answer = known.client.delete(f"/v1/customers/{known.customer}")
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["customer"] == named(known.parts.database, known.customer)
    expected = {
        "event_log", "states", "online_store", "decision_files", "stage_history", "feature_store",
        "decisions_archive", "deliveries", "quarantine", "journal_events", "decisions", "customer_versions", "outbox",
    }  # fmt: skip
    assert {name for name, rows in receipt["erased"].items() if rows > 0} >= expected
    assert (receipt["erased"]["quarantine"], receipt["erased"]["journal_events"]) == (2, 2)
    assert known.places() == set()
    with known.parts.database.reading() as connection:
        audit = connection.execute(select(AUDIT.c.act, AUDIT.c.subject, AUDIT.c.detail)).all()
    assert ("erase a customer", named(known.parts.database, known.customer), receipt["receipt_id"]) in audit
    # what the bank's systems deliver again does not come back
    components, now = known.parts, datetime.now(UTC)
    import_sources(
        components.log,
        components.bank.sources,
        components.bank.vocabulary,
        components.sources,
        components.places.quarantine,
        now=now,
    )
    assert known.places() == set()
    again = known.client.delete(f"/v1/customers/{known.customer}").json()["erased"]
    assert not any(again.values())
    assert known.client.get(f"/v1/customers/{known.customer}").status_code == 404


def test_who_is_known_before_any_features_are_built_can_be_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = SmallBank.write(tmp_path, customers=4, months=1)
    bank.use(monkeypatch)
    components, customer = bank.parts, CUSTOMERS[0]
    login = {"event_id": "e1", "customer_id": customer, "type": "app_login"}
    with served(components, datetime(2026, 6, 1, tzinfo=UTC)) as client:
        assert client.post("/v1/events", json=login).json()["accepted"] == 1
        answer = client.delete(f"/v1/customers/{customer}")
        assert (answer.status_code, answer.json()["erased"]["journal_events"]) == (200, 1), answer.text
        assert client.get(f"/v1/customers/{customer}").status_code == 404
        assert client.post("/v1/events", json=login).json()["results"][0]["fate"] == "erased"
        # features that were built and are not registered any more may be in the store
        (components.places.feature_store / "parts").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"customer_id": [customer]}), components.places.feature_store / "parts" / "a.parquet")
        assert client.delete(f"/v1/customers/{customer}").status_code == 503
    components.database.close()
