from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import DataError
from domain.event import Event
from features.calendar import Calendar
from features.catalogue import FeatureDefinitions
from features.compute import compute_features
from features.definitions import Where
from features.table import FeatureTable
from tests.features.build import AMSTERDAM, NO_STAGES, aggregate, catalogue, event, moments, table

VISITS = catalogue(
    aggregate("visits", "count", windows_days=(7,)),
    aggregate("visits_ever", "count"),
    aggregate("amount", "sum"),
    aggregate("largest", "max"),
    aggregate("last_amount", "last"),
    aggregate("days", "distinct_days"),
    aggregate("days_since", "days_since_last"),
)


def compute(events: list[Event], *asked: tuple[str, str | datetime]) -> FeatureTable:
    return compute_features(table(events), moments(*asked), FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM))


def test_an_event_on_the_lower_edge_counts() -> None:
    # local midnight of 3 January, a week before that of the 10th
    on_the_edge, before = event(at="2026-01-02T23:00"), event(at="2026-01-02T22:59:59.999999", number=1)
    assert compute([on_the_edge, before], ("c1", "2026-01-10T15:00")).row(0)["visits_7d"] == 1


def test_a_window_in_which_clocks_change_has_whole_local_days() -> None:
    # 23 March begins at 23:00 UTC, 30 March at 22:00: clocks went forward between them
    events = [event(at="2026-03-22T23:00"), event(at="2026-03-22T22:59", number=1)]
    assert compute(events, ("c1", "2026-03-29T22:30")).row(0)["visits_7d"] == 1


def test_an_event_at_the_moment_itself_is_not_visible() -> None:
    assert compute([event(at="2026-01-10T12:00")], ("c1", "2026-01-10T12:00")).row(0)["visits_ever"] == 0


def test_an_event_counts_from_when_it_was_available_in_the_window_of_when_it_occurred() -> None:
    late = event(at="2026-01-10T12:00", late=timedelta(days=9))
    computed = compute([late], ("c1", "2026-01-19T12:00"), ("c1", "2026-01-19T12:01"), ("c1", "2026-01-17T12:00"))
    assert [computed.row(row)["visits_ever"] for row in range(3)] == [0, 1, 0]
    assert [computed.row(row)["visits_7d"] for row in range(3)] == [0, 0, 0]


def test_no_history_has_documented_values() -> None:
    nothing = {"visits_7d": 0, "visits_ever": 0, "amount": 0, "days": 0}
    unknown = {"largest": None, "last_amount": None, "days_since": None}
    stages = {"stage": None, "previous_stage": None, "days_in_stage": None}
    computed = compute([event()], ("nobody", "2026-02-01T00:00"), ("c1", "2025-01-01T00:00"))
    attributes = {"region": None, "consent": None, "birth_year": None}
    assert computed.row(0) == computed.row(1) == nothing | unknown | stages | attributes


def test_no_events_and_no_moments_are_fine() -> None:
    assert compute([], ("c1", "2026-02-01T00:00")).row(0)["visits_ever"] == 0
    empty = compute_features(table([event()]), moments(), FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM))
    assert (len(empty), set(empty.columns)) == (0, set(VISITS.features))


def test_of_equal_times_the_greatest_value_is_the_last() -> None:
    events = [event(amount=amount, number=number) for number, amount in enumerate([3.0, 9.0, 5.0, None])]
    assert compute(events, ("c1", "2026-02-01T00:00")).row(0)["last_amount"] == 9


def test_sums_are_exact() -> None:
    events = [event(amount=0.1, number=number) for number in range(30)]
    assert compute(events, ("c1", "2026-02-01T00:00")).row(0)["amount"] == 3.0


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -float("inf"), 2e11])
def test_an_amount_that_is_no_number_or_beyond_all_bounds_counts_as_none(amount: float) -> None:
    row = compute([event(amount=amount), event(amount=2.0, number=1)], ("c1", "2026-02-01T00:00")).row(0)
    assert (row["visits_ever"], row["amount"], row["largest"]) == (2, 2.0, 2.0)


def test_events_in_any_order_give_the_same() -> None:
    events = table([event(customer, f"2026-01-{day:02d}T10:00", amount=day) for customer in "ba" for day in (9, 3, 7)])
    mixed = events.take(pa.array([4, 1, 5, 0, 3, 2]))
    asked = moments(("a", "2026-01-08T00:00"), ("b", "2026-02-08T00:00"))
    one, other = (
        compute_features(log, asked, FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM)) for log in (events, mixed)
    )
    assert one.to_arrow().equals(other.to_arrow())


