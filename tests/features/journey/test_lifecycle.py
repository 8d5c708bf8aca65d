from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.journey import Stage
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.compute import compute_features
from features.definitions import Where
from features.journey.lifecycle import stage_history
from features.journey.settings import Journey
from tests.features.build import AMSTERDAM, aggregate, catalogue, event, moment, moments, stage, table
from tests.features.everything import JOURNEY, everything
from tests.features.logs import asked, logs
from tests.features.slow_stages import stage_entries

STAGE_NAMES = ["stage", "previous_stage", "days_in_stage"]
ZONE = ZoneInfo("Europe/Amsterdam")
EVERYTHING = everything()
VISITS = aggregate("visits_recently", "count", Where(types=("visit",)), windows_days=(3,))
ENDED = aggregate("ended", "count", Where(types=("closed",)))


def _daily(*conditions: tuple[str, str, int]) -> tuple[FeatureCatalogue, Journey]:
    journey = Journey(stages=tuple(stage(*one) for one in conditions), evaluate_every_days=1)
    return catalogue(VISITS, ENDED, journey=journey), journey


def _days_since(seen: list[Event], as_of: datetime) -> float | None:
    paid = [one.occurred_at for one in seen if one.type == "payment"]
    return (as_of - max(paid)) / timedelta(days=1) if paid else None


def _visits(seen: list[Event], as_of: datetime) -> int:
    first = as_of.astimezone(ZONE).date() - timedelta(days=7)
    return sum(one.type == "visit" and one.occurred_at.astimezone(ZONE).date() >= first for one in seen)


def _paid_within(seen: list[Event], as_of: datetime) -> bool:
    days = _days_since(seen, as_of)
    return days is not None and days <= 4


CONDITIONS = [
    ("lost", lambda seen, _: any(one.type == "closed" for one in seen), 0),
    ("growth", lambda seen, as_of: _visits(seen, as_of) >= 2, 3),
    ("mature", _paid_within, 2),
    ("dormant", lambda seen, as_of: _visits(seen, as_of) == 0 and _days_since(seen, as_of) is not None, 0),
]
"""The conditions of `JOURNEY` in Python."""


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_stages_equal_the_slow_reference(data: st.DataObject) -> None:
    log = data.draw(logs("Europe/Amsterdam"))
    wanted = data.draw(asked("Europe/Amsterdam", log))
    computed = compute_features(
        table(log), moments(*wanted), FeatureDefinitions(EVERYTHING, JOURNEY, AMSTERDAM), STAGE_NAMES
    )
    for row, (customer, as_of) in enumerate(wanted):
        entries = stage_entries(log, customer, as_of, ZONE, JOURNEY.evaluate_every_days, CONDITIONS)
        name, day, previous = entries[-1] if entries else (None, as_of.date(), None)
        days = (as_of.astimezone(ZONE).date() - day).days if entries else None
        assert computed.row(row) == {"stage": name, "previous_stage": previous, "days_in_stage": days}


@settings(deadline=None, max_examples=20)
@given(log=logs("Europe/Amsterdam"), until=st.integers(-45, 10))
def test_stage_history_lists_every_entry_with_its_end(log: list[Event], until: int) -> None:
    end = moment("2026-03-29T10:00") + timedelta(days=until)
    listed = stage_history(table(log), end, FeatureDefinitions(EVERYTHING, JOURNEY, AMSTERDAM)).to_pylist()
    expected = []
    for customer in sorted({one.customer_id for one in log}):
        entries = stage_entries(log, customer, end, ZONE, JOURNEY.evaluate_every_days, CONDITIONS)
        begins: list[datetime | None] = [
            datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC) for _, day, _ in entries
        ]
        for (name, _, previous), entered, left in zip(entries, begins, [*begins[1:], None], strict=False):
            expected.append(
                {
                    "customer_id": customer,
                    "stage": name,
                    "entered_at": entered,
                    "left_at": left,
                    "previous_stage": previous,
                }
            )
    assert listed == expected


