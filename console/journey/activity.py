"""Activity: active customers, retention, products held together, and channel after channel."""

from __future__ import annotations

from datetime import date
from typing import Final

from charts.areas import stacked_areas
from console.journey.view import Block, View, marks_on, matrix, rows_of, shares, with_note
from console.languages import N_
from console.page import Visit
from console.tables import Column, Table
from journeys.figure import NOTE
from journeys.files import JourneyFigures

DAYS_DRAWN: Final = 91
"""More days are a solid block; the data below the page have all."""

COHORTS: Final = 12


def view(figures: JourneyFigures, visit: Visit) -> View:
    """Return active customers, retention, cross-sell, channel switches and referrals."""
    blocks = (
        *_active(figures, visit),
        _retention(figures, visit),
        _cross_sell(figures, visit),
        _switches(figures, visit),
        _next_products(figures, visit),
        _referral(figures, visit),
    )
    return View(blocks, ("active_customers", "retention", "cross_sell", "channel_switches", "referral"))


def _active(figures: JourneyFigures, visit: Visit) -> tuple[Block, Block]:
    texts, rows = visit.texts, rows_of(figures, "active_customers", visit.texts)
    days, months = ([row for row in rows if row["grain"] == grain] for grain in ("day", "month"))
    days = days[-DAYS_DRAWN:]
    numbers = (
        Column("customers", texts("Customers"), "count", bar=True, before="customers_before"),
        Column("activities", texts("Activities"), "count"),
    )
    day, month = Column("period", texts("Day")), Column("period", texts("Month"), "month")
    empty = figures.reasons.get("active_customers", "")
    by_day = Table(
        "active_by_day", texts("Active customers by day"), with_note((day, *numbers), days, texts), days, empty
    )
    by_month = Table(
        "active_by_month",
        texts("Active customers by month"),
        with_note((month, *numbers), months, texts),
        months[::-1],
        empty,
    )
    if not days:
        return Block(by_day), Block(by_month)
    begun = [date.fromisoformat(row["period"]) for row in days]
    marks, said = marks_on(begun, figures, visit)
    active = {texts("active"): [row["customers"] for row in days]}
    chart = stacked_areas([texts.day(day) for day in begun], active, by_day.caption, texts.short, marks)
    last = days[-1]
    summary = texts(
        "{n} customers were active on {day}.",
        n=texts.number(last["customers"]),
        day=texts.date(begun[-1]),
    )
    if last["customers_before"] is not None:
        before = texts("{n} were on the same day a week before.", n=texts.number(last["customers_before"]))
        summary = f"{summary} {before}"
    summary = f"{summary} {said}".rstrip()
    return Block(by_day, chart, summary), Block(by_month, explained=texts("Below each the month before."))


def _retention(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "retention", visit.texts)
    cohorts = list(dict.fromkeys(row["cohort"] for row in rows))[-COHORTS:]
    cells: dict[str, dict[str, float | None]] = {cohort: {} for cohort in cohorts}
    for row in rows:
        if row["cohort"] in cells and row["months_since"] < COHORTS and row[NOTE] is None:
            cells[row["cohort"]][str(row["months_since"])] = row["share"]
    cells = {cohort: known for cohort, known in cells.items() if known}
    months = sorted({month for shares_ in cells.values() for month in shares_}, key=int)
    columns = {month: Column(month, texts.number(int(month)), "share", shade=1.0) for month in months}
    table = matrix(("retention_by_cohort", texts("Retention")), texts("Began in"), cells, columns, kind="month")
    words = N_("Share of customers active so many months after their first activity; months that are not over are left "
               "out.")  # fmt: skip
    return Block(table, explained=texts(words), wide=True)


def _cross_sell(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "cross_sell", visit.texts)
    products = sorted({row["product"] for row in rows})
    cells: dict[str, dict[str, float | None]] = {product: {} for product in products}
    before: dict[str, dict[str, float | None]] = {product: {} for product in products}
    for row in rows:
        if row["product"] != row["other"]:
            cells[row["product"]][row["other"]] = row["share"]
            before[row["product"]][row["other"]] = row["share_before"]
    names = ("held_together", texts("Products held together"))
    table = matrix(names, texts("Holders of"), cells, shares(products, texts, compared=True), before)
    days = texts.number(visit.service.engine.bank.analytics.period_days)
    words = N_("Share of a product's holders who hold the other; below it that of {n} days before.")
    return Block(table, explained=texts(words, n=days), wide=True)


def _next_products(figures: JourneyFigures, visit: Visit) -> Block:
    texts = visit.texts
    rows = [row for row in rows_of(figures, "cross_sell", texts) if row["product"] != row["other"]]
    rows = sorted((row for row in rows if row["opened_next"]), key=lambda row: -row["opened_next"])
    columns = (
        Column("product", texts("Product"), "name"),
        Column("other", texts("Opened next"), "name"),
        Column("opened_next", texts("Customers"), "count", bar=True),
        Column("days_to_next", texts("Days until then"), "tenth"),
    )
    return Block(Table("opened_next", texts("What is opened next"), with_note(columns, rows, texts), rows))


def _switches(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "channel_switches", visit.texts)
    # hidden pairs have a note too: a month is complete if any of its rows is without one
    month = max((row["month"] for row in rows if row[NOTE] is None), default=None)
    cells: dict[str, dict[str, float | None]] = {}
    before: dict[str, dict[str, float | None]] = {}
    for row in rows:
        if row["month"] == month:
            cells.setdefault(row["from_channel"], {})[row["to_channel"]] = row["share"]
            before.setdefault(row["from_channel"], {})[row["to_channel"]] = row["share_before"]
    channels = sorted({*cells, *(channel for one in cells.values() for channel in one)})
    caption = (
        texts("Channel after channel")
        if month is None
        else texts("Channel after channel, {month}", month=texts.month_of(month))
    )
    columns = shares(channels, texts, compared=True)
    table = matrix(("channel_after_channel", caption), texts("From"), dict(sorted(cells.items())), columns, before)
    words = N_("Where customers are active next, below it the month before; a dash is hidden: too few customers.")
    return Block(table, explained=texts(words), wide=True)


def _referral(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "referral", visit.texts)
    columns = (
        Column("month", texts("Month"), "month"),
        Column("channel", texts("Channel"), "name"),
        Column("customers", texts("Customers"), "count"),
        Column("referrals", texts("Referrals"), "count", bar=True, before="referrals_before"),
    )
    empty = figures.reasons.get("referral", "")
    return Block(Table("referrals", texts("Referrals"), with_note(columns, rows, texts), rows, empty))
