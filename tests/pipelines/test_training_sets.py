"""A file of customers and moments, as people write it, and the folder of features that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import DataError
from events.log import EventLog
from events.schema import table_of
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.engines.engine import LocalEngine
from features.moments import Moments
from features.point_in_time import write_features
from features.store.parts import plain_table
from pipelines.training_sets import moments_of, read_moments, unknown_among
from tests.features.build import AMSTERDAM, NO_STAGES, aggregate, catalogue, event

NOON = np.datetime64("2026-06-01T10:00", "us")
"""Noon in Amsterdam."""


def test_times_without_a_zone_are_in_the_banks(tmp_path: Path) -> None:
    (tmp_path / "moments.csv").write_text("customer_id,as_of,note\n007,2026-06-01 12:00:00,x\n")
    moments = read_moments(tmp_path / "moments.csv", "Europe/Amsterdam")
    assert moments.customer_ids.tolist() == ["007"]
    assert moments.as_of.tolist() == [NOON.item()]


def test_a_date_is_its_local_midnight(tmp_path: Path) -> None:
    (tmp_path / "moments.csv").write_text("customer_id,as_of\nc1,2026-06-01\n")
    assert read_moments(tmp_path / "moments.csv", "Europe/Amsterdam").as_of[0] == np.datetime64("2026-05-31T22:00")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_with_a_zone_are_what_they_say(tmp_path: Path, unit: str) -> None:
    moment = pa.array([datetime(2026, 6, 1, 10, tzinfo=UTC)], pa.timestamp(unit, "America/New_York"))
    pq.write_table(pa.table({"customer_id": ["c1"], "as_of": moment}), tmp_path / "moments.parquet")
    assert read_moments(tmp_path / "moments.parquet", "Europe/Amsterdam").as_of[0] == NOON


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer,as_of\nc1,2026-06-01\n", "customer_id"),
        ("customer_id,as_of\nc1,yesterday\n", "cannot be read: got row 1: as_of 'yesterday'"),
        ("customer_id,as_of\nc1,2026-06-01\nc2,\n", "incomplete or cannot be read: got row 2: no as_of"),
        ("customer_id,as_of\n ,2026-06-01\n", "row 1: no customer_id"),
        ("customer_id,as_of\nK\u200b1,2026-06-01\n", "row 1: a customer id has an invisible character"),
        ('customer_id,as_of\nc1,2026-06-01\n"c2,2026-06-01\n', "row 2: quote_broken"),
        ("customer_id,as_of\nc1,20260601\n", "as_of '20260601'"),
        ("", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "moments.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_moments(tmp_path / "moments.csv", "Europe/Amsterdam")


@pytest.mark.parametrize(
    ("zone", "times", "utc"),
    [
        ("Europe/Amsterdam", ["2025-10-26 02:30:00", "2025-10-27"], ["2025-10-26T00:30", "2025-10-26T23:00"]),
        ("Europe/Amsterdam", ["2026-03-29 02:30:00", "2026-03-30 00:00:00"], ["2026-03-29T01:30", "2026-03-29T22:00"]),
        ("America/Sao_Paulo", ["2018-11-04", "2018-11-05"], ["2018-11-04T03:00", "2018-11-05T02:00"]),
        (
            "Europe/Amsterdam",
            ["2026-03-28T10:00:00+01:00", "2026-03-30T10:00:00+02:00", "2026-03-30T10:00:00"],
            ["2026-03-28T09:00", "2026-03-30T08:00", "2026-03-30T08:00"],
        ),
    ],
)
def test_moments_are_read_as_an_import_reads_times(tmp_path: Path, zone: str, times: list[str], utc: list[str]) -> None:
    (tmp_path / "moments.csv").write_text("customer_id,as_of\n" + "".join(f" 007 ,{time}\n" for time in times))
    frame = pa.table({"customer_id": [" 007 "] * len(times), "as_of": times, "label": [1.5] * len(times)})
    for moments in (read_moments(tmp_path / "moments.csv", zone), moments_of(frame, zone, "a frame")):
        assert moments.customer_ids.tolist() == ["007"] * len(times)
        assert moments.as_of.tolist() == np.array(utc, dtype="datetime64[us]").tolist()


def test_a_local_timestamp_that_spring_leaves_out_does_not_refuse_a_frame() -> None:
    local = pa.array([datetime(2026, 3, 29, 2, 30)], pa.timestamp("ns"))  # noqa: DTZ001 - as frames have it
    moments = moments_of(pa.table({"customer_id": [7], "as_of": local}), "Europe/Amsterdam", "a frame")
    assert (moments.customer_ids.tolist(), str(moments.as_of[0])) == (["7"], "2026-03-29T01:30:00.000000")
    with pytest.raises(DataError, match="the moments in a frame cannot be read"):
        moments_of(pa.table({"as_of": local}), "Europe/Amsterdam", "a frame")


def test_customers_that_the_log_does_not_know_are_counted(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log", buckets=3)
    log.append(table_of([event("00123"), event("c1", number=1)]))
    asked = np.array(["00123", "123", "c1", "nobody", "123"], dtype=object)
    assert unknown_among(log, asked) == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_moments(tmp_path / "moments.parquet", "Europe/Amsterdam")


def test_every_moment_has_its_row_with_what_was_known_then(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log", buckets=3)
    events = table_of([event(f"c{number % 5}", number=number) for number in range(30)])
    log.append(events)
    wanted, features = catalogue(aggregate()), tmp_path / "features"
    ids = np.array(["c4", "c0", "nobody", "c4", "c0"], dtype=object)
    moments = Moments(ids, np.array(["2026-01-10T12:00", "2026-02-01"] + ["2026-03-01"] * 3, "datetime64[us]"))
    write_features(log, moments, FeatureDefinitions(wanted, NO_STAGES, AMSTERDAM), features, engine=LocalEngine())
    order = [("customer_id", "ascending"), ("as_of", "ascending")]
    found = pq.read_table(features).sort_by(order)
    assert found.equals(
        plain_table(compute_features(events, moments, FeatureDefinitions(wanted, NO_STAGES, AMSTERDAM))).sort_by(order)
    )
    assert found["visits"].to_pylist() == [6.0, 6.0, 0.0, 6.0, 0.0]
    with pytest.raises(DataError, match="not empty"):
        write_features(log, moments, FeatureDefinitions(wanted, NO_STAGES, AMSTERDAM), features, engine=LocalEngine())
