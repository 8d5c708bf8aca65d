"""Valid events of every type of the demo bank, with unusual values, are each stored exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from config.reading import load_bank
from domain.errors import DataError
from domain.ids import LONGEST_ID, fit_id
from events.log import EventLog
from events.schema import LARGEST_AMOUNT
from events.vocabulary import ATTRIBUTES_TYPE, Property
from records.database import Database
from records.flush import flush
from records.journal import Journal
from records.schema import EVENTS
from serving.api.app import create_app
from serving.customer_features import CustomerReader
from serving.decider import Decider
from serving.intraday import TodaysEvents
from serving.service.clock import Clock
from serving.service.engine import LiveEngine
from serving.service.service import Service
from serving.service.service_files import ServiceFiles
from tests.docs.pages import ROOT
from tests.serving.api.build import KEYS, SETTINGS
from tests.serving.api.client import Client, running
from tests.serving.build import AS_OF

BANK = load_bank(ROOT / "banks" / "demo")
VOCABULARY = BANK.vocabulary
TYPES = {**{name: kind.properties for name, kind in VOCABULARY.types.items()}, ATTRIBUTES_TYPE: VOCABULARY.attributes}
CUSTOMERS = ["c1", "C/1", "Zoë Ünal", "顧客", "a%2Fb#?&=", "=1+1", "'; DROP TABLE", "x" * LONGEST_ID]
VALID = {"accepted", "duplicate", "conflict", "stray"}


def is_id(text: str) -> bool:
    try:
        return fit_id(text, "id") == text
    except DataError:
        return False


ODD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
IDS = ODD.filter(is_id)
NUMBERS = st.one_of(
    st.sampled_from([0, -0.0, 5e-324, 1e-9, LARGEST_AMOUNT, -LARGEST_AMOUNT]),
    st.integers(-(10**11), 10**11),
    st.floats(-LARGEST_AMOUNT, LARGEST_AMOUNT, allow_nan=False),
)
ZONES = st.sampled_from([UTC, *(datetime.strptime(offset, "%z").tzinfo for offset in ("+1400", "-1200", "+0545"))])
MOMENTS = st.one_of(
    st.none(),
    st.builds(
        lambda seconds, micros, zone: (AS_OF - timedelta(seconds=seconds, microseconds=micros)).astimezone(zone),
        st.one_of(st.integers(0, 86_400), st.integers(0, 86_400 * 20_000)),
        st.integers(0, 999_999),
        ZONES,
    ),
)


def values(declared: Property) -> st.SearchStrategy[Any]:
    """Valid values of a property."""
    if declared.type == "number":
        return st.one_of(NUMBERS, st.sampled_from(["0", "-0", "1980", "1980.50"]))
    if declared.type == "boolean":
        return st.one_of(st.booleans(), st.sampled_from(["YES", "no", "1", "0", "True"]))
    return st.sampled_from(declared.values) if declared.type == "category" else ODD


def events(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Events of a type that the bank's vocabulary allows."""
    properties = {name: values(declared) for name, declared in TYPES[kind].items()}
    return st.fixed_dictionaries(
        {
            "event_id": IDS.map(lambda odd: f"{kind} {odd}"),
            "customer_id": st.sampled_from(CUSTOMERS),
            "type": st.just(kind),
        },
        optional={
            "channel": st.sampled_from(VOCABULARY.channels),
            "product": st.sampled_from(VOCABULARY.products),
            "amount": NUMBERS,
            "properties": st.fixed_dictionaries({}, optional=properties),
            "decision_id": st.one_of(st.none(), IDS),
            "occurred_at": MOMENTS.map(lambda moment: None if moment is None else moment.isoformat()),
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def accepted() -> set[str]:
    """Return the ids of all events accepted so far."""
    return set()


@pytest.fixture(scope="module")
def client(folder: Path, accepted: set[str]) -> Iterator[Client]:
    log, database = EventLog(folder / "log", buckets=2), Database(f"sqlite:///{folder / 'decisions.db'}")
    reader = CustomerReader(BANK, log, None, Journal(database, VOCABULARY.contacts), TodaysEvents(log))
    engine = LiveEngine(Decider(BANK, None, None), reader)

    def opened() -> Service:
        files = ServiceFiles(decisions=folder / "decisions", erase=lambda customer: {})
        return Service(database, engine, Clock(AS_OF), SETTINGS, log, files)

    with running(create_app(opened), {"X-API-Key": KEYS["admin"]}) as client:
        yield client


@pytest.mark.parametrize("kind", TYPES)
def test_every_valid_event_is_taken_in_and_the_next_decisions_are_made(client, accepted, kind):
    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(told=st.lists(events(kind), min_size=1, max_size=8), channel=st.sampled_from(VOCABULARY.channels))
    def tell(told, channel):
        answer = client.post("/v1/events", json=told)
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert {result["fate"] for result in results} <= VALID, results
        fresh = [result["event_id"] for result in results if result["fate"] == "accepted"]
        assert not accepted & set(fresh)
        accepted.update(fresh)
        assert len(set(fresh)) == len(fresh)
        question = {"customer_id": told[0]["customer_id"], "channel": channel}
        decided = client.post("/v1/decisions", json=question)
        assert decided.status_code == 200, decided.text
        again = client.post("/v1/events", json=told).json()["results"]
        assert "accepted" not in {result["fate"] for result in again}

    tell()


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_everybody_of_whom_was_told_can_be_looked_at(client, accepted, customer):
    address = "".join(f"%{byte:02X}" for byte in customer.encode())
    answer = client.get(f"/v1/customers/{address}")
    assert answer.status_code == 200 or answer.json()["type"] == "urn:nbo:problem:not-found", answer.text
    scores = client.post("/v1/scores", json={"customer_id": customer})
    assert scores.status_code == 200, scores.text


def test_every_accepted_event_is_found_once_in_the_journal_and_then_in_the_log(client, folder, accepted):
    database, log = Database(f"sqlite:///{folder / 'decisions.db'}"), EventLog(folder / "log")
    with database.reading() as connection:
        kept = connection.execute(select(EVENTS.c.event_id).where(~EVENTS.c.stray)).scalars().all()
    assert Counter(kept) == Counter(accepted)
    drained = flush(database, log, AS_OF + timedelta(hours=1))
    logged = [name for bucket in range(log.buckets) for name in log.read_bucket(bucket)["event_id"].to_pylist()]
    assert (drained.accepted, drained.conflicts, drained.duplicates) == (len(accepted), 0, 0)
    assert Counter(logged) == Counter(accepted)
    assert len(accepted) > len(TYPES)
    question = {"customer_id": CUSTOMERS[0], "channel": "app"}
    assert client.post("/v1/decisions", json=question).status_code == 200
    database.close()
