from datetime import UTC, datetime, timedelta

from domain.event import Event
from events.erasure import erase_customer
from events.log import EventLog
from events.schema import table_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def events(*customers, days=3):
    return [
        Event(
            event_id=f"{customer}-{day}",
            customer_id=customer,
            type="login",
            occurred_at=NOON + timedelta(days=day),
            available_at=NOON + timedelta(days=day),
        )
        for customer in customers
        for day in range(days)
    ]


def test_what_is_left_is_as_if_the_customer_had_never_been_there(tmp_path):
    whole, without = EventLog(tmp_path / "whole", buckets=2), EventLog(tmp_path / "without", buckets=2)
    for day in (1, 2):
        whole.append(table_of(events("c1", "c2", "c3", days=day)))
        without.append(table_of(events("c2", "c3", days=day)))
    assert erase_customer(whole.folder, "c1") == 2
    assert whole.digest() == without.digest()
    for bucket in range(2):
        assert whole.read_bucket(bucket).equals(without.read_bucket(bucket))
    assert not len(whole.read_customer("c1"))


def test_nothing_of_the_customer_is_left_on_disk(tmp_path):
    log = EventLog(tmp_path, buckets=1)
    log.append(table_of(events("somebody", "c2")))
    erase_customer(tmp_path, "somebody")
    assert not [file for file in tmp_path.iterdir() if b"somebody" in file.read_bytes()]


def test_the_same_events_do_not_come_back(tmp_path):
    log = EventLog(tmp_path, buckets=1)
    log.append(table_of(events("c1")))
    erase_customer(tmp_path, "c1")
    assert log.append(table_of(events("c1"))).accepted == 0
    assert log.count() == 0


def test_a_customer_who_is_not_there_leaves_the_log_as_it_is(tmp_path):
    log = EventLog(tmp_path, buckets=2)
    assert erase_customer(tmp_path / "none", "c1") == 0
    log.append(table_of(events("c1")))
    before = log.digest()
    assert erase_customer(tmp_path, "stranger") == 0
    assert log.digest() == before
