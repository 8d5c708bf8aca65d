"""One session of Spark on this machine: its tasks give what this process gives, to the last byte."""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from config.bank import Bank
from config.reading import load_bank
from domain.errors import DataError, EngineError
from events.log import EventLog
from events.schema import table_of
from features.compute import compute_features
from features.engines.engine import LocalEngine, Report
from features.engines.session import java_environment
from features.engines.settings import LOCAL, SPARK
from features.engines.spark import SparkEngine, SparkWorkers
from features.engines.tables import features_of_tables
from features.moments import Moments
from features.point_in_time import write_features
from features.store.parts import plain_table
from pipelines.deciding import decide_for_everybody
from pipelines.feature_build import compute_buckets
from records.decision_log import DecisionLog
from tests.features.demo import random_log
from tests.features.engines.pieces import invert, refuse
from tests.pipelines.ready_bank import NAME, contents, ready_to_decide
from tests.pipelines.small_bank import SmallBank, apart_from_reuse

# py4j leaves the sockets of its threads to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
BUCKETS = 4
MIDNIGHT = datetime(2026, 7, 20)  # noqa: DTZ001  # the bank's zone is added
DEMO = Path(__file__).parents[2] / "banks" / "demo"


@cache
def demo() -> Bank:
    return load_bank(DEMO)


@pytest.fixture(scope="module")
def engine() -> Iterator[SparkEngine]:
    """An engine whose session stays open for the module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        # the Java of the lock, whatever the machine has
        for name, value in java_environment({"PATH": ""}).items():
            monkeypatch.setenv(name, value)
        opened = SparkEngine("local[2]", {})
        with opened.workers():
            yield opened
    gc.collect()


@pytest.fixture
def workers(engine: SparkEngine) -> Iterator[SparkWorkers]:
    with engine.workers() as found:
        yield found


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    log = EventLog(tmp_path_factory.mktemp("log"), buckets=BUCKETS)
    log.append(table_of(random_log(demo().vocabulary, customers=40, events=3_000, seed=3)))
    return log


def build(
    place: Path, engine: str, log: EventLog, monkeypatch: pytest.MonkeyPatch, midnight: datetime = MIDNIGHT
) -> list[Report]:
    """Compute the demo bank's buckets from a copy of a log, with nothing but the environment naming the engine."""
    home = place / engine
    if not home.exists():
        shutil.copytree(log.folder, home / "banks" / "demo" / "log")
    monkeypatch.setenv("NBO_HOME", str(home))
    monkeypatch.setenv("NBO_ENGINE", engine)
    reports: list[Report] = compute_buckets.fn(str(DEMO), midnight.replace(tzinfo=demo().time_zone))
    return reports


def moments_of(log: EventLog) -> Moments:
    """Some moments of every customer and of one without events, in no order."""
    rng = np.random.default_rng(5)
    customers = sorted({row["customer_id"] for bucket in range(BUCKETS) for row in log.read_bucket(bucket).to_pylist()})
    asked = np.array([*customers, "nobody"] * 3, dtype=object)
    rng.shuffle(asked)
    minutes = rng.integers(0, 200 * 24 * 60, len(asked)).astype("timedelta64[m]")
    return Moments(asked, (np.datetime64("2026-01-05") + minutes).astype("datetime64[us]"))