def test_plain_strings_serve_as_well_as_dictionaries_and_chunks() -> None:
    events = table([event(number=number, channel="app") for number in range(3)])
    plain = pa.table(
        {
            name: events[name].cast(pa.string()) if name in ("type", "channel") else events[name]
            for name in events.column_names
        }
    )
    chunked = pa.concat_tables([plain.slice(0, 1), plain.slice(1)])
    computed = compute_features(
        chunked, moments(("c1", "2026-02-01T00:00")), FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM)
    )
    assert computed.row(0)["visits_ever"] == 3


def test_customers_come_in_a_dictionary_of_any_order() -> None:
    events = table([event(customer, number=number) for number, customer in enumerate(["a", "b", "b"])])
    ids = pa.DictionaryArray.from_arrays(pa.array([1, 0, 0]), pa.array(["b", "a", "unused"]))
    encoded = events.set_column(1, "customer_id", ids)
    asked = moments(("a", "2026-02-01T00:00"), ("b", "2026-02-01T00:00"), ("unused", "2026-02-01T00:00"))
    computed = compute_features(encoded, asked, FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM))
    assert computed.columns["visits_ever"].tolist() == [1, 2, 0]


def test_long_tails_are_listed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [event(at=start + timedelta(hours=n), late=timedelta(days=n % 9), number=n, amount=n) for n in range(200)]
    asked = [("c1", start + timedelta(days=days)) for days in range(12)]
    whole = compute(events, *asked).to_arrow()
    monkeypatch.setattr("features.kernel.history.LARGEST_TAIL", 50)
    assert compute(events, *asked).to_arrow().equals(whole)


def test_a_customer_with_very_many_events_is_a_customer() -> None:
    n = 200_000
    start = np.datetime64("2025-01-01T00:00", "us")
    occurred = pa.array(start + np.arange(n) * np.timedelta64(100, "s"), pa.timestamp("us", "UTC"))
    events = pa.table(
        {
            "customer_id": pa.array(["c1"] * n),
            "occurred_at": occurred,
            "available_at": occurred,
            "type": pa.array(["visit"] * n),
            "channel": pa.nulls(n, pa.string()),
            "product": pa.nulls(n, pa.string()),
            "amount": pa.array(np.arange(n) % 977, pa.float64()),
            "properties": pa.nulls(n, pa.map_(pa.string(), pa.string())),
        }
    )
    asked = moments(*[("c1", datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=hours)) for hours in range(500)])
    computed = compute_features(events, asked, FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM))
    assert computed.columns["visits_ever"].tolist() == [864 * 59 + 36 * hours for hours in range(500)]


def test_an_unknown_feature_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(DataError, match="did you mean"):
        compute_features(
            table([]),
            moments(("c1", "2026-01-01T00:00")),
            FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM),
            ["visit_7d"],
        )


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(DataError, match="available_at"):
        compute_features(
            table([event()]).drop(["available_at"]),
            moments(("c1", "2026-01-01T00:00")),
            FeatureDefinitions(VISITS, NO_STAGES, AMSTERDAM),
        )


def test_a_moment_out_of_the_calendar_is_an_error() -> None:
    with pytest.raises(DataError, match="outside the calendar"):
        compute([event()], ("c1", datetime(2150, 1, 1, tzinfo=UTC)))


def test_very_long_spans_of_very_many_customers_do_not_overflow() -> None:
    ids = [f"c{number:05d}" for number in range(4000)]
    events = [event(one, at, number=n) for n, one in enumerate(ids) for at in ("1971-01-01T00:00", "2099-01-01T00:00")]
    computed = compute_features(
        table(events),
        moments(*[(one, "2099-01-02T00:00") for one in ids]),
        FeatureDefinitions(VISITS, NO_STAGES, Calendar(ZoneInfo("UTC"))),
    )
    assert set(computed.columns["visits_ever"]) == {2.0}
    assert set(computed.columns["visits_7d"]) == {1.0}


def test_a_property_filter_counts_only_its_value() -> None:
    counts = catalogue(aggregate("kind_a", "count", Where(types=("payment",), properties={"kind": "a"})))
    events = [event(kind="payment", number=n, properties=p) for n, p in enumerate([{"kind": "a"}, {"kind": "b"}, {}])]
    computed = compute_features(
        table(events), moments(("c1", "2026-02-01T00:00")), FeatureDefinitions(counts, NO_STAGES, AMSTERDAM)
    )
    assert computed.row(0)["kind_a"] == 1
