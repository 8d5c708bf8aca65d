"""The kernel's states survive the real store and give the same features."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from events.vocabulary import EventType, Property, Vocabulary
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions, build_catalogue
from features.compute import compute_features
from features.definitions import AggregateFeature, FeatureFile, Where
from features.journey.settings import Journey
from features.moments import Moments
from features.state import compute_states, features_from_states
from features.store.online import OnlineStates
from tests.features.store.build import repository

MIDNIGHT = datetime(2026, 3, 1, 23, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
AMSTERDAM = Calendar(ZoneInfo("Europe/Amsterdam"))
JOURNEY = Journey(stages=())
VOCABULARY = Vocabulary(
    channels=("app",),
    products=(),
    types={"payment": EventType(description="", groups=("transaction",))},
    attributes={"region": Property(values=("north", "south"))},
)
PAID = AggregateFeature(
    name="paid_amount",
    description="Money paid",
    aggregate="sum",
    where=Where(group="transaction"),
    windows_days=(7, 30),
    unit="EUR",
    topic="money",
)
CATALOGUE, PROBLEMS = build_catalogue(
    FeatureFile(), FeatureFile(aggregates=(PAID,)), VOCABULARY, JOURNEY, currency="EUR"
)


def log(*events: tuple[str, datetime, float]) -> pa.Table:
    times = pa.array([occurred_at for _, occurred_at, _ in events], pa.timestamp("us", "UTC"))
    count = len(events)
    return pa.table(
        {
            "event_id": [f"e{number}" for number in range(count)],
            "customer_id": [customer for customer, _, _ in events],
            "occurred_at": times,
            "available_at": times,
            "type": pa.array(["payment"] * count).dictionary_encode(),
            "channel": pa.array(["app"] * count).dictionary_encode(),
            "product": pa.array([None] * count, pa.string()).dictionary_encode(),
            "amount": [amount for _, _, amount in events],
            "properties": pa.array([[]] * count, pa.map_(pa.string(), pa.string())),
            "decision_id": pa.array([None] * count, pa.string()),
        }
    )


def test_features_from_stored_states_are_those_from_the_log(tmp_path: Path) -> None:
    assert PROBLEMS == []
    events = log(
        ("c1", datetime(2026, 2, 1, tzinfo=UTC), 10.0),
        ("c1", datetime(2026, 3, 2, 9, tzinfo=UTC), 2.5),
        ("c2", datetime(2026, 2, 28, tzinfo=UTC), 7.0),
    )
    opened = repository(tmp_path)
    opened.apply(CATALOGUE, {})
    online = OnlineStates(opened, AMSTERDAM, CATALOGUE.layout)
    online.materialise(
        compute_states(events, ["c1", "c2"], MIDNIGHT, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)), MIDNIGHT
    )
    read = online.read(["c2", "c1"], NOON)
    merged = features_from_states(read.states, events, NOON, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
    whole = compute_features(events, Moments.at(["c2", "c1"], NOON), FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
    assert merged.columns["paid_amount_30d"].tolist() == [7.0, 12.5]
    for name, values in whole.columns.items():
        np.testing.assert_array_equal(merged.columns[name], values, err_msg=name)
