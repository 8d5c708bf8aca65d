"""Stages: how many customers are in each, where they go, how long they stay, and what precedes leaving."""

from __future__ import annotations

from datetime import date
from typing import Final

from charts.areas import stacked_areas
from charts.bars import Bar, bars
from charts.sankey import Flow, sankey
from console.journey.view import STAGES, Behind, Block, Row, View, marks_on, rows_of, with_note
from console.languages import N_
from console.page import Visit
from console.tables import Column, Table
from journeys.files import JourneyFigures
from journeys.stages import telling_events

MONTHS: Final = 4
MOST_EVENTS: Final = 12
_RISING, _FALLING = 2, 1

LEAVING: Final = {"dormant": N_("What precedes dormancy"), "lost": N_("What precedes loss")}


def view(figures: JourneyFigures, visit: Visit) -> View:
    """Return sizes, flows, time in stage, and what precedes dormancy and loss."""
    blocks = (
        _sizes(figures, visit),
        _flows(figures, visit),
        _times(figures, visit),
        *(_before(figures, visit, target) for target in LEAVING),
    )
    names = ("stage_sizes", "stage_flows", "stage_months", "time_in_stage", "before_leaving")
    return View(blocks, names, audiences=_audiences(figures, visit))


def _audiences(figures: JourneyFigures, visit: Visit) -> tuple[Behind, ...]:
    rows = rows_of(figures, "stage_sizes", visit.texts)
    return tuple(
        Behind(visit.texts.name(row["stage"]), row["customers"], {"stage": row["stage"], "day": row["day"]})
        for row in rows
        if row["day"] == rows[-1]["day"] and row["stage"] in STAGES and row["customers"]
    )


def _sizes(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "stage_sizes", visit.texts)
    days = list(dict.fromkeys(row["day"] for row in rows))
    found = {(row["day"], row["stage"]): row["customers"] for row in rows}
    series = {texts.name(stage): [found.get((day, stage)) for day in days] for stage in STAGES}
    latest = [row for row in rows if row["day"] == days[-1]] if days else []
    columns = (
        Column("stage", texts("Stage"), "name"),
        Column("customers", texts("Customers"), "count", bar=True),
        Column("share", texts("Share"), "share"),
    )
    table = Table("sizes_now", texts("Customers in each stage"), with_note(columns, latest, texts), latest)
    if not days:
        return Block(table)
    largest = max(latest, key=lambda row: row["customers"] or 0)
    summary = texts(
        "On {day}, most customers are in the stage {stage}: {share}.",
        day=texts.date(date.fromisoformat(days[-1])),
        stage=texts.name(largest["stage"]),
        share=texts.percent(largest["share"], 0),
    )
    begun = [date.fromisoformat(day) for day in days]
    labels = [texts.month(day) for day in begun]
    marks, said = marks_on(begun, figures, visit)
    return Block(table, stacked_areas(labels, series, table.caption, texts.short, marks), f"{summary} {said}".rstrip())


def _flows(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "stage_months", visit.texts)
    months = sorted({row["month"] for row in rows})[-MONTHS:]
    shown = [row for row in rows if row["month"] in months]
    columns = (
        Column("month", texts("Month"), "month"),
        Column("from_stage", texts("From"), "name"),
        Column("to_stage", texts("To"), "name"),
        Column("customers", texts("Customers"), "count", bar=True),
        Column("share", texts("Share"), "share"),
    )
    table = Table("flows", texts("Flow between stages"), with_note(columns, shown, texts), shown)
    if not months:
        return Block(table)
    names = {stage: texts.name(stage) for stage in STAGES} | {"none": texts("new")}
    drawn = [
        Flow(months.index(row["month"]), names[row["from_stage"]], names[row["to_stage"]], float(row["customers"]))
        for row in shown
        if row["customers"]
    ]
    begun = [date.fromisoformat(f"{month}-01") for month in months]
    labels = [texts.month_name(month) for month in begun]
    moved = sum(row["customers"] or 0 for row in shown if row["month"] == months[-1] and _moves(row))
    summary = texts(
        "In {month}, {n} customers changed their stage. From the beginning of each month to the next; flows of few "
        "are not drawn.",
        month=texts.month(begun[-1]),
        n=texts.number(moved),
    )
    chart = sankey([*labels, texts("end")], list(names.values()), drawn, table.caption, texts.number)
    return Block(table, chart, summary)


def _moves(row: Row) -> bool:
    return row["from_stage"] not in {row["to_stage"], "none"}


def _times(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "time_in_stage", visit.texts)
    columns = (
        Column("stage", texts("Stage"), "name"),
        Column("customers", texts("Customers"), "count"),
        Column("stays_ended", texts("Stays ended"), "count"),
        Column("stays_going_on", texts("Still going on"), "count"),
        Column("days_quarter", texts("A quarter left after days"), "count"),
        Column("days_median", texts("Half"), "count", bar=True),
        Column("days_three_quarters", texts("Three quarters"), "count"),
    )
    table = Table("times", texts("Time in stage"), with_note(columns, rows, texts), rows)
    return Block(table, explained=texts("Estimated with the stays that still go on."), wide=True)


def _before(figures: JourneyFigures, visit: Visit, target: str) -> Block:
    texts = visit.texts
    rows = [row for row in rows_of(figures, "before_leaving", texts) if row["target"] == target]
    drawn = [
        Bar(
            label=texts.name(row["event"]),
            value=row["relative_risk"],
            text=texts("{n} times", n=texts.number(row["relative_risk"], 2)),
            colour=_RISING if row["relative_risk"] > 1 else _FALLING,
        )
        for row in telling_events(rows, target, MOST_EVENTS)
    ]
    columns = (
        Column("event", texts("Event"), "name"),
        Column("customers", texts("Customers"), "count"),
        Column("share_after", texts("Move after a month with it"), "share"),
        Column("share_otherwise", texts("Move otherwise"), "share"),
        Column("relative_risk", texts("Times as often"), "number"),
        Column("low", texts("At least"), "number"),
        Column("high", texts("At most"), "number"),
    )
    table = Table(f"before_{target}", texts(LEAVING[target]), with_note(columns, rows, texts), rows)
    if not drawn:
        return Block(table)
    words = N_("How many times as often customers move after a month with the event, where it surely differs.")
    return Block(table, bars(drawn, table.caption), texts(words))
