"""Random event logs with everything that makes point in time hard: ties, late events, clock changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from domain.event import Event
from events.vocabulary import ATTRIBUTES_TYPE

DAYS_OF_CHANGE = {
    "Europe/Amsterdam": "2026-03-29",
    "America/Sao_Paulo": "2018-11-04",  # midnight was skipped
    "Australia/Lord_Howe": "2026-04-05",  # by half an hour
    "America/Havana": "2025-11-02",  # the hour from midnight came twice
    "UTC": "2026-01-01",
}
"""Time zones, each with a day on which its clocks change."""
ZONES = tuple(DAYS_OF_CHANGE)
LATE = [timedelta(0)] * 4 + [timedelta(microseconds=1), timedelta(hours=1), timedelta(hours=30), timedelta(days=20)]
CUSTOMERS = ("a", "b", "c", "nobody")
# few distinct hours, so that events and moments meet often
HOURS = st.one_of(st.integers(-40, 40), st.integers(-45 * 24, 10 * 24), st.sampled_from([-36, -12, 12, 36]))


@st.composite
def times(draw: st.DrawFn, zone: str) -> datetime:
    noon = datetime.fromisoformat(f"{DAYS_OF_CHANGE[zone]}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return noon + timedelta(hours=draw(HOURS), minutes=draw(st.sampled_from([0, 0, 0, 30])))


@st.composite
def events(draw: st.DrawFn, zone: str) -> Event:
    kind = draw(st.sampled_from(["payment", "visit", "visit", "closed", ATTRIBUTES_TYPE]))
    occurred = draw(times(zone))
    return Event(
        event_id="",
        customer_id=draw(st.sampled_from(CUSTOMERS[:3])),
        type=kind,
        occurred_at=occurred,
        available_at=occurred + draw(st.sampled_from(LATE)),
        channel=draw(st.sampled_from(["app", "web", None])),
        product=draw(st.sampled_from(["savings", "loan", None])),
        amount=draw(st.sampled_from([None, 0.0, -12.5, 0.1, 0.2, 9_999_999_999.9999, -3.0001])),
        properties=draw(_properties(kind)),
    )


def _properties(kind: str) -> st.SearchStrategy[dict[str, str]]:
    match kind:
        case "payment":
            return st.sampled_from([{}, {"kind": "a"}, {"kind": "b"}, {"kind": "?"}, {"kind": ""}])
        case "visit":
            return st.sampled_from([{}, {"score": "-7.25"}, {"score": "3"}, {"score": "1e2"}, {"score": ""}])
        case "closed":
            return st.just({})
    return st.sampled_from(
        [
            {"region": "north", "consent": "true"},
            {"region": "south"},
            {"consent": "false", "birth_year": "1980"},
            {"birth_year": "1990"},
            {"consent": "perhaps"},
            {"consent": "", "region": "north"},
            {"consent": "true", "region": ""},
            {"birth_year": ""},
        ]
    )


@st.composite
def logs(draw: st.DrawFn, zone: str) -> list[Event]:
    drawn = draw(st.lists(events(zone), min_size=draw(st.sampled_from([0, 10])), max_size=25))
    return [
        Event(**{name: getattr(one, name) for name in Event.__slots__} | {"event_id": f"e{number}"})
        for number, one in enumerate(drawn)
    ]


def asked(zone: str, log: Sequence[Event] = ()) -> st.SearchStrategy[list[tuple[str, datetime]]]:
    anyone = st.tuples(st.sampled_from(CUSTOMERS), times(zone))
    edges = [(one.customer_id, time) for one in log for time in (one.occurred_at, one.available_at)]
    pairs = st.one_of(st.sampled_from(edges), anyone) if edges else anyone
    return st.lists(pairs, min_size=1, max_size=8)
