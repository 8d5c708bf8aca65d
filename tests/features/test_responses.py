from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import DataError
from domain.journey import Stage
from domain.offer import Offer
from events.vocabulary import ContactEvents, EventType, Vocabulary
from features.responses import Responses, responses

START = datetime(2025, 3, 1, tzinfo=UTC)
FAR = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
Row = tuple[str, str, datetime, str | None, str | None]


def vocabulary(attribution: Literal["decision_id", "latest_presented"]) -> Vocabulary:
    contacts = ContactEvents(presented="shown", accepted="taken", attribution=attribution)
    types = {"shown": EventType(description=""), "taken": EventType(description="")}
    return Vocabulary(channels=("app",), products=(), types=types, contacts=contacts)


def log(*rows: Row, delay: timedelta = timedelta(0)) -> pa.Table:
    moment = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "event_id": pa.array([f"e{position}" for position in range(len(rows))]),
            "customer_id": pa.array([row[0] for row in rows], pa.string()),
            "type": pa.array([row[1] for row in rows], pa.string()).dictionary_encode(),
            "occurred_at": pa.array([row[2] for row in rows], moment),
            "available_at": pa.array([row[2] + delay for row in rows], moment),
            "channel": pa.array(["app"] * len(rows), pa.string()).dictionary_encode(),
            "properties": pa.array(
                [[("offer", row[3])] if row[3] else [] for row in rows], pa.map_(pa.string(), pa.string())
            ),
            "decision_id": pa.array([row[4] for row in rows], pa.string()),
        }
    )


def offer(name: str, window: int = 30) -> Offer:
    return Offer(
        name=name, description="", value="1", treatments=(), stages=(Stage.GROWTH,), response_window_days=window
    )


def answers(*rows: Row, attribution: Literal["decision_id", "latest_presented"] = "decision_id") -> Responses:
    return responses(log(*rows), vocabulary(attribution), (offer("loan"), offer("card", 10)), FAR)


def test_an_acceptance_finds_the_impression_of_its_decision() -> None:
    found = answers(
        ("c1", "shown", START, "loan", "d1"),
        ("c1", "shown", START + DAY, "loan", "d2"),
        ("c1", "taken", START + 2 * DAY, "loan", "d1"),
    )
    assert found.accepted.tolist() == [True, False]
    assert found.answered_at[0] == np.datetime64("2025-03-03")


def test_without_decisions_the_latest_impression_is_meant() -> None:
    found = answers(
        ("c1", "shown", START, "loan", None),
        ("c1", "shown", START + DAY, "loan", None),
        ("c2", "shown", START + DAY, "loan", None),
        ("c1", "taken", START + 2 * DAY, "loan", None),
        attribution="latest_presented",
    )
    assert found.accepted.tolist() == [False, True, False]


def test_an_answer_at_the_moment_of_its_impression_belongs_to_it() -> None:
    found = answers(
        ("c1", "shown", START, "loan", None), ("c1", "taken", START, "loan", None), attribution="latest_presented"
    )
    assert found.accepted.tolist() == [True]


def test_the_end_of_the_response_window_still_counts_and_later_does_not() -> None:
    last, late = START + 10 * DAY, START + 10 * DAY + timedelta(microseconds=1)
    assert answers(("c1", "shown", START, "card", "d1"), ("c1", "taken", last, "card", "d1")).accepted.all()
    found = answers(("c1", "shown", START, "card", "d1"), ("c1", "taken", late, "card", "d1"))
    assert not found.accepted.any()
    assert found.counts["late"] == 1


def test_of_several_acceptances_the_first_is_kept() -> None:
    found = answers(
        ("c1", "shown", START, "loan", "d1"),
        ("c1", "taken", START + 3 * DAY, "loan", "d1"),
        ("c1", "taken", START + 2 * DAY, "loan", "d1"),
    )
    assert found.answered_at[0] == np.datetime64("2025-03-03")


def test_answers_to_other_offers_decisions_or_customers_are_counted_as_unmatched() -> None:
    found = answers(
        ("c1", "shown", START, "loan", "d1"),
        ("c1", "taken", START + DAY, "card", "d1"),
        ("c1", "taken", START + DAY, "loan", "d9"),
        ("c2", "taken", START + DAY, "loan", "d1"),
        ("c1", "taken", START - DAY, "loan", "d1"),
        ("c1", "taken", START + DAY, "loan", None),
    )
    assert not found.accepted.any()
    assert found.counts["unmatched"] == 5


def test_retired_offers_and_impressions_without_offer_are_left_out_and_counted() -> None:
    found = answers(
        ("c1", "shown", START, "loan", "d1"), ("c1", "shown", START, "gone", "d2"), ("c1", "shown", START, None, "d3")
    )
    assert found.offer.tolist() == ["loan"]
    assert (found.counts["retired_offer"], found.counts["without_offer"]) == (1, 1)


def test_an_impression_matures_when_its_window_has_passed_accepted_or_not() -> None:
    rows = log(("c1", "shown", START, "card", "d1"), ("c1", "taken", START + DAY, "card", "d1"))
    contacts, offers = vocabulary("decision_id"), (offer("card", 10),)
    early = responses(rows, contacts, offers, START + 9 * DAY)
    assert (early.matured.tolist(), early.accepted.tolist()) == ([False], [True])
    assert responses(rows, contacts, offers, START + 10 * DAY).matured.all()


def test_what_was_not_available_yet_is_not_seen() -> None:
    rows = log(("c1", "shown", START, "loan", "d1"), delay=2 * DAY)
    assert len(responses(rows, vocabulary("decision_id"), (offer("loan"),), START + DAY)) == 0


def test_no_impressions_are_no_responses() -> None:
    found = answers(("c1", "taken", START, "loan", "d1"))
    assert len(found) == 0
    assert found.counts["unmatched"] == 1


def test_a_bank_without_contacts_has_no_responses() -> None:
    with pytest.raises(DataError, match="no contacts"):
        responses(log(), Vocabulary(channels=(), products=(), types={}), (), FAR)