def test_buckets_give_the_same_files_byte_by_byte(
    engine: SparkEngine, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (build(tmp_path, name, log, monkeypatch) for name in (LOCAL, SPARK))
    assert there == here
    assert sum(report["rows"] for report in here) > 100
    files = contents(tmp_path / LOCAL)
    assert sum(name.endswith(".parquet") for name in files) > 3 * BUCKETS
    assert contents(tmp_path / SPARK) == files
    # what the one engine has done the other takes as done
    (tmp_path / LOCAL).rename(tmp_path / "moved")
    (tmp_path / SPARK).rename(tmp_path / LOCAL)
    stamps = [file.stat().st_mtime_ns for file in sorted((tmp_path / LOCAL).rglob("*.parquet"))]
    again = build(tmp_path, LOCAL, log, monkeypatch)
    assert apart_from_reuse(again) == apart_from_reuse(here)
    assert {report["reused"] for report in again} == {True}
    assert [file.stat().st_mtime_ns for file in sorted((tmp_path / LOCAL).rglob("*.parquet"))] == stamps


def test_a_night_more_gives_the_same_files_too(
    engine: SparkEngine, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(3):
        midnight = MIDNIGHT + timedelta(days=night)
        here, there = (build(tmp_path, name, log, monkeypatch, midnight) for name in (LOCAL, SPARK))
        assert there == here
        assert contents(tmp_path / SPARK) == contents(tmp_path / LOCAL)
    assert all(report["computed"] < report["rows"] / 10 for report in here)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank for which nothing has been decided yet."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield ready_to_decide(tmp_path_factory.mktemp("bank"), monkeypatch)


def decided(bank: SmallBank, engine: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Decide for everybody with nothing but the environment naming the engine, on a copy of what was built."""
    home = place / engine / "banks" / NAME
    if not home.exists():
        for name in ("log", "states"):
            shutil.copytree(bank.parts.places.folder / name, home / name)
    monkeypatch.setenv("NBO_ENGINE", engine)
    monkeypatch.setenv("NBO_HOME", str(place / engine))  # the models stay where they are tracked
    try:
        result: dict[str, Any] = decide_for_everybody(str(bank.folder))
    finally:
        monkeypatch.setenv("NBO_HOME", str(bank.home))
    return result


def decisions_in(home: Path) -> dict[str, bytes]:
    """Whatever was decided, by what kind of file: prices and plan, notes and champions too."""
    folder = home / "banks" / NAME
    return {
        f"{name}/{file}": content
        for name in ("decisions", "wishes", "champions")
        for file, content in contents(folder / name).items()
    }


def test_everybody_gets_the_same_decisions_byte_by_byte(
    engine: SparkEngine, bank: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (decided(bank, name, tmp_path, monkeypatch) for name in (LOCAL, SPARK))
    buckets = bank.parts.log.buckets
    assert {name: value for name, value in there.items() if name != "folder"} == {
        name: value for name, value in here.items() if name != "folder"
    }
    assert here["recomputed"] == 0
    assert any(price > 0 for price in here["plan"]["prices"].values())
    assert sum(here["plan"]["contacts"].values()) > 0
    files = decisions_in(tmp_path / LOCAL)
    kinds = ("offers", "rejections", "features", "contacts")
    assert {kind: sum(f"/{kind}/" in name for name in files) for kind in kinds} == dict.fromkeys(kinds, buckets)
    assert sum(name.endswith(".npz") for name in files) == sum("/notes/" in name for name in files) == 2 * buckets
    assert {Path(name).name for name in files} > {"plan.json", "circumstances.json", "booster.txt", "model.json"}
    assert decisions_in(tmp_path / SPARK) == files
    logged = [len(pq.read_table(file).filter(pc.field("rank") == 1)) for file in Path(here["folder"]).glob("offers/*")]
    for name in (LOCAL, SPARK):
        log = DecisionLog(f"sqlite:///{tmp_path / name / 'banks' / NAME / 'decisions.db'}")
        first = pq.read_table(Path(here["folder"]) / "offers").to_pylist()[0]
        assert log.get(first["decision_id"]).customer_id == first["customer_id"]
        log.close()
    assert sum(logged) == here["decisions"]


def test_what_one_engine_has_decided_the_other_takes_as_done(
    engine: SparkEngine, bank: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = decided(bank, LOCAL, tmp_path, monkeypatch)
    stamps = stamps_in(tmp_path / LOCAL)
    (tmp_path / LOCAL).rename(tmp_path / SPARK)
    taken = decided(bank, SPARK, tmp_path, monkeypatch)
    assert stamps_in(tmp_path / SPARK) == stamps
    assert apart_from_reuse({**taken, "folder": done["folder"]}) == apart_from_reuse(done)
    assert (done["reused"], taken["reused"]) == (0, taken["buckets"])
    # one bucket's offers are lost, another's wishes: the cluster does these two again, and what comes is the same
    files = decisions_in(tmp_path / SPARK)
    lost = [next((tmp_path / SPARK).rglob("offers/bucket-003.parquet")), *(tmp_path / SPARK).rglob("bucket-005.npz")]
    for file in lost:
        file.unlink()
    again = decided(bank, SPARK, tmp_path, monkeypatch)
    assert decisions_in(tmp_path / SPARK) == files
    assert apart_from_reuse(again) == apart_from_reuse(taken)
    assert again["reused"] == again["buckets"] - 2
    changed = {name for name, stamp in stamps_in(tmp_path / SPARK).items() if stamps[name] != stamp}
    assert {Path(name).stem for name in changed} == {"bucket-003", "bucket-005"}
    (tmp_path / SPARK).rename(tmp_path / LOCAL)
    stamps = stamps_in(tmp_path / LOCAL)
    assert apart_from_reuse(decided(bank, LOCAL, tmp_path, monkeypatch)) == apart_from_reuse(done)
    assert stamps_in(tmp_path / LOCAL) == stamps


def stamps_in(home: Path) -> dict[str, int]:
    folder = home / "banks" / NAME
    files = [*(folder / "decisions").rglob("*"), *(folder / "wishes").rglob("*")]
    return {
        str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files if file.suffix in (".parquet", ".npz")
    }


def test_progress_ends_with_everything_done(workers: SparkWorkers) -> None:
    seen: list[tuple[int, int | None]] = []
    workers.map(refuse, [0, 1], lambda *told: seen.append(told))
    assert seen[-1] == (2, 2)


def test_training_sets_from_the_log_are_the_same_bytes(engine: SparkEngine, log: EventLog, tmp_path: Path) -> None:
    bank, moments = demo(), moments_of(log)
    for name, who in (("here", LocalEngine()), ("there", engine)):
        files = write_features(
            log, moments, bank.feature_definitions, tmp_path / name, engine=who, names=("stage", "age")
        )
        assert files == BUCKETS
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert sum(pq.read_metadata(file).num_rows for file in (tmp_path / "there").iterdir()) == len(moments)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_tables_of_others_give_the_same_features_to_the_last_bit(
    workers: SparkWorkers, log: EventLog, tmp_path: Path
) -> None:
    bank, moments = demo(), moments_of(log)
    events = pa.concat_tables([log.read_bucket(bucket) for bucket in range(BUCKETS)])
    plain = [
        pa.field(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type)
        for field in events.schema
    ]
    mixed = random.Random(1).sample(range(len(events)), len(events))
    pq.write_table(events.take(mixed).cast(pa.schema(plain)), tmp_path / "events.parquet")
    pq.write_table(
        pa.table(
            {
                "customer_id": pa.array(moments.customer_ids, pa.string()),
                "as_of": pa.array(moments.as_of, pa.timestamp("us", "UTC")),
            }
        ),
        tmp_path / "moments.parquet",
    )
    found = features_of_tables(
        workers.session.read.parquet(str(tmp_path / "events.parquet")),
        workers.session.read.parquet(str(tmp_path / "moments.parquet")),
        bank.feature_definitions,
        groups=5,
    ).toArrow()
    expected = plain_table(compute_features(events, moments, bank.feature_definitions))
    order = [("customer_id", "ascending"), ("as_of", "ascending")]
    found, expected = found.select(expected.column_names).sort_by(order), expected.sort_by(order)
    for name in expected.column_names:
        one, other = found.column(name), expected.column(name)
        assert one.type == other.type or pa.types.is_timestamp(one.type), name
        # nulls as nulls, numbers bit by bit: equals would take -0.0 for 0.0
        assert one.is_null().equals(other.is_null()), name
        if pa.types.is_floating(other.type):
            one, other = (column.fill_null(0).to_numpy().view(np.int64).tolist() for column in (one, other))
            assert one == other, name
        else:
            assert one.to_pylist() == other.to_pylist(), name


def test_an_error_of_ours_in_a_task_is_that_error_here(workers: SparkWorkers) -> None:
    with pytest.raises(DataError) as raised:
        workers.map(refuse, range(5))
    assert str(raised.value) == "no such bucket: got 3, expected 0 to 2; ask for another"
    assert raised.value.remedy == "ask for another"


def test_any_other_error_says_what_it_was_in_one_line(workers: SparkWorkers) -> None:
    with pytest.raises(EngineError, match="work on Spark failed: got ZeroDivisionError: division by zero"):
        workers.map(invert, [1, 0])


def test_no_work_needs_no_task(workers: SparkWorkers) -> None:
    assert workers.map(refuse, []) == []


def test_a_session_that_was_open_before_stays_open(engine: SparkEngine, workers: SparkWorkers) -> None:
    with engine.workers() as others:
        assert others.session is workers.session
    assert workers.map(refuse, [1]) == [{"number": 1}]