def test_a_customer_is_in_no_stage_before_the_first_midnight_after_the_first_event() -> None:
    built, journey = _daily(("mature", "TRUE", 0))
    log = table([event(at="2026-01-10T12:00")])
    asked_at = moments(("c1", "2026-01-10T22:59"), ("c1", "2026-01-10T23:00"), ("nobody", "2026-01-11T00:00"))
    computed = compute_features(log, asked_at, FeatureDefinitions(built, journey, AMSTERDAM), STAGE_NAMES)
    assert [computed.row(row)["stage"] for row in range(3)] == [None, "mature", None]


def test_a_stage_stands_for_its_least_number_of_days() -> None:
    built, journey = _daily(("growth", "visits_recently_3d > 0", 10), ("dormant", "TRUE", 0))
    log = table([event(at="2026-01-10T12:00")])
    history = stage_history(log, moment("2026-02-01T00:00"), FeatureDefinitions(built, journey, AMSTERDAM)).to_pylist()
    entered = [(one["stage"], one["entered_at"].astimezone(ZONE).date()) for one in history]
    assert entered == [("growth", date(2026, 1, 11)), ("dormant", date(2026, 1, 21))]


def test_where_no_condition_holds_the_stage_stays() -> None:
    built, journey = _daily(("growth", "visits_recently_3d > 0", 0))
    computed = compute_features(
        table([event(at="2026-01-10T12:00")]),
        moments(("c1", "2026-03-01T12:00")),
        FeatureDefinitions(built, journey, AMSTERDAM),
        STAGE_NAMES,
    )
    assert computed.row(0) == {"stage": "growth", "previous_stage": None, "days_in_stage": 49}


def test_a_null_condition_does_not_hold() -> None:
    journey = Journey(stages=(stage("lost", "last_one < 5"), stage("mature", "TRUE")), evaluate_every_days=1)
    built = catalogue(aggregate("last_one", "last", Where(types=("payment",))), journey=journey)
    computed = compute_features(
        table([event(at="2026-01-10T12:00")]),
        moments(("c1", "2026-01-12T12:00")),
        FeatureDefinitions(built, journey, AMSTERDAM),
        ["stage"],
    )
    assert computed.row(0) == {"stage": "mature"}


def test_a_bank_without_stages_has_none() -> None:
    built = catalogue(VISITS)
    computed = compute_features(
        table([event()]),
        moments(("c1", "2026-02-01T12:00")),
        FeatureDefinitions(built, Journey(stages=()), AMSTERDAM),
        STAGE_NAMES,
    )
    assert set(computed.row(0).values()) == {None}


@pytest.mark.parametrize("every", [1, 7])
def test_grids_are_counted_from_a_monday_at_the_start_of_the_century(every: int) -> None:
    journey = Journey(stages=(stage("mature", "TRUE"),), evaluate_every_days=every)
    built = catalogue(VISITS, journey=journey)
    history = stage_history(
        table([event(at="2026-01-07T12:00")]), moment("2026-02-01T00:00"), FeatureDefinitions(built, journey, AMSTERDAM)
    )
    entered = history.column("entered_at")[0].as_py().astimezone(ZONE).date()
    assert entered == (date(2026, 1, 8) if every == 1 else date(2026, 1, 12))  # a Thursday, the Monday after


def test_the_positions_of_stages_are_those_of_the_domain() -> None:
    built, _ = _daily(("mature", "TRUE", 0))
    assert built.features["stage"].type.values == tuple(stage.value for stage in Stage)  # type: ignore[union-attr]


def test_a_large_grid_is_run_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    built, journey = _daily(("growth", "visits_recently_3d > 0", 2), ("dormant", "TRUE", 0))
    log = table([event(f"c{n}", f"2026-01-{1 + n:02d}T12:00", number=n) for n in range(9)])
    whole = stage_history(log, moment("2026-02-01T00:00"), FeatureDefinitions(built, journey, Calendar(ZONE)))
    monkeypatch.setattr("features.journey.lifecycle.MOMENTS_AT_ONCE", 20)
    assert stage_history(log, moment("2026-02-01T00:00"), FeatureDefinitions(built, journey, Calendar(ZONE))).equals(
        whole
    )
    assert np.unique(whole.column("customer_id").to_numpy()).size == 9
