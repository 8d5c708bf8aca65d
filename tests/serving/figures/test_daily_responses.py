"""Daily responses against an independent query in SQL."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event import Event
from domain.journey import Stage
from domain.offer import Offer, OfferClass, Treatment
from events.schema import table_of
from events.vocabulary import ContactEvents, EventType, Property, Vocabulary
from features.calendar import Calendar
from features.responses import responses
from serving.figures.acceptance import DateSpan, Rate, acceptance, last_matured_day
from serving.figures.daily_responses import KEYS, SCHEMA, added_up, daily_responses

ZONE = ZoneInfo("Europe/Amsterdam")
BEGIN = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks change nine days later
UNTIL = BEGIN + timedelta(days=40)
NAMED = {"offer": Property(type="text")}
VOCABULARY = Vocabulary(
    channels=("app", "email"),
    products=(),
    types={name: EventType(description="", properties=NAMED) for name in ("presented", "accepted")},
    contacts=ContactEvents(presented="presented", accepted="accepted", attribution="latest_presented"),
)


def offer(name, days, kind=OfferClass.COMMERCIAL):
    return Offer(
        name=name, description="", value="1", stages=(Stage.GROWTH,), offer_class=kind, response_window_days=days,
        treatments=(Treatment(channel="app", message="m"),),
    )  # fmt: skip


OFFERS = (offer("loan", 5), offer("card", 20), offer("terms", 3, OfferClass.MANDATORY))

contacts = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(("presented", "presented", "accepted")),
        st.sampled_from([one.name for one in OFFERS]),
        st.sampled_from(VOCABULARY.channels),
        st.integers(0, 39 * 48),
    ),
    unique_by=lambda one: (one[0], one[4]),
    max_size=40,
)


def events_of(told):
    return table_of(
        [
            Event(
                event_id=f"e{number}",
                customer_id=f"c{customer}",
                type=kind,
                occurred_at=BEGIN + timedelta(minutes=30 * at),
                available_at=BEGIN + timedelta(minutes=30 * at),
                channel=channel,
                properties={"offer": name},
            )
            for number, (customer, kind, name, channel, at) in enumerate(told)
        ]
    )


def stages_of(customers):
    moments = [BEGIN + timedelta(days=days) for days in (5, 15)]
    rows = [
        {"customer_id": f"c{customer}", "stage": stage, "entered_at": moment}
        for customer in range(customers)
        for stage, moment in zip(("growth", "mature"), moments, strict=True)
    ]
    kinds = {"customer_id": pa.string(), "stage": pa.string(), "entered_at": pa.timestamp("us", "UTC")}
    return pa.Table.from_pylist(rows, pa.schema(kinds))


QUERY = """
with p as (
  select event_id, customer_id, occurred_at, channel, offer, days, class from e join o using (offer)
  where type = 'presented'
),
a as (select e.customer_id, e.offer, e.occurred_at from e where type = 'accepted'),
owner as (
  select a.customer_id, a.offer, a.occurred_at,
    (select event_id from p where p.customer_id = a.customer_id and p.offer = a.offer and p.occurred_at <= a.occurred_at
     order by p.occurred_at desc limit 1) as event_id
  from a
),
r as (
  select p.*, p.occurred_at + to_days(days) <= until as matured,
    exists(select 1 from owner where owner.event_id = p.event_id
      and owner.occurred_at <= p.occurred_at + to_days(days)) as yes,
    coalesce((select stage from s where s.customer_id = p.customer_id and s.entered_at <= p.occurred_at
     order by s.entered_at desc limit 1), 'none') as stage
  from p, (select $until::timestamptz as until)
)
select cast(timezone('Europe/Amsterdam', occurred_at) as date) as day,
  case when class = 'mandatory' then 'mandatory' when channel = 'email' then 'outbound' else 'inbound' end as "group",
  offer, channel, stage, count(*) as presented, count_if(matured) as matured, count_if(matured and yes) as accepted
from r group by all order by all
"""


def counted(events, stages, outbound):
    return daily_responses(responses(events, VOCABULARY, OFFERS, UNTIL), stages, OFFERS, outbound, Calendar(ZONE))


@given(contacts)
def test_counts_equal_those_of_an_independent_query(told):
    events, stages = events_of(told), stages_of(3)
    found = counted(events, stages, ("email",))
    rows = [
        {"event_id": row["event_id"], "customer_id": row["customer_id"], "type": row["type"], "channel": row["channel"],
         "occurred_at": row["occurred_at"], "offer": dict(row["properties"])["offer"]}
        for row in events.to_pylist()
    ]  # fmt: skip
    kinds = {name: pa.string() for name in ("event_id", "customer_id", "type", "channel")}
    e = pa.Table.from_pylist(rows, pa.schema({**kinds, "occurred_at": pa.timestamp("us", "UTC"), "offer": pa.string()}))
    o = pa.table({"offer": [one.name for one in OFFERS], "days": [one.response_window_days for one in OFFERS],
                  "class": [one.offer_class.value for one in OFFERS]})  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for name, table in (("e", e), ("o", o), ("s", stages)):
            connection.register(name, table)
        expected = connection.sql(QUERY, params={"until": UNTIL}).to_arrow_table().to_pylist()
    assert sorted(found.to_pylist(), key=lambda row: tuple(map(str, row.values()))) == sorted(
        expected, key=lambda row: tuple(map(str, row.values()))
    )


@given(contacts)
def test_counts_of_parts_add_up_to_those_of_the_whole(told):
    def of_part(part):
        return counted(events_of(part), stages_of(3), ("email",))

    parts = [of_part([one for one in told if one[0] % 2 == half]) for half in (0, 1)]
    assert added_up(pa.concat_tables(parts), KEYS).equals(of_part(told))


def test_nothing_becomes_nothing():
    found = counted(events_of([]), stages_of(0), ())
    assert found.equals(SCHEMA.empty_table())
    assert acceptance(found, ["offer"]) == []
    assert last_matured_day(found) is None


@pytest.mark.parametrize("accepted", [0, 1, 50, 100])
def test_an_interval_contains_its_rate_and_covers_what_it_promises(accepted):
    rate = Rate.of(accepted, 100)
    assert rate.low <= rate.value <= rate.high
    # Wilson's bounds are the shares for which the observed one is at the edge of the normal interval
    for bound in (rate.low, rate.high):
        if 0 < bound < 1:
            assert abs(rate.value - bound) / np.sqrt(bound * (1 - bound) / 100) == pytest.approx(1.96, abs=1e-3)


def test_periods_are_of_the_same_length_and_adjacent():
    period = DateSpan.ending(UNTIL.date(), 28)
    assert (period.before().last + timedelta(days=1), period.before().days) == (period.first, 28)
