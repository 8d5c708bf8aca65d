"""State, log and journal give the same features in any combination."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import StateError
from domain.event import Event
from events.schema import table_of
from events.segments import read_segment
from features.compute import compute_features
from features.moments import Moments
from records.database import Database
from records.event_rows import microseconds, row_of
from records.flush import flush
from records.journal import Journal
from serving.customer_features import CustomerReader, Origin
from serving.intraday import TodaysEvents
from tests.records.build import accept, told
from tests.serving.build import AS_OF, VOCABULARY, small_bank, small_log
from tests.serving.test_customer import online_states, open_states, write_states

MIDNIGHT = AS_OF.replace(hour=0) - timedelta(hours=1)


@pytest.fixture(scope="module")
def bank():
    return small_bank()


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield database
    database.close()


@pytest.fixture
def log(tmp_path):
    return small_log(tmp_path / "log")


def reader_of(bank, log, database, states):
    today = TodaysEvents(log)
    reader = CustomerReader(bank, log, states, Journal(database, VOCABULARY.contacts), today)
    today.refresh(reader.midnight(AS_OF))
    return reader


def equal(one, other):
    return all(np.array_equal(one.columns[name], other.columns[name], equal_nan=True) for name in one.columns)


def expected(bank, log, customer, extra=(), as_of=AS_OF):
    """Compute features from all events at once, wherever they are stored."""
    events = pa.concat_tables([log.read_customer(customer), table_of(extra)])
    return compute_features(events, Moments.at([customer], as_of), bank.feature_definitions)


def event(event_id, customer="c02", kind="login", at=AS_OF - timedelta(minutes=1), **more):
    return Event(event_id=event_id, customer_id=customer, type=kind, occurred_at=at, available_at=at, **more)


def test_many_are_read_from_the_log_as_each_would_be_alone(bank, log, database):
    reader = reader_of(bank, log, database, None)
    accept(database, told("e1"), told("e2", "new"), told("e3", "c04", at=MIDNIGHT - timedelta(minutes=5)))
    customers = [f"c{number:02d}" for number in range(12)] + ["nobody", "new", "no one"]
    found = reader.read_together(customers, AS_OF)
    assert [read.origin for read in found] == [Origin.LOG, Origin.NOTHING]
    assert found[1].features.customer_ids.tolist() == ["nobody", "no one"]
    for read in found:
        for row, customer in enumerate(read.features.customer_ids.tolist()):
            assert equal(read.features.take(np.array([row])), reader.read(customer, AS_OF).features)
    assert sorted(name for read in found for name in read.features.customer_ids) == sorted(customers)


def test_a_damaged_bucket_makes_nobody_else_unknown(bank, log, database):
    reader = reader_of(bank, log, database, None)
    [file, *_] = sorted(log.folder.glob("bucket-*.parquet"))
    theirs = set(read_segment(file, ["customer_id"])["customer_id"].to_pylist())
    customers = [f"c{number:02d}" for number in range(12)]
    assert 0 < len(theirs) < len(customers)
    file.write_bytes(b"damaged")
    found = reader.read_together(customers, AS_OF, live=True)
    unknown = {name for read in found if read.origin is Origin.UNKNOWN for name in read.features.customer_ids}
    assert unknown == theirs
    with pytest.raises(StateError):
        reader.read_together(customers, AS_OF)


def test_an_event_that_was_just_accepted_counts_with_the_state(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    accept(database, told("e1"))
    read = reader.read("c02", AS_OF)
    assert read.origin is Origin.STATE
    assert equal(read.features, expected(bank, log, "c02", [event("e1")]))
    assert not equal(read.features, expected(bank, log, "c02"))


def test_a_customer_of_whom_only_the_journal_knows_is_known(bank, log, database):
    accept(database, told("e1", "new"))
    read = reader_of(bank, log, database, None).read("new", AS_OF)
    assert read.origin is Origin.LOG
    assert equal(read.features, expected(bank, log, "new", [event("e1", "new")]))


def test_an_event_that_is_in_both_log_and_journal_counts_once(bank, log, database, tmp_path):
    states = online_states(bank, log, tmp_path)
    accept(database, told("e1"))
    flush(database, log, AS_OF)
    for reader in (reader_of(bank, log, database, states), reader_of(bank, log, database, None)):
        assert equal(reader.read("c02", AS_OF).features, expected(bank, log, "c02"))


def test_an_event_of_yesterday_that_the_state_lacks_is_not_forgotten(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    yesterday = MIDNIGHT - timedelta(minutes=5)
    accept(database, told("e1", at=yesterday))
    read = reader.read("c02", AS_OF)
    assert (read.origin, read.note) == (Origin.LOG, "an event of an earlier day is not in the online state yet")
    assert equal(read.features, expected(bank, log, "c02", [event("e1", at=yesterday)]))


def test_a_log_that_was_just_written_to_is_read_itself(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    log.append(table_of([event("e1")]))
    read = reader.read("c02", AS_OF)
    assert read.origin is Origin.STATE
    assert equal(read.features, expected(bank, log, "c02"))


def test_a_clock_that_is_behind_sees_what_another_accepted(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    ahead = AS_OF + timedelta(seconds=30)
    accept(database, told("e1", at=ahead))
    read = reader.read("c02", AS_OF, live=True)
    assert read.as_of == ahead + timedelta(microseconds=1)
    assert equal(read.features, expected(bank, log, "c02", [event("e1", at=ahead)], read.as_of))


def test_a_moment_of_the_past_does_not_see_what_came_later(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    accept(database, told("e1", at=AS_OF + timedelta(hours=1)))
    read = reader.read("c02", AS_OF)
    assert read.as_of == AS_OF
    assert equal(read.features, expected(bank, log, "c02"))


@pytest.fixture(scope="module")
def mixture(bank, tmp_path_factory):
    """A log, a journal and a store, shared by examples with a customer each."""
    folder = tmp_path_factory.mktemp("mixture")
    database = Database(f"sqlite:///{folder / 'decisions.db'}")
    yield small_log(folder / "log", customers=1), open_states(bank, folder), database
    database.close()


CUSTOMERS = count()


@settings(max_examples=40, deadline=None)
@given(
    minutes=st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["login", "offer_presented"])), max_size=6),
    drained=st.booleans(),
)
def test_however_events_came_the_features_are_those_of_all_of_them(bank, mixture, minutes, drained):
    log, states, database = mixture
    customer = f"mixed {next(CUSTOMERS)}"
    log.append(table_of([event(customer, customer, at=AS_OF - timedelta(days=12))]))
    write_states(states, bank, log)
    later = [
        event(f"{customer} {number}", customer, kind, AS_OF - timedelta(minutes=ago), channel="email")
        for number, (ago, kind) in enumerate(minutes)
    ]
    accept(database, *(row_of(one, said_at=one.occurred_at) for one in later))
    whole = expected(bank, log, customer, later)
    if drained:
        flush(database, log, AS_OF - timedelta(days=10))  # before all of them, so that the gate lets the next ones in
        write_states(states, bank, log)
    assert equal(reader_of(bank, log, database, states).read(customer, AS_OF).features, whole)


def test_todays_events_are_those_that_became_available_today(log):
    today = TodaysEvents(log)
    midnight = microseconds(MIDNIGHT)
    assert today.of_customer("c05", midnight) is None
    assert today.refresh(midnight)
    assert not today.refresh(midnight)
    # an e-mail of five minutes ago
    assert today.of_customer("c05", midnight)["type"].to_pylist() == ["offer_presented"]
    assert not len(today.of_customer("c02", midnight))
    assert today.of_customer("c05", midnight + 86_400_000_000) is None
    log.append(table_of([event("e1")]))
    assert today.of_customer("c02", midnight) is None
    today.refresh(midnight)
    assert today.of_customer("c02", midnight)["event_id"].to_pylist() == ["e1"]


def test_customers_who_are_read_together_are_as_they_are_alone(bank, log, database, tmp_path):
    reader = reader_of(bank, log, database, online_states(bank, log, tmp_path))
    accept(database, told("e1", "c03"), told("e2", "c03"), told("e3", "only here"))
    accept(database, told("late", "c04", at=MIDNIGHT - timedelta(minutes=5)))
    accept(database, told("ahead", "c06", at=AS_OF + timedelta(seconds=30)))
    customers = ["c02", "only here", "c03", "c04", "nobody", "c05", "c06", "c07"]
    together = {
        customer: (read.origin, read.as_of, version, read.features.take(np.array([row])))
        for read in reader.read_together(customers, AS_OF, live=True)
        for row, (customer, version) in enumerate(zip(read.features.customer_ids, read.versions, strict=True))
    }
    assert sorted(together) == sorted(customers)
    for customer, (origin, as_of, version, features) in together.items():
        alone = reader.read(customer, AS_OF, live=True)
        assert (origin, as_of, (version,)) == (alone.origin, alone.as_of, alone.versions)
        assert equal(features, alone.features)
    origins = {origin for origin, *_ in together.values()}
    assert origins == {Origin.STATE, Origin.LOG, Origin.NOTHING}
