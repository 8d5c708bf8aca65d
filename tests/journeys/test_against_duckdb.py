"""Every journey figure equals what DuckDB computes over the whole log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks import journey_sql as oracle
from benchmarks.journey_sql import Oracle, broken_query, funnel_query
from events.vocabulary import EventType
from tests.journeys.build import DEMO, JourneyBank, random_bank

Row = dict[str, Any]


@pytest.fixture(scope="module", params=[1, 2])
def bank(request: pytest.FixtureRequest) -> JourneyBank:
    made = random_bank(request.param)
    types = dict(made.context.vocabulary.types)
    types["branch_visit"] = EventType(description="Came with a friend", groups=("activity", "referral"))
    return replace(made, context=replace(made.context, vocabulary=replace(DEMO.vocabulary, types=types)))


@pytest.fixture(scope="module")
def figures(bank: JourneyBank) -> dict[str, list[Row]]:
    return {name: table.to_pylist() for name, table in bank.figures().items()}


@pytest.fixture(scope="module")
def duckdb(bank: JourneyBank) -> Oracle:
    return Oracle(bank.events, bank.stages, bank.context)


def assert_same(shown: list[Row], expected: list[Row], keys: tuple[str, ...]) -> None:
    """The columns of the query are the same in the figure, and no row is missing or too many."""
    found = {tuple(str(row[key]) for key in keys): row for row in shown}
    wanted = {tuple(str(row[key]) for key in keys): row for row in expected}
    assert len(found) == len(shown)
    assert found.keys() == wanted.keys()
    assert wanted, "nothing was compared"
    for key, row in wanted.items():
        for name, value in row.items():
            if isinstance(value, float):
                assert found[key][name] == pytest.approx(value, rel=1e-9), (key, name)
            elif name not in keys:
                assert found[key][name] == value, (key, name)


@pytest.mark.parametrize(
    ("figure", "sql", "keys"),
    [
        ("stage_sizes", oracle.STAGE_SIZES, ("day", "stage")),
        ("stage_flows", oracle.STAGE_FLOWS, ("day", "from_stage", "to_stage")),
        ("stage_months", oracle.STAGE_MONTHS, ("month", "from_stage", "to_stage")),
        ("time_in_stage", oracle.TIME_IN_STAGE, ("stage",)),
        ("before_leaving", oracle.BEFORE_LEAVING, ("target", "event")),
        ("moments_of_truth", oracle.MOMENTS, ("resolved", "answer")),
        ("active_customers", oracle.ACTIVE, ("grain", "period")),
        ("retention", oracle.RETENTION, ("cohort", "months_since")),
        ("channel_switches", oracle.SWITCHES_BEFORE, ("month", "from_channel", "to_channel")),
        ("referral", oracle.REFERRAL, ("month", "channel")),
    ],
)
def test_a_figure_is_what_duckdb_says(
    figure: str, sql: str, keys: tuple[str, ...], figures: dict[str, list[Row]], duckdb: Oracle
) -> None:
    assert_same(figures[figure], duckdb.rows(sql), keys)


def test_scores_and_complaints_are_what_duckdb_says(figures: dict[str, list[Row]], duckdb: Oracle) -> None:
    rows = duckdb.rows(oracle.EXPERIENCE)
    latest = [
        {name: value for name, value in row.items() if name != "period"} for row in rows if row["period"] == "latest"
    ]
    assert_same(figures["experience_map"], latest, CELL)
    before = {tuple(row[key] for key in CELL): row for row in rows if row["period"] == "before"}
    for row in figures["experience_map"]:
        expected = before.get(tuple(row[key] for key in CELL), {})
        for name in ("contacts", "nps", "csat", "complaints", "days_to_resolve"):
            assert row[f"{name}_before"] == pytest.approx(expected.get(name)), name


CELL = ("grouping", "group", "stage")


@pytest.mark.parametrize(
    ("grouping", "group"),
    oracle.GROUPS_OF_FUNNELS.items(),
)
def test_funnels_are_what_duckdb_says(grouping: str, group: str, figures: dict[str, list[Row]], duckdb: Oracle) -> None:
    shown = [row for row in figures["funnel"] if row["grouping"] == grouping]
    expected = duckdb.rows(funnel_query(duckdb, group))
    assert_same(shown, expected, FUNNEL)


FUNNEL = ("product", "month", "group", "step")


def test_broken_journeys_are_what_duckdb_says(figures: dict[str, list[Row]], duckdb: Oracle) -> None:
    assert_same(
        figures["broken_journeys"], duckdb.rows(broken_query(duckdb)), ("product", "month", "step", "channel", "then")
    )


def test_products_are_what_duckdb_says(figures: dict[str, list[Row]], duckdb: Oracle) -> None:
    assert_same(figures["cross_sell"], duckdb.rows(oracle.CROSS_SELL), ("product", "other"))
