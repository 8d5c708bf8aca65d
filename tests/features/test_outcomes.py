"""Outcomes in the event log: which events count, which were undone, and what a customer's are worth."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from domain.event import Event
from domain.offer import Offer
from domain.outcome import CountsAs
from events.schema import table_of
from features.outcomes import longest_reversal, outcome_events, outcome_types, value_after, value_by_customer

START = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 6, 1, tzinfo=UTC)


def offer(name, product="savings", **counts_as):
    outcome = CountsAs(**{"types": ("opened",), **counts_as})
    return Offer(name=name, description="", value="1", treatments=(), stages=(), product=product, counts_as=outcome)


SAVINGS = offer("savings_plus", value=60.0, reversed_by=("closed",))
LOAN = offer("loan", "loan", value=180.0)
ANY = offer("adviser", None)
BALANCE = offer("goal", types=("balance",), value=0.01, per="amount")
OFFERS = (SAVINGS, LOAN, ANY, BALANCE)


def events(*rows):
    """Rows of (customer, type, day, product, amount)."""
    found = []
    for number, (customer, kind, day, product, amount) in enumerate(rows):
        at = START + timedelta(days=day)
        found.append(
            Event(
                event_id=f"e{number}", customer_id=customer, type=kind, occurred_at=at,
                available_at=at + timedelta(days=1), product=product, amount=amount,
            )
        )  # fmt: skip
    return table_of(found)


def scores(*rows, offers=OFFERS, until=UNTIL, since=0, days=100):
    found = outcome_events(events(*rows), offers, until)
    first = np.datetime64("2026-01-01", "us") + np.timedelta64(since, "D")
    customers = pa.array(["a", "b", "nobody"])
    return value_by_customer(found, customers, first, first + np.timedelta64(days, "D")).tolist()


def test_an_event_is_worth_what_the_offer_of_its_product_says_once():
    rows = [("a", "opened", 3, "savings", None), ("b", "opened", 4, "loan", None), ("b", "opened", 5, "savings", None)]
    assert scores(*rows) == [60.0, 240.0, 0.0]


def test_one_event_counts_within_a_window():
    rows = [("a", "opened", day, "savings", None) for day in (1, 2, 3, 40)]
    assert scores(*rows) == [120.0, 0.0, 0.0]


def test_what_is_undone_in_time_does_not_count():
    opened = [(name, "opened", 3, "savings", None) for name in "ab"]
    closed = [("a", "closed", 10, "savings", None), ("b", "closed", 30, "savings", None)]
    assert scores(*opened, *closed) == [0.0, 60.0, 0.0]
    assert scores(*opened, ("a", "closed", 10, "loan", None)) == [60.0, 60.0, 0.0]
    assert scores(*opened, ("a", "closed", 2, "savings", None)) == [60.0, 60.0, 0.0]


def test_amounts_add_up():
    rows = [("a", "balance", 3, "savings", 1_000.0), ("a", "balance", 4, "savings", -200.0)]
    assert scores(*rows) == [8.0, 0.0, 0.0]


def test_only_the_period_and_what_was_known_count():
    rows = [("a", "opened", 3, "savings", None), ("b", "opened", 50, "savings", None)]
    assert scores(*rows, since=10) == [0.0, 60.0, 0.0]
    assert scores(*rows, until=START + timedelta(days=50)) == [60.0, 0.0, 0.0]


def test_events_that_no_offer_values_are_worth_nothing():
    assert scores(("a", "opened", 3, "card", None)) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("counted", "expected"), [(SAVINGS, [60.0, 0.0, 0.0]), (LOAN, [0.0, 180.0, 0.0]), (ANY, [60.0, 180.0, 0.0])]
)
def test_an_impression_realises_the_first_event_of_its_offer_within_the_window(counted, expected):
    found = outcome_events(
        events(
            ("a", "opened", 5, "savings", None),
            ("a", "opened", 6, "savings", None),
            ("b", "opened", 7, "loan", None),
            ("b", "opened", 90, "loan", None),
        ),
        OFFERS,
        UNTIL,
    )
    at = np.array(["2026-01-02", "2026-01-02", "2026-02-20"], dtype="datetime64[us]")
    assert value_after(found, counted, pa.array(["a", "b", "b"]), at).tolist() == expected


def test_amounts_after_an_impression_add_up_within_the_window():
    rows = [("a", "balance", day, "savings", 100.0) for day in (1, 5, 6, 60)]
    found = outcome_events(events(*rows), OFFERS, UNTIL)
    at = np.array(["2026-01-03"], dtype="datetime64[us]")
    assert value_after(found, BALANCE, pa.array(["a"]), at) == pytest.approx([2.0])


def test_types_and_waits_are_those_of_all_offers():
    assert outcome_types(OFFERS) == ("opened", "closed", "balance")
    assert longest_reversal(OFFERS) == np.timedelta64(14, "D")
    assert longest_reversal((LOAN,)) == np.timedelta64(0, "D")


def test_a_log_without_outcomes_is_worth_nothing():
    found = outcome_events(table_of([]), OFFERS, UNTIL)
    at = np.array(["2026-01-03"], dtype="datetime64[us]")
    assert value_after(found, SAVINGS, pa.array(["a"]), at).tolist() == [0.0]
    assert scores() == [0.0, 0.0, 0.0]
