"""Properties that hold for every feature of the demo bank."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from domain.event import Event
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.moments import Moments
from features.state import compute_states, features_from_states
from features.table import FeatureTable
from tests.features.build import AMSTERDAM, bank, event, moment, moments, table
from tests.features.demo import START, random_log

CATALOGUE, PROBLEMS, VOCABULARY, JOURNEY = bank("demo")
ANCHORS = [START + timedelta(days=days, hours=7 * days % 24) for days in (-1, 20, 88, 150, 219)]
CUSTOMERS = [f"c{number}" for number in range(8)] + ["nobody"]
ASKED = moments(*[(customer, anchor) for customer in CUSTOMERS for anchor in ANCHORS])
MIDNIGHT, NOW = moment("2026-06-29T22:00"), moment("2026-06-30T15:45")


def _compute(events: pa.Table, asked: Moments = ASKED, names: list[str] | None = None) -> FeatureTable:
    return compute_features(events, asked, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM), names)


def _later(log: list[Event], anchor_of: dict[str, int]) -> list[Event]:
    """Make events that occurred before, at or after the customer's anchor but were not available before it."""
    added = []
    for number, one in enumerate(random_log(VOCABULARY, 8, 600, seed=2)):
        anchor = ANCHORS[anchor_of[one.customer_id]]
        available = max(one.available_at, anchor + timedelta(microseconds=number % 2))
        added.append(
            event(
                one.customer_id,
                one.occurred_at,
                one.type,
                late=available - one.occurred_at,
                number=100_000 + number,
                channel=one.channel,
                product=one.product,
                amount=one.amount,
                properties=one.properties,
            )
        )
    return [*log, *added]


@dataclass(frozen=True)
class Computed:
    log: pa.Table
    all_at_once: FeatureTable
    one_by_one: FeatureTable
    anchors: FeatureTable
    with_later_events: FeatureTable
    from_state: FeatureTable
    from_log: FeatureTable


@pytest.fixture(scope="module")
def computed() -> Computed:
    log = random_log(VOCABULARY, 8, 1500, seed=1)
    events = table(log)
    before = pa.concat_tables([events])
    anchor_of = {customer: number % len(ANCHORS) for number, customer in enumerate(CUSTOMERS)}
    last_asked = moments(*[(customer, ANCHORS[number]) for customer, number in anchor_of.items()])
    alone = [
        _compute(table([one for one in log if one.customer_id == customer]), moments(*[(customer, anchor)]))
        for customer in CUSTOMERS
        for anchor in ANCHORS
    ]
    states = compute_states(events, CUSTOMERS, MIDNIGHT, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM))
    result = Computed(
        log=events,
        all_at_once=_compute(events),
        one_by_one=FeatureTable.concatenate(alone),
        anchors=_compute(events, last_asked),
        with_later_events=_compute(table(_later(log, anchor_of)), last_asked),
        from_state=features_from_states(states, events, NOW, FeatureDefinitions(CATALOGUE, JOURNEY, AMSTERDAM)),
        from_log=_compute(events, Moments.at(CUSTOMERS, NOW)),
    )
    assert events.equals(before)
    return result


def test_the_demo_bank_has_no_problems_and_lacks_nothing() -> None:
    assert PROBLEMS == []
    assert CATALOGUE.not_applicable == {}


@pytest.mark.parametrize("name", CATALOGUE.features)
def test_no_later_event_changes_a_feature(computed: Computed, name: str) -> None:
    np.testing.assert_array_equal(computed.with_later_events.columns[name], computed.anchors.columns[name])


@pytest.mark.parametrize("name", CATALOGUE.features)
def test_a_feature_of_one_customer_is_that_of_all(computed: Computed, name: str) -> None:
    np.testing.assert_array_equal(computed.one_by_one.columns[name], computed.all_at_once.columns[name])


@pytest.mark.parametrize("name", CATALOGUE.features)
def test_the_state_of_midnight_with_the_days_events_is_a_recomputation(computed: Computed, name: str) -> None:
    assert computed.from_state.columns[name].tobytes() == computed.from_log.columns[name].tobytes()


@pytest.mark.parametrize("name", CATALOGUE.features)
def test_a_feature_is_documented_and_typed(computed: Computed, name: str) -> None:
    feature, values = CATALOGUE.features[name], computed.all_at_once.columns[name]
    assert feature.description
    assert feature.unit
    assert feature.topic
    assert feature.owner
    assert values.dtype == np.float64
    computed.all_at_once.to_arrow().column(name)  # every code has a name


def test_a_feature_is_made_only_of_those_before_it() -> None:
    names = list(CATALOGUE.features)
    alone = _compute(table([]), moments(("c1", "2026-03-01T12:00")), names[:1])
    assert list(alone.columns) == names[:1]
    assert names.index("savings_held") < names.index("stage") < names.index("savings_step")


@pytest.mark.parametrize("names", [["savings_step"], ["days_in_stage", "age"], ["activity_trend", "activity_count_7d"]])
def test_a_few_features_asked_for_are_those_of_all(computed: Computed, names: list[str]) -> None:
    some = _compute(computed.log, names=names)
    assert list(some.columns) == names
    for name in names:
        np.testing.assert_array_equal(some.columns[name], computed.all_at_once.columns[name])


def test_rows_come_in_the_order_asked_repetitions_included(computed: Computed) -> None:
    rows = np.random.default_rng(3).integers(0, len(ASKED), 60)
    shuffled = _compute(computed.log, Moments(ASKED.customer_ids[rows], ASKED.as_of[rows]))
    assert shuffled.customer_ids.tolist() == ASKED.customer_ids[rows].tolist()
    for name in CATALOGUE.features:
        np.testing.assert_array_equal(shuffled.columns[name], computed.all_at_once.columns[name][rows])
