"""Moments that the event log does not reach."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import DataError
from domain.event import Event
from events.schema import table_of
from tests.config.folders import SMALL_BANK
from wiring.components import Components, reload_components


@pytest.fixture
def components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Components:
    """A bank in Amsterdam whose log goes from noon of 1 March to noon of 25 October, a day of 25 hours."""
    monkeypatch.setenv("NBO_HOME", str(tmp_path / "home"))
    folder = tmp_path / "bank"
    folder.mkdir()
    for name, text in SMALL_BANK.items():
        (folder / name).write_text(text)
    components = reload_components(folder)
    days = (datetime(2025, 3, 1, 12, tzinfo=UTC), datetime(2025, 10, 25, 22, 10, tzinfo=UTC))
    components.log.append(
        table_of(
            [
                Event(event_id=str(day), customer_id="c1", type="app_login", occurred_at=day, available_at=day)
                for day in days
            ]
        )
    )
    return components


def local(components: Components, *when: int) -> datetime:
    return datetime(*when, tzinfo=components.bank.time_zone)  # type: ignore[misc,arg-type]  # year, month, day, hour


def test_without_a_moment_the_last_midnight_with_news_is_taken(components: Components) -> None:
    assert components.moment(None) == local(components, 2025, 10, 26)


def test_the_day_of_the_latest_news_may_be_over_even_one_of_25_hours(components: Components) -> None:
    for moment in (local(components, 2025, 6, 1), local(components, 2025, 10, 27)):
        assert components.moment(moment) == moment


@pytest.mark.parametrize("when", [(2025, 10, 27, 1), (2030, 1, 1), (2025, 3, 1), (1971, 1, 1), (1, 1, 1)])
def test_a_moment_outside_of_the_log_is_refused_because_silence_is_no_news(
    components: Components, when: tuple[int, ...]
) -> None:
    with pytest.raises(DataError, match=r"does not cover.*expected 2025-03-01 13:00 to 2025-10-27 00:00"):
        components.moment(local(components, *when))
