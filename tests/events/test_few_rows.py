"""Reading a few rows of a bucket: by customers, by days, or those that became available since a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.errors import StateError
from events.log import EventLog
from events.mapped import COLUMNS
from events.news import less, news_in, total
from events.schema import table_of
from tests.events.build import START, event, events

HOUR = 3_600_000_000
BEGIN = int(START.timestamp()) * 1_000_000


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Several segments, in which customers and times overlap."""
    log = EventLog(tmp_path, buckets=2)
    whole = events(400, customers=12)
    for start, count in ((0, 300), (300, 90), (390, 10)):
        log.append(whole.slice(start, count))
    assert len([*log.folder.glob("*.parquet")]) > 2
    return log


def _sorted(table: pa.Table) -> list[dict[str, object]]:
    keys = [("customer_id", "ascending"), ("occurred_at", "ascending"), ("type", "ascending")]
    plain = table.set_column(COLUMNS.index("type"), "type", table["type"].cast(pa.string()))
    rows: list[dict[str, object]] = plain.sort_by(keys).to_pylist()
    return rows


@pytest.mark.parametrize("mapped", [True, False])
def test_rows_of_days_and_of_customers_are_those_of_the_bucket(log: EventLog, mapped: bool) -> None:
    if not mapped:  # a log that was written when there were no mapped files
        for file in log.folder.glob("*.arrow"):
            file.unlink()
    spans = np.array(
        [[BEGIN, BEGIN + 2 * HOUR], [BEGIN + HOUR, BEGIN + 3 * HOUR], [BEGIN + 5 * HOUR, BEGIN + 6 * HOUR]]
    )
    for bucket in range(log.buckets):
        whole = log.read_bucket(bucket, COLUMNS)
        occurred = whole["occurred_at"].cast(pa.int64()).to_numpy()
        wanted = np.any([(occurred >= begin) & (occurred < end) for begin, end in spans], axis=0)
        assert _sorted(log.read_days(bucket, spans)) == _sorted(whole.filter(pa.array(wanted)))
        customers = np.array(["nobody", *pc.unique(whole["customer_id"]).to_pylist()[:2]], dtype=object)
        theirs = whole.filter(pc.is_in(whole["customer_id"], value_set=pa.array(customers)))
        assert _sorted(log.read_customers(bucket, customers)) == _sorted(theirs)
        assert log.read_customers(bucket, customers).schema.names == list(COLUMNS)


def test_nothing_is_asked_of_nobody_and_of_an_empty_log(log: EventLog, tmp_path: Path) -> None:
    empty = EventLog(tmp_path / "none")
    for some in (log, empty):
        assert len(some.read_days(0, np.empty((0, 2), dtype=np.int64))) == 0
        assert len(some.read_customers(0, np.empty(0, dtype=object))) == 0
    news, before = empty.read_since(0, np.datetime64(BEGIN, "us"))
    assert (len(news), before) == (0, (0, 0, 0))


@pytest.mark.parametrize("hours", [-1, 3, 10_000])
def test_what_became_known_since_and_the_sum_of_all_before(log: EventLog, hours: int) -> None:
    moment = START + timedelta(hours=hours)
    for bucket in range(log.buckets):
        whole = log.read_bucket(bucket)
        since = pc.greater_equal(whole["available_at"], pa.scalar(moment, pa.timestamp("us", "UTC")))
        news, before = log.read_since(bucket, np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us"))
        assert sorted(news["event_id"].to_pylist()) == sorted(whole.filter(since)["event_id"].to_pylist())
        assert before == news_in(whole.filter(pc.invert(since)))
        assert less(total([before, news_in(news)]), before) == news_in(news)


def test_the_sum_of_all_before_tells_of_an_event_that_comes_later_and_not_of_how_they_came(log: EventLog) -> None:
    moment = np.datetime64("2026-01-20", "us")
    before = [log.read_since(bucket, moment)[1] for bucket in range(2)]
    log.append(table_of([event(5, "c1", event_id="news", available_at=datetime(2026, 2, 1, tzinfo=UTC))]))
    assert [log.read_since(bucket, moment)[1] for bucket in range(2)] == before
    log.append(table_of([event(5, "c1", event_id="told late")]))
    assert [log.read_since(bucket, moment)[1] for bucket in range(2)] != before


def test_mapped_files_go_with_their_segments(log: EventLog) -> None:
    for number in range(20):
        log.append(table_of([event(1_000 + 40 * number + each, f"c{each % 12}") for each in range(40)]))
    log.append(table_of([event(7, "c1", event_id="the last one")]))
    segments = {file.stem for file in log.folder.glob("bucket-*.parquet")}
    assert {file.stem for file in log.folder.glob("bucket-*.arrow")} == segments


def test_a_damaged_mapped_file_is_told(log: EventLog) -> None:
    for file in log.folder.glob("*.arrow"):
        file.write_bytes(b"not what it was")
    with pytest.raises(StateError, match="damaged"):
        log.read_customers(0, np.array(["c1"], dtype=object))
