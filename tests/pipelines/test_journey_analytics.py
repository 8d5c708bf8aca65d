"""The nightly journey figures of a small simulated bank, made by its flows."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.journey_sql import QUERIES, Oracle
from domain.event import Event
from events.schema import table_of
from journeys.files import read_figures
from pipelines.feature_build import build_features
from pipelines.importing import import_events
from pipelines.journey_analytics import compute_journey_figures, context_of, journey_works
from pipelines.journey_files import JourneyWork, count_bucket
from tests.pipelines.small_bank import SmallBank
from wiring.components import Components

BEFORE = "before"  # a period of the experience map, which is shown beside the latest
EXACT = ("stage_flows", "active_customers", "channel_switches", "experience_map")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    with pytest.MonkeyPatch.context() as patch:
        made = SmallBank.write(tmp_path_factory.mktemp("journeys"), customers=250, months=5)
        made.append("analytics.yaml", "smallest_cell: 5\n")
        made.use(patch)
        import_events(str(made.folder))
        build_features(str(made.folder))
        compute_journey_figures(str(made.folder))
        yield made


def files(components: Components, pattern: str) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in sorted(components.places.journeys.rglob(pattern))}


def stored(components: Components) -> dict[str, pa.Table]:
    found = read_figures(components.places.journeys)
    assert found is not None
    return dict(found.tables)


def test_the_figures_are_those_of_the_log_with_small_cells_hidden(bank: SmallBank) -> None:
    components = bank.parts
    midnight = components.midnight(components.latest())
    works = journey_works(components, midnight)
    assert all(work.stage_history is not None for work in works), "stages are read, not computed again"
    parts = [components.log.read_bucket(work.bucket) for work in works]
    stages = [pq.read_table(work.stage_history) for work in works]
    oracle = Oracle(
        pa.concat_tables(parts).unify_dictionaries(), pa.concat_tables(stages), context_of(components, midnight)
    )
    tables = stored(components)
    for name in EXACT:
        rows = [row for row in oracle.rows(QUERIES[name]) if row.get("period") != BEFORE]
        numbers = sorted(row["customers"] for row in rows if row["customers"] >= 5)
        assert sorted(row["customers"] for row in tables[name].to_pylist() if row["customers"]) == numbers
        hidden = sum(row["customers"] < 5 for row in rows)
        assert tables[name]["note"].to_pylist().count("fewer than 5 customers") == hidden
    assert sum(len(table) for table in tables.values()) > 500


def test_a_second_run_writes_nothing(bank: SmallBank) -> None:
    before = files(bank.parts, "*")
    result = compute_journey_figures(str(bank.folder))
    assert files(bank.parts, "*") == before
    assert result["rows"].keys() == stored(bank.parts).keys()
    assert result["empty"] == {"referral": "events.yaml has no event type of group referral"}


def test_counts_that_are_damaged_or_gone_are_made_again(bank: SmallBank) -> None:
    components = bank.parts
    before, counts = stored(components), components.places.journeys / "counts"
    (counts / "bucket-003.json").write_text("{")
    (counts / "bucket-004.json").unlink()
    [file] = components.places.journeys.rglob("funnel.parquet")
    file.unlink()
    untouched = (counts / "bucket-005.json").stat().st_mtime_ns
    compute_journey_figures(str(bank.folder))
    assert stored(components) == before
    assert (counts / "bucket-005.json").stat().st_mtime_ns == untouched


def test_stages_that_are_not_up_to_date_are_computed_as_they_would_be_built(bank: SmallBank) -> None:
    components = bank.parts
    before = stored(components)
    file = components.places.stage_history / "bucket-002.parquet"
    kept = file.read_bytes()
    file.unlink()
    (components.places.journeys / "counts" / "bucket-002.json").unlink()
    [figure] = components.places.journeys.rglob("retention.parquet")
    figure.unlink()
    compute_journey_figures(str(bank.folder))
    assert stored(components) == before
    file.write_bytes(kept)


def test_work_that_was_sent_to_another_machine_counts_the_same(bank: SmallBank) -> None:
    components = bank.parts
    work = journey_works(components, components.midnight(components.latest()))[1]
    before = work.read()
    work.file.unlink()
    sent: JourneyWork = pickle.loads(pickle.dumps(work))
    assert count_bucket(sent) == {"bucket": 1, "key": work.key}
    assert work.read() == before


def test_nobody_is_named_in_any_file(bank: SmallBank) -> None:
    components = bank.parts
    customers = set(pc.unique(components.log.read_bucket(0, ["customer_id"])["customer_id"]).to_pylist())
    for name, table in stored(components).items():
        for column in table.columns:
            if pa.types.is_string(column.type):
                assert not customers & set(column.to_pylist()), name
    text = (components.places.journeys / "counts" / "bucket-000.json").read_text()
    assert not [customer for customer in customers if f'"{customer}"' in text]


def test_news_of_one_customer_count_only_their_bucket_again(bank: SmallBank) -> None:
    components = bank.parts
    before = files(components, "bucket-*.json")
    at = datetime(2025, 5, 20, 12, tzinfo=UTC)
    news = Event(event_id="new", customer_id="c-new", type="branch_visit", occurred_at=at, available_at=at)
    components.log.append(table_of([news]))
    compute_journey_figures(str(bank.folder))
    after = files(bank.parts, "bucket-*.json")
    assert sum(before[file] != after[file] for file in before) == 1
