"""Night after night: files go on from the midnight before, and are those of a build from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from events.erasure import erase_customer
from events.log import EventLog
from features.bucket import incremental
from tests.features.bucket.one_bucket import ANCHORS, BANK, Home, bank_in
from tests.features.build import event, table
from tests.features.demo import random_log

LOG = table(random_log(BANK.vocabulary, customers=6, events=220, seed=11))
DAYS = [datetime(2026, 3, 27) + timedelta(days=days) for days in range(10)]  # noqa: DTZ001  # the bank's zone is added
"""Clocks change in Amsterdam on the third; a quarter ends with the fifth."""
ZONES = ("Europe/Amsterdam", "America/Havana", "Australia/Lord_Howe", "UTC")


def midnights(zone: str) -> list[datetime]:
    return [day.replace(tzinfo=ZoneInfo(zone)) for day in DAYS]


def known(before: datetime, log: pa.Table = LOG) -> pa.Table:
    return log.filter(pc.less(log["available_at"], pa.scalar(before, log["available_at"].type)))


def at_once(folder: Path, log: EventLog, midnight: datetime, **fields: Any) -> Home:
    """Build once from the same log, in a folder where nothing is."""
    home = Home(folder, **fields)
    for bucket in range(log.buckets):
        home.log.append(log.read_bucket(bucket))
    home.build(midnight)
    return home


def assert_same(home: Home, midnight: datetime, folder: Path) -> None:
    other = at_once(folder, home.log, midnight, bank=home.bank, anchors=home.anchors)
    assert home.content() == other.content()
    assert home.state() == other.state()
    for said in ("customers", "rows", "parts"):
        assert home.report[said] == other.report[said]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Files of the first midnight, from all that was known then."""
    home = Home(tmp_path / "home")
    home.log.append(known(midnights("Europe/Amsterdam")[0]))
    home.build(midnights("Europe/Amsterdam")[0])
    return home


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Buckets that are read as a whole."""
    read, seen = EventLog.read_bucket, list[int]()

    def counted(self: EventLog, bucket: int, columns: Sequence[str] | None = None) -> pa.Table:
        seen.append(bucket)
        return read(self, bucket, columns)

    monkeypatch.setattr(EventLog, "read_bucket", counted)
    return seen


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=6)
@given(data=st.data())
def test_any_nights_with_any_imports_give_the_bytes_of_one_build(zone: str, data: st.DataObject) -> None:
    asked = data.draw(st.lists(st.sampled_from(midnights(zone)), min_size=2, max_size=6, unique=True).map(sorted))
    due = [sum(midnight <= moment for midnight in asked) for moment in LOG["available_at"].to_pylist()]
    import_of = np.array(due)
    # most news are on time, some come late or are known before
    whims = st.tuples(st.integers(0, len(LOG) - 1), st.sampled_from([1, -1]))
    for row, delay in data.draw(st.lists(whims, max_size=3)):
        import_of[row] += delay
    with TemporaryDirectory() as folder:
        home = Home(Path(folder) / "nights", bank_in(zone))
        for number, midnight in enumerate(asked):
            home.log.append(LOG.filter(pa.array(np.maximum(import_of, 0) == number)))
            home.build(midnight)
            if data.draw(st.booleans()):
                home.build(midnight, midnight + timedelta(hours=15))
        home.build(asked[-1])
        assert_same(home, asked[-1], Path(folder) / "once")


def test_after_a_customer_was_erased_a_night_is_as_if_they_had_never_been_there(home: Home, tmp_path: Path) -> None:
    night = midnights("Europe/Amsterdam")[1]
    customer = home.states.customers("bucket-000")[0]
    erase_customer(home.log.folder, customer)
    assert home.states.forget(customer) == 1
    assert customer not in home.states.read("bucket-000").customer_ids
    assert home.states.forget(customer) == 0
    others = known(night)
    others = others.filter(pc.not_equal(others["customer_id"], customer))
    home.log.append(others)
    home.build(night)
    other = Home(tmp_path / "never")
    other.log.append(others)
    other.build(night)
    assert (home.content(), home.state()) == (other.content(), other.state())


def test_night_after_night_no_bucket_is_read_as_a_whole(home: Home, reads: list[int], tmp_path: Path) -> None:
    nights = midnights("Europe/Amsterdam")[1:5]
    for midnight in nights:
        home.log.append(known(midnight))
        report = home.build(midnight)
        assert report["computed"] < 10
    assert not reads
    assert_same(home, nights[-1], tmp_path / "once")


def test_nights_that_were_skipped_are_made_up_for(home: Home, reads: list[int], tmp_path: Path) -> None:
    last = midnights("Europe/Amsterdam")[4]
    home.log.append(known(last))
    home.build(last)
    assert not reads
    assert_same(home, last, tmp_path / "once")


def test_after_too_many_nights_the_log_is_read(home: Home, reads: list[int], tmp_path: Path) -> None:
    last = midnights("Europe/Amsterdam")[8]
    home.log.append(known(last))
    home.build(last)
    assert reads
    assert_same(home, last, tmp_path / "once")


def test_a_night_without_news_moves_everybody(home: Home, reads: list[int], tmp_path: Path) -> None:
    before, night = home.state(), midnights("Europe/Amsterdam")[1]
    home.build(night)
    assert not reads
    assert home.state() != before
    assert_same(home, night, tmp_path / "once")


def test_a_build_later_in_the_day_and_the_night_after_go_on(home: Home, reads: list[int], tmp_path: Path) -> None:
    first, second = midnights("Europe/Amsterdam")[:2]
    noon = first + timedelta(hours=12)
    contacts = [_contact("c1", first + timedelta(hours=hours)) for hours in (3, 9, 14)]
    home.log.append(table(contacts[:2]))
    assert home.build(first, noon)["computed"] == 2
    late = replace(_contact("c2", first - timedelta(hours=5)), available_at=first + timedelta(hours=8))
    home.log.append(table([contacts[2], late]))
    assert home.build(second)["computed"] == 4, "three of the day, and the one that was told of late"
    assert not reads
    assert_same(home, second, tmp_path / "once")


def _contact(customer: str, at: datetime) -> Event:
    offer = BANK.offers[0].name
    contacts = BANK.vocabulary.contacts
    assert contacts is not None
    one = event(customer, at.astimezone(UTC), contacts.presented, properties={contacts.offer_property: offer})
    return replace(one, event_id=f"{customer} {at}")


def test_customers_who_are_new_are_put_in_their_place(home: Home, reads: list[int], tmp_path: Path) -> None:
    night = midnights("Europe/Amsterdam")[1]
    at = night.astimezone(UTC) - timedelta(hours=4)
    home.log.append(table([event("a", at, "app_login", number=1), event("c1x", at, "app_login", number=2)]))
    home.build(night)
    customers = list(home.states.read("bucket-000").customer_ids)
    assert customers == sorted(customers)
    assert {"a", "c1x"} < set(customers)
    assert not reads
    assert_same(home, night, tmp_path / "once")


@pytest.mark.parametrize("hours_before", [1, 24 * 50])
def test_news_that_had_been_available_before_are_computed_from_the_log(
    home: Home, reads: list[int], tmp_path: Path, hours_before: int
) -> None:
    first, second = midnights("Europe/Amsterdam")[:2]
    at = first.astimezone(UTC) - timedelta(hours=hours_before)
    home.log.append(table([event("c1", at, "app_login", number=1)]))
    home.build(second)
    assert reads
    assert_same(home, second, tmp_path / "once")


def test_news_of_a_year_ago_are_computed_from_the_customers_history(
    home: Home, reads: list[int], tmp_path: Path
) -> None:
    first, second = midnights("Europe/Amsterdam")[:2]
    at = first.astimezone(UTC)
    late = timedelta(days=500)
    home.log.append(table([event(f"c{number}", at - late, "app_login", number=number, late=late) for number in (1, 2)]))
    home.build(second)
    assert not reads
    assert_same(home, second, tmp_path / "once")


def test_changed_definitions_begin_from_the_log(home: Home, reads: list[int]) -> None:
    home.build(midnights("Europe/Amsterdam")[1], definitions="others")
    assert reads


def test_an_anchor_more_begins_from_the_log(tmp_path: Path, reads: list[int]) -> None:
    nights = [datetime(2026, 2, day, tzinfo=BANK.time_zone) for day in (9, 10, 11)]
    home = Home(tmp_path / "home")
    for night in nights:
        home.log.append(known(night))
        reads.clear()
        home.build(night)
    assert reads
    assert len(home.work(nights[-1]).anchors) == 1
    assert_same(home, nights[-1], tmp_path / "once")


def test_a_quarter_that_ends_begins_from_the_log(home: Home, reads: list[int], tmp_path: Path) -> None:
    for midnight in midnights("Europe/Amsterdam")[4:7]:
        home.log.append(known(midnight))
        home.build(midnight)
    assert reads
    assert "parts/bucket-000.2026-q1.parquet" in home.content()
    assert_same(home, midnights("Europe/Amsterdam")[6], tmp_path / "once")


@pytest.mark.parametrize("dies_at", ["write_history", "write_parts", "states"])
def test_a_night_that_dies_is_made_up_for(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    first, second, third = midnights("Europe/Amsterdam")[:3]
    home.log.append(table([_contact("c1", first + timedelta(hours=3))]))

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        if dies_at == "states":
            dying.setattr(type(home.states), "write", dies)
        else:
            dying.setattr(incremental, dies_at, dies)
        with pytest.raises(KeyboardInterrupt):
            home.build(second)
    home.log.append(known(third))
    home.build(third)
    assert_same(home, third, tmp_path / "once")


@pytest.mark.parametrize("gone", ["parts", "stages", "states"])
def test_what_is_gone_is_made_from_the_log(home: Home, reads: list[int], tmp_path: Path, gone: str) -> None:
    night = midnights("Europe/Amsterdam")[1]
    for file in (home.folder / gone).glob("*.parquet"):
        file.unlink()
    home.log.append(known(night))
    home.build(night)
    assert reads
    assert_same(home, night, tmp_path / "once")


def test_a_damaged_stage_history_is_made_from_the_log(home: Home, reads: list[int], tmp_path: Path) -> None:
    night = midnights("Europe/Amsterdam")[1]
    for file in (home.folder / "stages").glob("*.parquet"):
        file.write_bytes(b"not what it was")
    home.log.append(known(night))
    home.build(night)
    assert reads
    assert_same(home, night, tmp_path / "once")


def test_a_log_without_mapped_files_moves_too(home: Home, reads: list[int], tmp_path: Path) -> None:
    night = midnights("Europe/Amsterdam")[1]
    home.log.append(known(night))
    for file in home.log.folder.glob("*.arrow"):
        file.unlink()
    home.build(night)
    assert not reads
    assert_same(home, night, tmp_path / "once")


def test_news_that_come_while_the_log_is_read_count_from_the_log(
    home: Home, reads: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = midnights("Europe/Amsterdam")[:2]
    late = table([event("c1", first.astimezone(UTC) - timedelta(days=7), "app_login", number=1)])
    read = EventLog.read_days

    def meanwhile(self: EventLog, bucket: int, spans: np.ndarray) -> pa.Table:
        home.log.append(late)
        return read(self, bucket, spans)

    monkeypatch.setattr(EventLog, "read_days", meanwhile)
    home.log.append(known(second))
    home.build(second)
    assert reads
    assert_same(home, second, tmp_path / "once")


def test_an_earlier_midnight_begins_from_the_log(home: Home, reads: list[int], tmp_path: Path) -> None:
    earlier = midnights("Europe/Amsterdam")[0] - timedelta(days=3)
    home.build(earlier)
    assert reads
    assert_same(home, earlier, tmp_path / "once")


def test_without_anybody_there_is_nothing_to_move(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", anchors=ANCHORS[:0])
    for midnight in midnights("Europe/Amsterdam")[:2]:
        assert home.build(midnight)["customers"] == 0
    home.log.append(table([event("c1", DAYS[2].replace(tzinfo=UTC) - timedelta(hours=9), "app_login")]))
    home.build(midnights("Europe/Amsterdam")[2])
    assert_same(home, midnights("Europe/Amsterdam")[2], tmp_path / "once")
