from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.problems import ConfigurationErrors
from domain.errors import DataError
from domain.event import Event
from events.schema import table_of
from tests.pipelines.small_bank import DEMO
from wiring.components import components_of, reload_components


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(DEMO, tmp_path / "bank"))


def login(at: datetime) -> Event:
    return Event(event_id=at.isoformat(), customer_id="c1", type="app_login", occurred_at=at, available_at=at)


def test_parts_are_opened_once_for_a_folder_and_a_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components = components_of(folder)
    assert components_of(str(folder)) is components
    assert reload_components(folder) is components
    monkeypatch.setenv("NBO_HOME", str(folder.parent / "another"))
    assert components_of(folder) is not components


def test_a_changed_folder_is_seen_by_the_next_flow_but_not_by_steps_of_this_one(folder: Path) -> None:
    components = components_of(folder)
    bank = folder / "bank.yaml"
    bank.write_text(bank.read_text().replace("EUR", "CHF"))
    assert components_of(folder) is components
    assert reload_components(folder).bank.identity.currency == "CHF"
    assert components_of(folder).bank.identity.currency == "CHF"


def test_a_file_that_was_only_touched_opens_the_same_bank(folder: Path) -> None:
    digest = components_of(folder).bank.digest
    os.utime(folder / "bank.yaml", (0, 0))
    assert reload_components(folder).bank.digest == digest


def test_a_folder_that_went_wrong_is_told_and_heals(folder: Path) -> None:
    components_of(folder)
    bank = folder / "bank.yaml"
    text = bank.read_text()
    bank.write_text(text.replace("EUR", "euro"))
    with pytest.raises(ConfigurationErrors):
        reload_components(folder)
    bank.write_text(text)
    assert reload_components(folder).bank.identity.currency == "EUR"


def test_an_empty_log_has_no_latest_moment(folder: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        components_of(folder).latest()


def test_the_moment_is_the_local_midnight_before_the_latest_news(folder: Path) -> None:
    components = components_of(folder)
    news = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)  # half past midnight in Amsterdam
    components.log.append(table_of([login(news)]))
    assert components.latest() == news + timedelta(microseconds=1)
    assert components.moment(None).isoformat() == "2025-07-02T00:00:00+02:00"
    assert components.moment(news) == news


def test_midnights_follow_the_clock_change(folder: Path) -> None:
    components = components_of(folder)
    for day, offset in ((29, "+01:00"), (30, "+01:00"), (31, "+02:00")):
        noon = datetime(2025, 3, day, 12, tzinfo=UTC)
        assert components.midnight(noon).isoformat() == f"2025-03-{day}T00:00:00{offset}"


def test_without_champions_the_decider_has_no_models_and_is_made_once(folder: Path) -> None:
    components = components_of(folder)
    decider = components.decider()
    assert (decider.churn, decider.propensity) == (None, None)
    assert components.decider() is decider
    assert set(decider.versions) == {"bank", "policy"}
