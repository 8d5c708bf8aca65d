"""Readings of the data and of offers, from files as the nights write them."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from config.watching import Limits
from decisioning.outcomes.realised import realisation
from domain.event import Event
from domain.health import Light
from events.log import EventLog
from events.schema import table_of
from features.calendar import Calendar
from serving.figures.daily_responses import SCHEMA
from serving.figures.files import RunFigures, add_run, write_daily_responses
from serving.promises import Promise
from serving.watching.data import drifts, freshness, whole_days
from serving.watching.offers import acceptance, impressions, promised, without_offer
from tests.serving.build import OFFERS

NOW = datetime(2026, 6, 1, 5, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("Europe/Amsterdam"))


def log_with(folder, counts):
    """A log with so many events so many days ago."""
    events = []
    for days, count in counts.items():
        at = NOW - timedelta(days=days)
        events += [
            Event(event_id=f"{days}-{n}", customer_id=f"c{n}", type="login", occurred_at=at, available_at=at)
            for n in range(count)
        ]
    log = EventLog(folder, buckets=2)
    log.append(table_of(events))
    return log


@pytest.mark.parametrize(("hours", "light"), [(1, "green"), (40, "amber"), (72, "red")])
def test_old_news_turn_the_light(tmp_path, hours, light):
    log = log_with(tmp_path / "log", {0: 1})
    [news, night] = freshness(log, tmp_path, Limits(), NOW + timedelta(hours=hours))
    assert (news.light.value, night.light) == (light, Light.UNKNOWN)


def test_nothing_is_late_where_the_sources_say_where_they_end(tmp_path):
    log = log_with(tmp_path / "log", {0: 1})
    later = NOW + timedelta(days=500)
    [news, _] = freshness(log, tmp_path, Limits(), later, ended=NOW + timedelta(hours=1))
    assert (news.light, news.value) == (Light.UNKNOWN, None)
    assert "as complete_until says" in news.sentence
    [news, _] = freshness(log, tmp_path, Limits(), later, ended=NOW - timedelta(hours=1))
    assert news.light is Light.RED, "deliveries have begun since"


@pytest.mark.parametrize(("events", "light"), [(100, "green"), (45, "amber"), (10, "red")])
def test_a_partial_day_turns_the_light(tmp_path, events, light):
    log = log_with(tmp_path, {1: events, 8: 100, 15: 110, 22: 90, 29: 100})
    [reading] = whole_days(log, CALENDAR, Limits(), NOW)
    assert reading.light.value == light
    assert reading.sentence == f"{events} events on 2026-05-31, 100 usually on this weekday"


def test_the_last_day_is_found_however_long_ago_it_was(tmp_path):
    log = log_with(tmp_path, {70: 45, 77: 100, 84: 100, 91: 100, 98: 100})
    told_late = Event(
        event_id="late", customer_id="c1", type="login", occurred_at=NOW - timedelta(days=71), available_at=NOW
    )
    log.append(table_of([told_late]))
    [reading] = whole_days(log, CALENDAR, Limits(), NOW)
    assert reading.sentence == "45 events on 2026-03-23, 100 usually on this weekday"
    assert list(whole_days(EventLog(tmp_path / "empty"), CALENDAR, Limits(), NOW)) == []


def night(folder, number, mean, segment=("a", "b"), models="1"):
    run = f"2026-05-{number:02d}-run"
    generator = np.random.default_rng(number)
    for name, table in (
        (
            "features",
            {
                "customer_id": [f"c{n}" for n in range(600)],
                "income": generator.normal(mean, 1.0, 600),
                "segment": pa.array(generator.choice(segment, 600)).dictionary_encode(),
            },
        ),
        (
            "offers",
            {"channel": ["app"] * 450, "rank": [1] * 450, "propensity": generator.beta(2, 20, 450)},
        ),
    ):
        place = folder / "decisions" / run / name
        place.mkdir(parents=True)
        pq.write_table(pa.table(table), place / "bucket-000.parquet")
    versions = {"policy": f"p{number}", "demo-propensity": models}
    as_of = f"2026-05-{number:02d}T00:00:00+02:00"
    add_run(folder / "figures", RunFigures(folder=run, as_of=as_of, versions=versions, customers=600))


def lights(folder):
    found = drifts(folder / "figures", folder / "decisions", Limits())
    return {one.subject: one.light.value for one in found}


def test_a_feature_that_moved_since_the_models_first_night_is_red_and_the_others_green(tmp_path):
    night(tmp_path, 1, 5.0, models="0")
    night(tmp_path, 2, 0.0)
    night(tmp_path, 3, 0.1)
    assert lights(tmp_path) == {"income": "green", "segment": "green", "propensity": "green"}
    night(tmp_path, 4, 1.5, segment=("a", "c"))
    assert lights(tmp_path) == {"income": "red", "segment": "red", "propensity": "green"}


def test_one_night_says_nothing_of_drift_and_that_is_not_green(tmp_path):
    assert not lights(tmp_path)
    night(tmp_path, 1, 0.0)
    assert lights(tmp_path) == {"": "unknown"}


def test_channels_without_offers_turn_their_own_lights(tmp_path):
    night(tmp_path, 1, 0.0)
    found = without_offer(tmp_path / "figures", tmp_path / "decisions", ["app", "email"], {"email"}, Limits())
    assert {one.check: (one.value, one.light.value) for one in found} == {
        "without_offer_inbound": (0.25, "green"),
        "without_offer_outbound": (1.0, "red"),
    }


def responses(folder, rows):
    """Rows of (days ago, group, presented, matured, accepted)."""
    table = [
        {
            "day": date(2026, 6, 1) - timedelta(days=days), "group": group, "offer": "savings_plus", "channel": "app",
            "stage": "growth", "presented": presented, "matured": matured, "accepted": accepted,
        }
        for days, group, presented, matured, accepted in rows
    ]  # fmt: skip
    write_daily_responses(folder, pa.Table.from_pylist(table, SCHEMA), NOW)


def test_acceptance_that_fell_beyond_chance_turns_the_light_and_noise_does_not(tmp_path):
    before = [(days, "inbound", 500, 500, 50) for days in range(38, 45)]
    young = [(30, "inbound", 500, 0, 0)]
    responses(tmp_path, [*before, *((days, "inbound", 500, 500, 20) for days in range(31, 38)), *young])
    [found] = acceptance(tmp_path, Limits())
    assert (found.light, found.value) == (Light.RED, pytest.approx(0.4))
    responses(tmp_path, [*before, *((days, "inbound", 500, 500, 47) for days in range(31, 38)), *young])
    assert next(acceptance(tmp_path, Limits())).light is Light.GREEN
    few = [(days, "outbound", 4, 4, 1 if days > 41 else 0) for days in range(31, 45)]
    responses(tmp_path, few)
    assert next(acceptance(tmp_path, Limits())).light is Light.GREEN


def test_offers_that_are_hardly_shown_are_seen_and_relief_is_not_counted(tmp_path):
    responses(tmp_path, [(days, "inbound", 2, 0, 0) for days in range(10)])
    [found] = impressions(tmp_path, OFFERS, Limits(), date(2026, 6, 1))
    assert (found.subject, found.value, found.light) == ("savings_plus", 20, Light.AMBER)
    assert not list(impressions(tmp_path / "none", OFFERS, Limits(), date(2026, 6, 1)))


@pytest.mark.parametrize(("ratio", "light"), [(1.0, "green"), (1.35, "amber"), (2.0, "red"), (0.55, "red")])
def test_propensities_that_are_off_turn_the_light(ratio, light):
    generator = np.random.default_rng(1)
    expected = generator.beta(2.0, 18.0, 6_000)
    accepted = generator.random(6_000) < np.minimum(ratio * expected, 1.0)
    found = Promise(realisation(accepted.astype(float), expected), None)
    [reading] = promised({"savings_plus": found}, Limits())
    assert reading.light.value == light
    assert json.dumps(reading.value)
