from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, StateError
from events.fingerprints import bucket_of
from events.log import EventLog
from events.schema import SCHEMA, events_of, table_of
from tests.events.build import START, event, events


def _everything(log: EventLog) -> list[str]:
    ids = [log.read_bucket(bucket)["event_id"].to_pylist() for bucket in range(log.buckets)]
    return [name for bucket in ids for name in bucket]


def test_an_empty_log_answers_everything(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "none", buckets=3)
    assert (log.count(), log.customer_count, log.buckets) == (0, 0, 3)
    assert log.last_available_at() is None
    assert log.first_occurred_at() is None
    assert log.read_bucket(0).schema == SCHEMA
    assert log.read_customer("c1").num_rows == 0
    assert log.read_types(["app_login"]).schema == SCHEMA
    assert not (tmp_path / "none").exists()


def test_every_customer_is_whole_in_one_bucket(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=4)
    log.append(events(300, customers=20))
    for bucket in range(4):
        customers = log.read_bucket(bucket)["customer_id"].combine_chunks()
        assert (bucket_of(customers, 4) == bucket).all()
    assert log.count() == 300
    assert log.customer_count == 20
    assert sorted(_everything(log)) == sorted(f"e{number}" for number in range(300))


def test_late_and_out_of_order_events_land_in_order(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=2)
    for numbers in ((50, 10, 30), (20, 60), (5, 40, 55)):
        log.append(table_of([event(number) for number in numbers]))
    found = log.read_customer("c1")
    assert found["event_id"].to_pylist() == ["e5", "e10", "e20", "e30", "e40", "e50", "e55", "e60"]


def test_some_customers_are_read_together_as_each_alone(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=4)
    assert len(log.read_together(["c1"])) == 0
    for start in (0, 200):
        log.append(events(300, customers=20).slice(start, 200))
    customers = ["c3", "nobody", "c1", "c17"]
    together = log.read_together(customers)
    alone = [log.read_customer(customer) for customer in customers]
    assert len(together) == sum(map(len, alone)) > 0
    for customer, theirs in zip(customers, alone, strict=True):
        assert together.filter(pc.equal(together["customer_id"], customer)).to_pylist() == theirs.to_pylist()
    assert len(log.read_together([])) == 0


def test_events_of_the_same_moment_are_in_the_order_of_their_ids(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=1)
    same = [event(1, "c2", event_id="b"), event(1, "c2", event_id="a"), event(1, "c1", event_id="z")]
    log.append(table_of(same))
    log.append(table_of([event(1, "c2", event_id="ab"), event(0, "c2", event_id="zz")]))
    assert _everything(log) == ["z", "zz", "a", "ab", "b"]


def test_the_same_event_again_is_a_duplicate(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(10))
    before = (log.digest(), (tmp_path / "manifest.json").read_bytes())
    counts = log.append(events(12))
    assert (counts.accepted, counts.duplicates, counts.conflicts) == (2, 10, 0)
    again = log.append(events(10))
    assert (again.accepted, again.duplicates) == (0, 10)
    assert log.digest() != before[0]
    assert log.count() == 12


def test_an_append_of_duplicates_only_writes_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(10))
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir() if file.name != "lock"}
    log.append(events(10))
    assert before == {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir() if file.name != "lock"}


@pytest.mark.parametrize(
    "change",
    [{"amount": 1.0}, {"customer_id": "c2"}, {"properties": {"a": "b"}}, {"decision_id": "d"}, {"channel": "app"}],
)
def test_a_known_id_with_other_content_is_a_conflict_and_the_first_stays(
    tmp_path: Path, change: dict[str, object]
) -> None:
    log = EventLog(tmp_path)
    log.append(table_of([event(1)]))
    counts = log.append(table_of([event(2), event(1, **change)]))
    assert (counts.accepted, counts.duplicates, counts.conflict_rows.tolist()) == (1, 0, [1])
    assert events_of(log.read_customer("c1")) == [event(1), event(2)]


def test_duplicates_and_conflicts_inside_one_table_are_found(tmp_path: Path) -> None:
    counts = EventLog(tmp_path).append(table_of([event(1), event(1), event(1, amount=2.0), event(2)]))
    assert (counts.accepted, counts.duplicates, counts.conflict_rows.tolist()) == (2, 1, [2])


def test_only_the_wanted_types_are_read(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=3)
    log.append(table_of([event(n, f"c{n}", type="survey" if n % 3 else "app_login") for n in range(30)]))
    log.append(table_of([event(n, f"c{n}", type="card_payment") for n in range(30, 40)]))
    found = log.read_types(["app_login", "card_payment"])
    assert set(found["type"].to_pylist()) == {"app_login", "card_payment"}
    assert found.num_rows == 20
    assert log.read_types([]).num_rows == 0
    assert log.newest([]) is None


