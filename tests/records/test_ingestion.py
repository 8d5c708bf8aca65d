import threading
from concurrent.futures import wait
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from domain.errors import StateError
from events.log import EventLog
from events.schema import events_of
from records.database import Database
from records.event_rows import COLUMNS, microseconds
from records.flush import flush, waiting
from records.group_commit import GroupCommit
from records.import_lock import one_import
from records.ingestion import EventIngestion, EventStatus
from records.journal import Journal
from records.schema import CUSTOMERS, EVENTS, PENDING
from serving.service.clock import Clock
from serving.service.erasure import ErasureService
from tests.records.build import accept, empty_postgresql, told
from tests.serving.build import AS_OF, VOCABULARY

MIDNIGHT = microseconds(AS_OF - timedelta(hours=16))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """An SQLite file, and a database of a real PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'decisions.db'}"
    else:
        url = empty_postgresql(request.getfixturevalue("postgresql_server"))
    database = Database(url)
    yield database
    database.close()


def ids(journal, customer="c02", since=MIDNIGHT):
    return [row[0] for row in journal.recent(customer, since).rows]


def test_what_was_accepted_is_read_by_the_next_who_asks(database):
    assert accept(database, told("e1"), told("e2"), told("e3", "c03")) == [EventStatus.ACCEPTED] * 3
    other_replica = Journal(database, VOCABULARY.contacts)
    assert ids(other_replica) == ["e1", "e2"]
    assert ids(other_replica, "stranger") == []


def test_the_same_told_again_is_a_duplicate_and_other_content_a_conflict(database):
    assert accept(database, told("e1"), told("e1"), told("e1", amount=2.0)) == [
        EventStatus.ACCEPTED,
        EventStatus.DUPLICATE,
        EventStatus.CONFLICT,
    ]
    assert accept(database, told("e1"), told("e1", amount=2.0)) == [EventStatus.DUPLICATE, EventStatus.CONFLICT]
    assert ids(Journal(database, None)) == ["e1"]


def test_two_who_tell_the_same_at_once_are_told_so(database):
    commits = GroupCommit(database)
    kind = EventIngestion(database, None)
    futures = [commits.submit(kind, [told("e1")]) for _ in range(20)]
    wait(futures)
    commits.close()
    fates = [future.result()[0] for future in futures]
    assert sorted(fates) == [EventStatus.ACCEPTED, *[EventStatus.DUPLICATE] * 19]


def test_an_answer_to_a_decision_that_does_not_exist_is_kept_apart(database):
    assert accept(database, told("e1", decision_id="d9"), told("e2")) == [EventStatus.STRAY, EventStatus.ACCEPTED]
    assert ids(Journal(database, None)) == ["e2"]
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(EVENTS)).scalar() == 2


def test_what_cannot_be_written_fails_alone(database):
    commits = GroupCommit(database)
    kind = EventIngestion(database, None)
    broken = {**told("e2"), "type": None}
    futures = [commits.submit(kind, [row]) for row in (told("e1"), broken, told("e3"))]
    wait(futures)
    commits.close()
    assert isinstance(futures[1].exception(), StateError)
    assert ids(Journal(database, None)) == ["e1", "e3"]


def test_after_it_was_closed_nothing_is_taken(database):
    commits = GroupCommit(database)
    commits.close()
    with pytest.raises(StateError, match="is shutting down"):
        commits.submit(EventIngestion(database, None), [told("e1")])


def test_a_pending_contact_counts_until_its_presentation_is_told(database):
    with database.transaction() as connection:
        row = {"decision_id": "d1", "customer_id": "c02", "channel": "email", "offer": "savings_plus"}
        connection.execute(database.add(CUSTOMERS), {"customer_id": "c02", "version": 1})
        connection.execute(database.add(PENDING), {**row, "product": "savings", "decided_at": 5})
    journal = Journal(database, VOCABULARY.contacts)
    [contact] = journal.recent("c02", MIDNIGHT).pending
    said = dict(zip(COLUMNS, contact, strict=True))
    assert (said["type"], said["channel"], said["occurred_at"]) == ("offer_presented", "email", 5)
    # the same decision cited by another customer changes nothing
    accept(database, told("e1", "c03", "offer_presented", decision_id="d1"))
    assert journal.recent("c02", MIDNIGHT).pending == (contact,)


def test_draining_moves_every_event_into_the_log_once(database, tmp_path):
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, told("e1", channel="app", amount=1.5), told("e2"))
    drained = flush(database, log, AS_OF)
    assert (drained.accepted, drained.duplicates, waiting(database)) == (2, 0, 0)
    [first, second] = events_of(log.read_customer("c02"))
    assert (first.event_id, first.channel, first.amount, second.event_id) == ("e1", "app", 1.5, "e2")
    assert flush(database, log, AS_OF).accepted == 0


def test_draining_that_was_interrupted_goes_on_without_doubling(database, tmp_path, monkeypatch):
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, told("e1"))
    with monkeypatch.context() as patched:
        patched.setattr("records.flush._note_drained", _killed)
        with pytest.raises(KeyboardInterrupt):
            flush(database, log, AS_OF)
    assert (log.count(), waiting(database)) == (1, 1)
    drained = flush(database, log, AS_OF)
    assert (drained.accepted, drained.duplicates, log.count(), waiting(database)) == (0, 1, 1, 0)


class _Meanwhile(EventLog):
    """A log that runs a function during its first append."""

    meanwhile = None
    appends = 0

    def append(self, table):
        counts = super().append(table)
        self.appends += 1
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        return counts


def test_what_is_told_while_somebody_is_erased_during_an_import_is_imported_by_the_next(database, tmp_path):
    log = _Meanwhile(tmp_path / "log", buckets=2)
    accept(database, told("e1", "c03"), told("e2", "c02"))

    def erased_and_told():
        erasing = ErasureService(database, Clock(AS_OF), lambda customer: {})
        erasing.erase("c02", "tests")
        # e3 gets the number that the erased event had; e1 is the erased id, from a new customer
        assert accept(database, told("e3", "c03"), told("e1", "c04", amount=2.0)) == [
            EventStatus.ACCEPTED,
            EventStatus.CONFLICT,
        ]

    log.meanwhile = erased_and_told
    flush(database, log, AS_OF)
    flush(database, log, AS_OF)
    assert {event.event_id for event in events_of(log.read_customer("c03"))} == {"e1", "e3"}


def test_an_event_that_is_erased_and_told_anew_during_an_import_waits_for_the_next(database, tmp_path):
    log = _Meanwhile(tmp_path / "log", buckets=2)
    accept(database, told("e1"))

    def erased_and_told():
        with database.transaction() as connection:
            connection.execute(delete(EVENTS))
        accept(database, told("e1"))

    log.meanwhile = erased_and_told
    flush(database, log, AS_OF)
    flush(database, log, AS_OF)
    assert (log.appends, waiting(database)) == (2, 0)


def test_two_imports_wait_for_each_other(database):
    begun, order = threading.Event(), []

    def second():
        begun.set()
        with one_import(database):
            order.append("second")

    with one_import(database):
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait()
        thread.join(0.3)
        assert thread.is_alive()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def _killed(*_):
    raise KeyboardInterrupt


def test_many_more_events_than_are_read_at_once_are_drained(database, tmp_path, monkeypatch):
    monkeypatch.setattr("records.flush.EVENTS_AT_ONCE", 7)
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, *(told(f"e{number:02d}") for number in range(30)))
    assert flush(database, log, AS_OF).accepted == 30
    assert log.count() == 30


def test_what_is_accepted_after_draining_is_news_of_after_it(database, tmp_path):
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, told("e0", at=AS_OF - timedelta(minutes=5)))
    flush(database, log, AS_OF)
    accept(database, told("e1", at=AS_OF - timedelta(minutes=3)))  # a replica whose clock is behind
    recent = Journal(database, None).recent("c02", MIDNIGHT)
    assert recent.latest == microseconds(AS_OF) + 1


def test_a_simulated_banks_clock_is_not_put_forward_by_draining(database, tmp_path):
    log = EventLog(tmp_path / "log", buckets=2)
    flush(database, log, AS_OF + timedelta(days=200))
    accept(database, told("e1"))
    flush(database, log, AS_OF + timedelta(days=200))
    accept(database, told("e2"))
    assert Journal(database, None).recent("c02", MIDNIGHT).latest < microseconds(AS_OF)


def test_drained_events_of_today_are_still_read_and_those_of_yesterday_no_more(database, tmp_path):
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, told("old", at=AS_OF - timedelta(days=1)), told("new"))
    journal = Journal(database, None)
    before = journal.recent("c02", MIDNIGHT)
    assert (len(before.rows), before.unsettled) == (2, True)
    flush(database, log, AS_OF)
    after = journal.recent("c02", MIDNIGHT)
    assert ([row[0] for row in after.rows], after.unsettled) == (["new"], False)


def test_what_is_in_the_log_for_long_is_forgotten(database, tmp_path):
    log = EventLog(tmp_path / "log", buckets=2)
    accept(database, told("old", at=AS_OF - timedelta(days=50)), told("new"))
    drained = flush(database, log, AS_OF)
    assert (drained.accepted, drained.forgotten) == (2, 1)
    assert accept(database, told("new")) == [EventStatus.DUPLICATE]
