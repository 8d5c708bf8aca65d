"""What holds of journey figures whatever customers did."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from events.erasure import erase_customer
from events.log import EventLog
from events.vocabulary import ATTRIBUTES_TYPE
from journeys.figure import NOTE
from journeys.figures import FIGURES
from journeys.histories import Histories
from journeys.stages import stage_sizes
from tests.journeys.build import AS_OF, DEMO, JourneyBank, bank_of_events, random_bank

KINDS = ("product_viewed", "calculator_used", "application_started", "application_submitted", "product_opened")


@pytest.fixture(scope="module")
def bank() -> JourneyBank:
    return random_bank(11, customers=80, events=5_000)


@pytest.fixture(scope="module")
def whole(bank: JourneyBank) -> dict[str, pa.Table]:
    return bank.figures(buckets=1)


@pytest.mark.parametrize("buckets", [2, 7])
def test_the_figures_are_the_same_however_customers_are_shared_out(
    bank: JourneyBank, whole: dict[str, pa.Table], buckets: int
) -> None:
    assert bank.figures(buckets) == whole


def test_a_stage_has_those_it_had_and_those_who_came_less_those_who_went(whole: dict[str, pa.Table]) -> None:
    sizes: dict[str, dict[str, int]] = defaultdict(dict)
    for row in whole["stage_sizes"].to_pylist():
        sizes[row["day"]][row["stage"]] = row["customers"]
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in whole["stage_flows"].to_pylist():
        moved[row["day"], row["to_stage"]] += row["customers"]
        moved[row["day"], row["from_stage"]] -= row["customers"]
    before: dict[str, int] = defaultdict(int)
    for day, stages in sorted(sizes.items()):
        assert all(size == before[stage] + moved[day, stage] for stage, size in stages.items())
        before |= stages


def test_customers_at_the_end_of_a_month_are_those_at_the_beginning_of_the_next(whole: dict[str, pa.Table]) -> None:
    begin: dict[tuple[str, str], int] = defaultdict(int)
    end: dict[tuple[str, str], int] = defaultdict(int)
    for row in whole["stage_months"].to_pylist():
        begin[row["month"], row["from_stage"]] += row["customers"]
        end[row["month"], row["to_stage"]] += row["customers"]
    months = sorted({month for month, _ in begin})
    compared = [(one, other, stage) for one, other in pairwise(months) for stage in ("growth", "lost")]
    assert compared
    assert all(end[one, stage] == begin[other, stage] for one, other, stage in compared)


def test_a_funnel_only_narrows_and_nobody_gets_lost_in_it(whole: dict[str, pa.Table]) -> None:
    cells: dict[tuple[str, ...], list[dict[str, int]]] = defaultdict(list)
    for row in whole["funnel"].to_pylist():
        cells[row["product"], row["month"], row["grouping"], row["group"]].append(row)
    for steps in cells.values():
        for row, following in zip(steps, [*steps[1:], None], strict=True):
            last = row["step"] == "opened"
            ended_here = row["stopped"] + row["under_way"] + (row["journeys"] if last else row["went_on"])
            assert row["journeys"] == ended_here
            assert row["went_on"] == (0 if following is None else following["journeys"])


def test_channels_and_segments_add_up_to_all_journeys(whole: dict[str, pa.Table]) -> None:
    journeys: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in whole["funnel"].to_pylist():
        journeys[row["product"], row["month"], row["step"]][row["grouping"]] += row["journeys"]
    assert all(cell["all"] == cell["channel"] == cell["segment"] for cell in journeys.values())


_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 250),
        st.sampled_from(KINDS),
        st.sampled_from([*DEMO.vocabulary.channels, None]),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(_EVENTS)
def test_every_journey_starts_once_and_ends_at_most_once(drawn: list[tuple[int, int, str, str | None]]) -> None:
    events = [
        event(f"c{customer}", kind, days=days, channel=channel, number=number)
        for number, (customer, days, kind, channel) in enumerate(drawn)
    ]
    bank = bank_of_events(events)
    rows = [row for row in bank.rows("funnel") if row["grouping"] == "all"]
    journeys = sum(row["journeys"] for row in rows if row["step"] == "viewed")
    opened = sum(row["journeys"] for row in rows if row["step"] == "opened")
    assert opened == sum(kind == "product_opened" for _, _, kind, _ in drawn)
    stopped, under_way = sum(row["stopped"] for row in rows), sum(row["under_way"] for row in rows)
    assert journeys == opened + stopped + under_way
    assert stopped == sum(row["journeys"] for row in bank.rows("broken_journeys"))


def event(customer: str, kind: str, *, days: float, number: int = 0, **other: Any) -> Event:
    """An event so many days after the beginning of 2025-11."""
    at = datetime(2025, 11, 1, 12, tzinfo=UTC) + timedelta(days=days, seconds=number)
    content = {"channel": "app", "product": "savings", **other}
    return Event(
        event_id=f"{customer}-{number}-{kind}",
        customer_id=customer,
        type=kind,
        occurred_at=at,
        available_at=at,
        **content,
    )


def test_an_empty_bank_has_figures_without_rows_and_a_reason_for_each() -> None:
    bank = bank_of_events([])
    figures = bank.figures(buckets=1)
    assert all(len(table) == 0 for table in figures.values())
    reasons = {name: FIGURES[name].why_empty(bank.context) for name in figures}
    assert reasons["referral"] == "events.yaml has no event type of group referral"
    assert reasons["retention"] == "the log has no such events of activity before 2026-07-16"


def test_on_its_first_day_a_bank_has_active_customers_and_no_stage_yet() -> None:
    first = datetime(2025, 11, 2, tzinfo=DEMO.time_zone)
    figures = bank_of_events([event("c1", "product_viewed", days=0)], as_of=first).figures(buckets=1)
    assert figures["stage_sizes"].to_pylist() == []
    day, month = figures["active_customers"].to_pylist()
    assert (day["period"], day["customers"], day[NOTE]) == ("2025-11-01", 1, None)
    assert (month["period"], month["customers"], month[NOTE]) == ("2025-11", 1, "not over")
    [viewed] = [row for row in figures["funnel"].to_pylist() if row["grouping"] == "all"]
    assert (viewed["under_way"], viewed["stopped"], viewed["drop_off"]) == (1, 0, None)
    assert viewed[NOTE] == "too young: complete on 2025-12-31"


def test_figures_about_one_customer_are_hidden_with_the_reason() -> None:
    events = [event("c1", kind, days=days, number=days) for days, kind in enumerate(KINDS)]
    figures = bank_of_events(events, smallest_cell=20).figures(buckets=1)
    shown = {name: table.to_pylist() for name, table in figures.items()}
    assert {row["customers"] for rows in shown.values() for row in rows} <= {None, 0}
    assert {row["share"] for row in shown["funnel"]} == {None}
    assert {row[NOTE] for row in shown["funnel"]} == {"fewer than 20 customers"}


def test_scores_are_hidden_one_by_one_where_too_few_have_answered() -> None:
    events = [event(f"c{number}", "service_call", days=150, product=None) for number in range(30)]
    events += [event(f"c{number}", "nps_answer", days=151, product=None, amount=9.0) for number in range(25)]
    events += [event(f"c{number}", "csat_answer", days=151, number=1, product=None, amount=2.0) for number in range(5)]
    rows = bank_of_events(events, smallest_cell=20).rows("experience_map")
    [row] = [row for row in rows if (row["group"], row["stage"]) == ("service_call", "all")]
    assert (row["contacts"], row["nps"], row["nps_answers"]) == (30, 100.0, 25)
    assert (row["csat"], row["csat_answers"]) == (None, None)


def test_an_answer_off_its_scale_does_not_count() -> None:
    events = [
        event("c1", "nps_answer", days=151, number=n, amount=a) for n, a in enumerate([11.0, -1.0, 7.5, None, 10.0])
    ]
    rows = bank_of_events(events).rows("experience_map")
    assert [row["nps_answers"] for row in rows if (row["grouping"], row["stage"]) == ("all", "all")] == [1]


def test_a_segment_that_became_unknown_is_none() -> None:
    known = event("c1", ATTRIBUTES_TYPE, days=0, product=None, properties={"segment": "student"})
    gone = event("c1", ATTRIBUTES_TYPE, days=1, number=1, product=None, properties={"segment": ""})
    other = event("c2", ATTRIBUTES_TYPE, days=1, product=None, properties={"segment": "senior"})
    views = [event(customer, "product_viewed", days=2, number=2) for customer in ("c1", "c2", "c3")]
    rows = bank_of_events([known, gone, other, *views]).rows("funnel")
    found = {row["group"]: row["journeys"] for row in rows if row["grouping"] == "segment"}
    assert found == {"none": 2, "senior": 1}


def test_who_goes_on_in_another_channel_is_found_behind_visits_to_the_same_one() -> None:
    events = [
        event("c1", "product_viewed", days=0),
        event("c1", "app_login", days=2, number=1, product=None),
        event("c1", "branch_visit", days=4, number=2, product=None, channel="branch"),
        event("c2", "product_viewed", days=0),
        event("c2", "app_login", days=2, number=1, product=None),
        event("c3", "product_viewed", days=0),
    ]
    rows = bank_of_events(events).rows("broken_journeys")
    assert {row["then"]: row["days_until"] for row in rows} == {
        "branch": 4.0,
        "same channel": 2.0,
        "silent": None,
    }


def test_an_erased_customer_is_in_no_figure(tmp_path: Path, bank: JourneyBank) -> None:
    log = EventLog(tmp_path / "log", buckets=1)
    log.append(bank.events)
    erase_customer(log.folder, "c7")
    remaining = JourneyBank(log.read_bucket(0), bank.stages, bank.context)  # the stages still name the customer
    without = bank_of_events(bank.events.filter(pc.not_equal(bank.events["customer_id"], "c7")))
    assert remaining.figures(buckets=1) == without.figures(buckets=1)
    assert remaining.figures(buckets=1) != bank.figures(buckets=1)


def test_sizes_before_hiding_are_kept_apart_from_those_that_are_shown() -> None:
    bank = random_bank(5, customers=30, events=1_500, smallest_cell=20)
    shown = bank.rows("stage_sizes")
    histories = Histories(bank.events, bank.stages, bank.context)
    exact = stage_sizes(FIGURES["stage_flows"].count(histories), bank.context)
    assert [row["customers"] for row in exact if row["customers"] >= 20] == [
        row["customers"] for row in shown if row["customers"]
    ]
    assert any(0 < row["customers"] < 20 for row in exact)


def test_events_that_are_not_available_yet_do_not_count() -> None:
    late = event("c1", "product_viewed", days=3)
    late = Event(**{**asdict(late), "available_at": AS_OF})
    assert len(bank_of_events([late]).figures(buckets=1)["funnel"]) == 0