def test_columns_come_as_they_are_asked_for(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=1)
    for number in (200, 3, 100):
        log.append(table_of([event(number)]))
    assert log.read_bucket(0, ["type", "occurred_at"]).column_names == ["type", "occurred_at"]
    moments = log.read_bucket(0, ["occurred_at"])["occurred_at"].to_pylist()
    assert moments == sorted(moments)


def test_an_unknown_column_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'occurred_at' \\(did you mean it"):
        EventLog(tmp_path).read_bucket(0, ["ocurred_at"])


def test_an_unknown_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 to 15"):
        EventLog(tmp_path).read_bucket(16)


def test_the_first_and_the_last_moment_are_known(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    late = event(3, available_at=START.replace(year=2027))
    log.append(table_of([event(2), event(0), late]))
    assert log.first_occurred_at() == START
    assert log.last_available_at() == START.replace(year=2027)


def test_an_existing_log_keeps_its_buckets(tmp_path: Path) -> None:
    EventLog(tmp_path, buckets=3).append(events(5))
    assert EventLog(tmp_path, buckets=8).buckets == 3


def test_a_bucket_digest_changes_only_with_its_bucket(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=4)
    log.append(events(50))
    before = [log.bucket_digest(bucket) for bucket in range(4)]
    log.append(table_of([event(1000, "c1")]))
    touched = int(bucket_of(pa.array(["c1"]), 4)[0])
    changed = [bucket for bucket in range(4) if log.bucket_digest(bucket) != before[bucket]]
    assert changed == [touched]


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6), seed=st.integers(0, 1000))
def test_the_log_does_not_depend_on_the_order_and_grouping_of_appends(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], seed: int
) -> None:
    whole = events(60)
    one = EventLog(tmp_path_factory.mktemp("log"), buckets=2)
    one.append(whole)
    mixed = whole.take(pa.array(np.random.default_rng(seed).permutation(60)))
    bounds = [0, *sorted(cuts), 60]
    other = EventLog(tmp_path_factory.mktemp("log"), buckets=2)
    for first, last in pairwise(bounds):
        other.append(mixed.slice(first, last - first))
    assert other.digest() == one.digest()
    for bucket in range(2):
        assert other.read_bucket(bucket).to_pylist() == one.read_bucket(bucket).to_pylist()


def test_many_small_appends_leave_few_files(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=1)
    for number in range(40):
        log.append(table_of([event(number)]))
    assert log.read_customer("c1")["event_id"].to_pylist() == [f"e{number}" for number in range(40)]
    assert log.append(events(1, customers=2)).conflicts == 1  # e0 again, of another customer
    assert len(list(tmp_path.glob("bucket-*.parquet"))) < 8
    assert len(list(tmp_path.glob("ids-*.npy"))) < 8


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    EventLog(tmp_path).append(events(3))
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StateError, match="manifest of the event log"):
        EventLog(tmp_path).count()


def test_a_log_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": 99}')
    with pytest.raises(StateError, match="expected version 1"):
        EventLog(tmp_path).count()


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=1)
    log.append(events(3))
    next(tmp_path.glob("bucket-*.parquet")).unlink()
    with pytest.raises(StateError, match="damaged"):
        log.read_bucket(0)


def test_what_was_available_by_a_month_is_identified_whatever_came_later(tmp_path: Path) -> None:
    january, march = (
        event(number, available_at=datetime.fromisoformat(f"{day}T23:59:59+00:00"))
        for number, day in enumerate(("2026-01-31", "2026-03-01"))
    )
    log = EventLog(tmp_path / "log", buckets=1)
    log.append(table_of([january]))
    known = [log.bucket_digest(0, month) for month in ("2025-12", "2026-01", "2026-02", "2026-03")]
    log.append(table_of([march]))
    later = [log.bucket_digest(0, month) for month in ("2025-12", "2026-01", "2026-02", "2026-03")]
    assert known[0] != known[1] == known[2] == known[3]
    assert later[:3] == known[:3]
    assert later[3] == log.bucket_digest(0) != known[3]
    together = EventLog(tmp_path / "together", buckets=1)
    together.append(table_of([march, january]))
    assert together.bucket_digest(0, "2026-02") == later[2]


def test_a_log_that_noted_no_months_counts_in_every_month(tmp_path: Path) -> None:
    log = EventLog(tmp_path, buckets=1)
    log.append(events(3))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["segments"][0]["news"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert log.bucket_digest(0, "2020-01") == log.bucket_digest(0)
