"""A customer's events keep the order in which they were submitted, whatever the replicas' clocks show."""

from __future__ import annotations

from datetime import timedelta

from records.event_rows import COLUMNS, microseconds, moment_of
from records.ingestion import EventStatus
from records.journal import Journal
from tests.records.build import accept, told
from tests.records.test_ingestion import database
from tests.serving.build import AS_OF

__all__ = ["database"]
EVENT_ID, OCCURRED, AVAILABLE = (COLUMNS.index(name) for name in ("event_id", "occurred_at", "available_at"))
BEHIND = AS_OF - timedelta(seconds=40)


def moments(database, customer="c02"):
    rows = Journal(database, None).recent(customer, 0).rows
    return {row[EVENT_ID]: (moment_of(row[OCCURRED]), moment_of(row[AVAILABLE])) for row in rows}


def test_what_is_told_to_a_replica_whose_clock_is_behind_comes_after_what_another_accepted(database):
    accept(database, told("yes", at=AS_OF))
    accept(
        database, told("no", at=BEHIND), told("no again", at=BEHIND + timedelta(seconds=2)), told("x", "c03", at=BEHIND)
    )
    after = AS_OF + timedelta(microseconds=1)
    assert moments(database)["no"] == (after, after)
    assert moments(database)["no again"] == (after + timedelta(seconds=2),) * 2
    assert moments(database, "c03")["x"] == (BEHIND, BEHIND)


def test_what_is_told_of_the_past_stays_there(database):
    accept(database, told("now", at=AS_OF))
    past = {**told("past", at=BEHIND), "available_at": microseconds(AS_OF) + 5}
    accept(database, past)
    assert moments(database)["past"] == (BEHIND, AS_OF + timedelta(microseconds=5))


def test_what_is_told_again_is_a_duplicate_wherever_its_first_telling_was_put(database):
    accept(database, told("yes", at=AS_OF))
    assert accept(database, told("no", at=BEHIND)) == [EventStatus.ACCEPTED]
    put = moments(database)
    assert accept(database, told("no", at=BEHIND)) == [EventStatus.DUPLICATE]
    assert moments(database) == put
