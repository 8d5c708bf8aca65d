from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from events.vocabulary import EventType, Vocabulary
from features.calendar import Calendar
from features.moments import Moments
from models.labels import anchors, churn_known_at, churn_labels
from models.settings import ChurnLabel, Training

VOCABULARY = Vocabulary(
    channels=("app",),
    products=(),
    types={
        "login": EventType(description="", groups=("activity",)),
        "left": EventType(description=""),
        "fee": EventType(description=""),
    },
)
INACTIVE = ChurnLabel(kind="inactivity", group="activity", lead_days=7, horizon_days=30, population="TRUE")
LEFT = ChurnLabel(kind="event", types=("left",), lead_days=7, horizon_days=30, population="TRUE")
AS_OF = datetime(2025, 3, 1, tzinfo=UTC)
FAR = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def log(*events: tuple[str, str, datetime], delay: timedelta = timedelta(0)) -> pa.Table:
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "customer_id": pa.array([event[0] for event in events], pa.string()),
            "type": pa.array([event[1] for event in events], pa.string()).dictionary_encode(),
            "occurred_at": pa.array([event[2] for event in events], moment),
            "available_at": pa.array([event[2] + delay for event in events], moment),
        }
    )


def label_of(events: pa.Table, label: ChurnLabel, until: datetime = FAR) -> float:
    return float(churn_labels(events, Moments.at(["c1"], AS_OF), label, VOCABULARY, until)[0])


def test_who_did_nothing_in_the_horizon_churned() -> None:
    before, after = AS_OF + timedelta(days=3), AS_OF + timedelta(days=40)
    assert label_of(log(("c1", "login", before), ("c1", "login", after), ("c1", "fee", AS_OF)), INACTIVE) == 1.0


def test_a_customer_without_any_event_churned_by_inactivity_and_did_not_leave() -> None:
    assert label_of(log(("c2", "login", AS_OF)), INACTIVE) == 1.0
    assert label_of(log(("c2", "left", AS_OF)), LEFT) == 0.0


def test_labels_of_an_empty_log_are_those_of_nobody_having_done_anything() -> None:
    assert label_of(log(), INACTIVE) == 1.0


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (AS_OF + timedelta(days=7), False),
        (AS_OF + timedelta(days=7) + MICROSECOND, True),
        (AS_OF + timedelta(days=37), True),
        (AS_OF + timedelta(days=37) + MICROSECOND, False),
    ],
)
def test_the_window_is_open_below_and_closed_above(at: datetime, counts: bool) -> None:
    assert label_of(log(("c1", "left", at)), LEFT) == float(counts)
    assert label_of(log(("c1", "login", at)), INACTIVE) == float(not counts)


def test_events_of_other_customers_do_not_count() -> None:
    events = log(("c0", "left", AS_OF + timedelta(days=10)), ("c2", "left", AS_OF + timedelta(days=10)))
    assert label_of(events, LEFT) == 0.0


def test_a_label_matures_when_its_horizon_ends() -> None:
    end = AS_OF + timedelta(days=37)
    assert np.isnan(label_of(log(), INACTIVE, until=end - MICROSECOND))
    assert label_of(log(), INACTIVE, until=end) == 1.0
    assert churn_known_at(Moments.at(["c1"], AS_OF).as_of, INACTIVE)[0] == np.datetime64("2025-04-07")


def test_an_event_that_came_to_light_later_is_not_seen() -> None:
    events = log(("c1", "login", AS_OF + timedelta(days=10)), delay=timedelta(days=400))
    assert label_of(events, INACTIVE) == 1.0


def test_a_group_that_does_not_exist_is_refused_with_the_nearest() -> None:
    label = ChurnLabel(kind="inactivity", group="activty", horizon_days=30, population="TRUE")
    with pytest.raises(DataError, match="'activity' \\(did you mean it"):
        label_of(log(), label)


def test_a_type_that_does_not_exist_is_refused_with_the_nearest() -> None:
    label = ChurnLabel(kind="event", types=("lef",), horizon_days=30, population="TRUE")
    with pytest.raises(DataError, match="'left' \\(did you mean it"):
        label_of(log(), label)
    with pytest.raises(DataError, match="names no event types"):
        label_of(log(), ChurnLabel(kind="event", horizon_days=30, population="TRUE"))


@given(
    st.lists(st.tuples(st.sampled_from(["c1", "c2", "c3"]), st.integers(-40, 80)), max_size=30),
    st.lists(st.tuples(st.sampled_from(["c1", "c2", "c4"]), st.integers(-20, 20)), min_size=1, max_size=10),
)
def test_labels_agree_with_looking_at_every_event(
    happened: list[tuple[str, int]], asked: list[tuple[str, int]]
) -> None:
    events = log(*((customer, "left", AS_OF + timedelta(days=day)) for customer, day in happened))
    moments = Moments(
        np.array([customer for customer, _ in asked], dtype=object),
        np.array([np.datetime64("2025-03-01", "us") + np.timedelta64(day, "D") for _, day in asked]),
    )
    expected = [any(who == customer and 7 < at - day <= 37 for who, at in happened) for customer, day in asked]
    assert churn_labels(events, moments, LEFT, VOCABULARY, FAR).tolist() == [float(left) for left in expected]


def test_anchors_are_local_midnights_of_a_grid_that_does_not_move() -> None:
    calendar = Calendar(ZoneInfo("Europe/Amsterdam"))
    first, until = datetime(2025, 1, 1, 12, tzinfo=UTC), datetime(2025, 7, 1, 12, tzinfo=UTC)
    chosen = anchors(first, until, Training(anchors_every_days=30, history_days=60), INACTIVE, calendar)
    # at most 37 days before the first of July; summer time begins on the 30th of March
    assert [str(moment)[:13] for moment in chosen] == ["2025-03-12T23", "2025-04-11T22", "2025-05-11T22"]
    earlier = anchors(first, until - timedelta(days=20), Training(history_days=60), INACTIVE, calendar)
    assert [str(moment)[:13] for moment in earlier] == ["2025-03-12T23", "2025-04-11T22"]


def test_without_enough_history_there_is_no_anchor() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    first, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    assert len(anchors(first, until, Training(history_days=90), INACTIVE, calendar)) == 0
