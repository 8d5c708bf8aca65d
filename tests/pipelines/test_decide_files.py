"""One bucket decided from files: where features come from, and what counts as done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.reading import load_bank
from domain.errors import StateError
from events.log import EventLog
from features.bucket.current import MidnightFeatures
from features.bucket.rows import customers_in
from features.calendar import Calendar
from features.compute import compute_features
from features.moments import Moments
from features.state import States, compute_states
from features.store.state_files import StateFiles
from features.table import FeatureTable
from serving.batch.bucket import DecideWork, decide_bucket_files, gather_bucket_options
from serving.champion_files import ChampionFiles
from tests.features.build import table
from tests.features.demo import random_log
from tests.pipelines.small_bank import DEMO

BANK = load_bank(DEMO)
CALENDAR = Calendar(BANK.time_zone)
MIDNIGHT = datetime(2026, 7, 3, tzinfo=BANK.time_zone)
EVENTS = table(random_log(BANK.vocabulary, customers=8, events=300, seed=5))


@pytest.fixture
def work(tmp_path: Path) -> DecideWork:
    """Bucket 0 of one, whose states of midnight are there."""
    log = EventLog(tmp_path / "log", buckets=1)
    log.append(EVENTS)
    states = StateFiles(tmp_path / "states")
    states.write("bucket-000", states_of(log), {})
    return DecideWork(
        bucket=0,
        key="of all",
        bank=BANK,
        as_of=MIDNIGHT,
        log=log.folder,
        states=states,
        champions=ChampionFiles(tmp_path, {}),
        folder=tmp_path / "run",
        seed=7,
        prices={},
        remaining={},
    )


def states_of(log: EventLog, midnight: datetime = MIDNIGHT) -> States:
    events = log.read_bucket(0)
    return compute_states(events, customers_in(events), midnight, BANK.feature_definitions)


def read(work: DecideWork) -> tuple[FeatureTable, int]:
    return MidnightFeatures(work.bank.feature_definitions, EventLog(work.log), work.states).of_bucket(
        work.bucket, work.as_of
    )


def computed(work: DecideWork, customers: list[str]) -> FeatureTable:
    moments = Moments.at(np.array(customers, dtype=object), MIDNIGHT)
    return compute_features(EventLog(work.log).read_bucket(0), moments, BANK.feature_definitions)


def assert_equal(found: FeatureTable, expected: FeatureTable) -> None:
    assert found.customer_ids.tolist() == expected.customer_ids.tolist()
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name], values, err_msg=name)


def test_states_of_this_midnight_are_taken_and_nothing_is_computed(work: DecideWork) -> None:
    features, recomputed = read(work)
    assert recomputed == 0
    assert_equal(features, computed(work, features.customer_ids.tolist()))


@pytest.mark.parametrize("other", ["none", "midnight", "layout"])
def test_without_states_of_this_midnight_and_these_features_everybody_is_computed(work: DecideWork, other: str) -> None:
    expected, _ = read(work)
    states = states_of(EventLog(work.log), MIDNIGHT - timedelta(days=1) if other == "midnight" else MIDNIGHT)
    if other == "none":
        (work.states.folder / "bucket-000.parquet").unlink()
    else:
        work.states.write("bucket-000", replace(states, layout="another") if other == "layout" else states, {})
    features, recomputed = read(work)
    assert recomputed == len(features) == 8
    assert_equal(features, expected)


def test_who_is_not_in_the_file_is_computed_and_comes_last(work: DecideWork) -> None:
    states = work.states.read("bucket-000")
    kept = states.customer_ids != "c3"
    some = States(states.customer_ids[kept], states.matrix[kept], states.midnight, states.layout)
    work.states.write("bucket-000", some, {})
    features, recomputed = read(work)
    assert recomputed == 1
    assert_equal(features, computed(work, [*some.customer_ids.tolist(), "c3"]))


def test_only_the_customers_asked_for_come(work: DecideWork) -> None:
    asked = np.array(["c1", "c5"], dtype=object)
    features, recomputed = MidnightFeatures(BANK.feature_definitions, EventLog(work.log), work.states).of_bucket(
        0, MIDNIGHT, asked
    )
    assert (features.customer_ids.tolist(), recomputed) == (["c1", "c5"], 0)


def test_what_is_found_done_is_what_was_reported(work: DecideWork) -> None:
    assert work.done() is None
    report = decide_bucket_files(work)
    assert report["customers"] == 8
    assert work.done() == report
    assert replace(work, key="of something else").done() is None


def test_a_bucket_of_which_a_file_is_gone_is_not_done(work: DecideWork) -> None:
    report = decide_bucket_files(work)
    for name in report["files"]:
        content = (work.folder / name).read_bytes()
        (work.folder / name).unlink()
        assert work.done() is None
        assert decide_bucket_files(work) == report
        assert (work.folder / name).read_bytes() == content
    assert len(report["files"]) == 4


def test_wishes_are_gathered_into_one_file(work: DecideWork) -> None:
    report = gather_bucket_options(work)
    assert report["files"] == ["bucket-000.npz"]
    assert work.done() == report
    assert not [file for file in work.folder.rglob("*") if file.name.startswith(".")]


def test_a_bucket_without_customers_is_done_too(work: DecideWork, tmp_path: Path) -> None:
    empty = replace(work, log=EventLog(tmp_path / "empty", buckets=1).folder)
    report = decide_bucket_files(empty)
    assert (report["customers"], report["files"]) == (0, [])
    assert empty.done() == report


def test_a_damaged_note_says_what_to_do(work: DecideWork) -> None:
    decide_bucket_files(work)
    work.note.write_text("{")
    with pytest.raises(StateError, match=r"remove .*bucket-000\.json"):
        work.done()


def test_a_bucket_that_dies_before_its_note_is_done_again(work: DecideWork) -> None:
    report = decide_bucket_files(work)
    files = {name: (work.folder / name).read_bytes() for name in report["files"]}
    work.note.unlink()
    assert work.done() is None
    assert decide_bucket_files(work) == report
    assert {name: (work.folder / name).read_bytes() for name in files} == files
