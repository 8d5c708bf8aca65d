from __future__ import annotations

import pyarrow as pa
import pytest

from domain.errors import DataError
from events.schema import SCHEMA, conform, events_of, table_of
from tests.events.build import event, events


def test_events_survive_the_way_through_a_table() -> None:
    several = [
        event(1, channel="app", product="loan", amount=12.5, properties={"b": "2", "a": "1"}, decision_id="d1"),
        event(2),
    ]
    assert events_of(table_of(several)) == several


def test_a_table_without_the_optional_columns_gets_them_as_nulls() -> None:
    bare = events(3).select(["event_id", "customer_id", "occurred_at", "available_at", "type"])
    whole = conform(bare)
    assert whole.schema == SCHEMA
    assert whole["amount"].null_count == 3
    assert whole["properties"].to_pylist() == [[], [], []]


def test_amounts_are_kept_to_four_decimals() -> None:
    assert conform(table_of([event(1, amount=0.123456)]))["amount"].to_pylist() == [0.1235]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1.1e11, -1e300])
def test_an_amount_beyond_its_bounds_is_refused(amount: float) -> None:
    with pytest.raises(DataError, match="amount"):
        table_of([event(1, amount=amount)])


def test_a_missing_customer_id_is_refused() -> None:
    table = events(2).set_column(1, "customer_id", pa.array(["c1", None]))
    with pytest.raises(DataError, match="'customer_id' of events has missing values"):
        conform(table)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="no column 'type'"):
        conform(events(2).drop_columns(["type"]))


def test_a_column_of_another_type_is_named() -> None:
    table = events(1).set_column(7, "amount", pa.array(["much"]))
    with pytest.raises(DataError, match="'amount' of events does not fit"):
        conform(table)


def test_an_event_available_before_it_occurred_is_refused() -> None:
    table = events(2)
    swapped = table.set_column(3, "available_at", pa.array([0, 0], pa.timestamp("us", "UTC")))
    with pytest.raises(DataError, match="before it occurred"):
        conform(swapped)
