from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from events.mapping import Source
from tests.events.build import Desk, csv_lines

SOURCE = Source(
    name="surveys",
    files=("surveys.*",),
    columns={"customer_id": "client", "occurred_at": "at", "type": "kind", "channel": "channel", "amount": "amount"},
    properties={"score": "score", "again": "again", "mood": "mood"},
    time_zone="Europe/Amsterdam",
)
COUNT = 40
ROWS = [
    {
        "client": 100 + number % 5,
        "at": datetime(2026, 3, 28, 22, 30) + timedelta(minutes=20 * (number % 11)),  # noqa: DTZ001 - local, over the gap
        "kind": "survey",
        "channel": ["app", None, "web"][number % 3],
        "amount": [1.5, 100.0, None][number % 3],
        "score": [7.0, 0.25][number % 2],
        "again": [True, False, None][number % 3],
        "mood": ["good", "bad"][number % 2],
    }
    for number in range(COUNT)
]


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _csv() -> bytes:
    return csv_lines([{name: _text(value) for name, value in row.items()} for row in ROWS], tuple(ROWS[0])).encode()


def _json_lines() -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in ROWS).encode()


@pytest.mark.parametrize(
    "name", ["surveys.csv", "surveys.csv.gz", "surveys.parquet", "surveys.jsonl", "surveys.jsonl.gz"]
)
def test_the_same_content_makes_the_same_log_in_every_format(desk: Desk, name: str) -> None:
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), desk.files / name)
    else:
        desk.put(name, _csv() if ".csv" in name else _json_lines())
    report = desk.run(SOURCE)
    assert report.total.accepted == COUNT
    assert desk.log.digest() == "d6c36156a2c8d03ca6e08cba65a40383"  # the same on every machine and in every release


def test_the_format_can_be_declared(desk: Desk) -> None:
    desk.put("surveys.txt", _csv())
    assert desk.run(replace(SOURCE, format="csv")).total.accepted == COUNT


def test_parquet_times_keep_their_zone_and_dictionaries_are_read(desk: Desk) -> None:
    moment = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    table = pa.Table.from_pylist([{**ROWS[0], "at": moment}])
    for position, name in enumerate(table.column_names):
        if name in ("kind", "channel"):
            table = table.set_column(position, name, table[name].dictionary_encode())
    pq.write_table(table, desk.files / "surveys.parquet")
    assert desk.run(SOURCE).total.accepted == 1
    assert desk.all_events()["occurred_at"].to_pylist() == [moment]


def test_numbers_of_json_stay_as_they_are_written(desk: Desk) -> None:
    desk.put(
        "surveys.jsonl", '{"client": 12345678901234567890, "at": "2026-01-05", "kind": "survey", "mood": "good"}\n'
    )
    assert desk.run(SOURCE).total.accepted == 1
    assert desk.all_events()["customer_id"].to_pylist() == ["12345678901234567890"]
