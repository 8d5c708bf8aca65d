"""Funnels: how far product journeys get, where they break, and what customers do then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from charts.bars import Bar, bars
from console.journey.view import Behind, Block, Chosen, Row, View, matrix, rows_of, shares, with_note
from console.languages import N_
from console.page import Visit
from console.tables import Column, Table
from journeys.figure import NOTE
from journeys.files import JourneyFigures

MONTHS: Final = 6
MOST_BROKEN: Final = 25
ALL: Final = "all"

HEADINGS: Final = {"channel": N_("Channel"), "segment": N_("Segment")}


def view(figures: JourneyFigures, visit: Visit) -> View:
    """Return the funnel of a product in a month, by channel and segment, and its broken journeys."""
    texts, rows = visit.texts, rows_of(figures, "funnel", visit.texts)
    products = tuple(sorted({row["product"] for row in rows}))
    if not products:
        return View((Block(_steps([], visit)),), ("funnel", "broken_journeys"))
    product = visit.choice("product", products)
    own = [row for row in rows if row["product"] == product]
    months = sorted({row["month"] for row in own})[-MONTHS:]
    complete = [row["month"] for row in own if row["grouping"] == ALL and row[NOTE] is None and row["share"]]
    usual = max((month for month in months if month in complete), default=months[-1])
    month = visit.choice("month", (usual, *months))
    own = [row for row in own if row["month"] == month]
    steps = [row for row in own if row["grouping"] == ALL]
    groupings = [one for one in dict.fromkeys(row["grouping"] for row in own) if one != ALL]
    blocks = [_funnel(steps, visit)]
    for grouping in groupings:
        some = [row for row in own if row["grouping"] == grouping]
        blocks += [_by_group(some, grouping, number, visit) for number in ("share", "drop_off")]
    blocks.append(_broken(figures, product, month, visit))
    choices = (
        Chosen("product", texts("Product"), tuple((one, texts.name(one)) for one in products), product),
        Chosen("month", texts("Begun in"), tuple((one, _month(one, visit)) for one in months), month),
    )
    audiences = tuple(
        Behind(
            texts("Stopped at {step}", step=texts.name(row["step"])),
            row["stopped"],
            {"product": product, "month": month, "step": row["step"]},
        )
        for row in steps
        if row["stopped"]
    )
    return View(tuple(blocks), ("funnel", "broken_journeys"), choices, audiences)


def _steps(rows: Sequence[Row], visit: Visit) -> Table:
    texts = visit.texts
    columns = (
        Column("step", texts("Step"), "name"),
        Column("journeys", texts("Journeys"), "count", bar=True),
        Column("share", texts("Share"), "share"),
        Column("share_before", texts("Month before"), "share"),
        Column("drop_off", texts("Drop-off"), "share"),
        Column("stopped", texts("Stopped"), "count"),
        Column("under_way", texts("Under way"), "count"),
        Column("days_to_next", texts("Days to the next step"), "tenth"),
    )
    empty = texts("No product journey has begun yet.")
    return Table("steps", texts("How far journeys get"), with_note(columns, rows, texts), rows, empty)


def _funnel(rows: Sequence[Row], visit: Visit) -> Block:
    texts, table = visit.texts, _steps(rows, visit)
    drawn = [
        Bar(
            label=texts.name(row["step"]),
            value=row["share"],
            text=texts("few")
            if row["share"] is None
            else texts("{share}, {n}", share=texts.percent(row["share"], 0), n=texts.number(row["journeys"])),
        )
        for row in rows
    ]
    worst = max((row for row in rows if row["drop_off"] is not None), key=lambda row: row["drop_off"], default=None)
    notes = [row[NOTE] for row in rows if row[NOTE]]
    if notes:
        summary = notes[0][:1].upper() + notes[0][1:] + texts(".")
    elif worst is None:
        summary = texts("Nothing has ended yet.")
    else:
        summary = texts(
            "Most are lost after {step}: {share} go no further.",
            step=texts.name(worst["step"]),
            share=texts.percent(worst["drop_off"], 0),
        )
    return Block(table, bars(drawn, table.caption, 1.0), summary, wide=True)


def _by_group(rows: Sequence[Row], grouping: str, number: str, visit: Visit) -> Block:
    texts = visit.texts
    steps = dict.fromkeys(row["step"] for row in rows)
    captions = {
        ("channel", "share"): N_("Steps reached, by channel"),
        ("channel", "drop_off"): N_("Drop-off per step, by channel"),
        ("segment", "share"): N_("Steps reached, by segment"),
        ("segment", "drop_off"): N_("Drop-off per step, by segment"),
    }
    cells: dict[str, dict[str, float | None]] = {}
    for row in rows:
        cells.setdefault(row["group"], {})[row["step"]] = row[number]
    columns = shares(steps if number == "share" else list(steps)[:-1], texts)
    names = (f"{number}_by_{grouping}", texts(captions[grouping, number]))
    table = matrix(names, texts(HEADINGS[grouping]), cells, columns)
    hidden = any(row[NOTE] for row in rows)
    return Block(table, explained=texts("A dash is hidden, or too young to count.") if hidden else "")


def _broken(figures: JourneyFigures, product: str, month: str, visit: Visit) -> Block:
    texts = visit.texts
    rows = [
        row for row in rows_of(figures, "broken_journeys", texts) if row["product"] == product and row["month"] == month
    ]
    seen = sorted((row for row in rows if row["journeys"] is not None), key=lambda row: -row["journeys"])[:MOST_BROKEN]
    columns = (
        Column("step", texts("Stopped at"), "name"),
        Column("channel", texts("Channel"), "name"),
        Column("then", texts("What came then"), "name"),
        Column("journeys", texts("Journeys"), "count", bar=True),
        Column("share", texts("Share of those that stopped there"), "share"),
        Column("days_tried", texts("Days tried"), "tenth"),
        Column("days_until", texts("Days until then"), "tenth"),
        Column("stopped_before", texts("Stopped there a month before"), "count"),
    )
    hidden = sum(row["journeys"] is None for row in rows)
    explained = texts.plural("{n} row is hidden: too few customers.", "{n} rows are hidden: too few customers.", hidden)
    empty = texts("No journey of this month broke, or only those of few customers.")
    table = Table("broken", texts("Where journeys break"), with_note(columns, seen, texts), seen, empty)
    return Block(table, explained=explained if hidden else "", wide=True)


def _month(month: str, visit: Visit) -> str:
    return visit.texts.month(date.fromisoformat(f"{month}-01"))
