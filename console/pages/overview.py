"""The overview: what was presented and accepted, what budgets cost, and what changed when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from console.access import Permission
from console.attention import alarms, paused, watched
from console.languages import N_, Texts
from console.marks import Mark, marks_of, placed
from console.page import Content, Page, Visit
from console.readings import last_readings
from console.tables import Column, Table
from console.time_chart import Point, time_chart
from decisioning.budgets.period import share_of_period_gone
from serving.figures.acceptance import DateSpan, acceptance, last_day, last_matured_day
from serving.figures.daily_responses import Group
from serving.figures.files import read_daily_responses, read_last_run
from serving.service.budgets import remaining

PERIODS: Final = ("91", "28", "365")
MOST_DAYS_DRAWN: Final = 40
"""A longer period is drawn by week."""
_WEEK: Final = 7
GROUPS: Final = tuple(group.value for group in Group)

_KEYS: Final = (("by_offer", "offer"), ("by_stage", "stage"), ("by_channel", "channel"))


def content(visit: Visit) -> Content:
    """Return the figures of a group of contacts and a period; the period ends with the last day that has figures."""
    texts, sources = visit.texts, visit.sources
    whole, until = read_daily_responses(sources.figures)
    days, group = int(visit.choice("days", PERIODS)), visit.choice("group", GROUPS)
    last = read_last_run(sources.last_run)
    marks = marks_of(visit)
    newest = last_day(whole)
    matured = last_matured_day(whole)
    period = None if newest is None else DateSpan.ending(newest, days)
    table = whole.slice(0, 0) if period is None else period.of(whole)
    chosen = table.filter(pc.equal(table["group"], group))
    before = whole.slice(0, 0) if period is None else period.before().of(whole)
    chosen_before = before.filter(pc.equal(before["group"], group))
    over_time, points = _over_time(chosen, period, texts)
    tables = (
        _by_group(table, before, texts),
        over_time,
        *(_by(chosen, chosen_before, name, key, texts) for name, key in _KEYS),
        _budgets(visit, last),
        _changes(marks, texts),
    )
    readings = last_readings(sources.figures, texts)
    at = {} if period is None else placed(marks, [point.day for point in points], period.last)
    return Content(
        tables,
        {
            "days": str(days),
            "group": group,
            "groups": [(name, texts.name(name)) for name in GROUPS],
            "periods": [(one, texts("{n} days", n=texts.number(int(one)))) for one in sorted(PERIODS, key=int)],
            "until": until,
            "period": period,
            "matured": matured,
            "chart": time_chart(points, at, texts) if points else "",
            "summary": _summary(points, texts),
            "stages": _whole_bank(last),
            "alarms": [*paused(visit), *alarms(last, texts)],
            "lights": readings.lights if readings.as_of else {},
            "watched": watched(readings, texts),
            "may_see_health": visit.person.may(Permission.OPERATIONS),
        },
    )


def _by_group(table: pa.Table, before: pa.Table, texts: Texts) -> Table:
    earlier = {row["group"]: row for row in acceptance(before, ["group"])}
    rows = {row["group"]: row for row in acceptance(table, ["group"])}
    listed = [{**rows[name], "rate_before": earlier.get(name, {}).get("rate")} for name in GROUPS if name in rows]
    columns = (
        Column("group", texts("Contacts"), "name"),
        Column("presented", texts("Presented"), "count"),
        Column("matured", texts("Matured"), "count"),
        Column("accepted", texts("Accepted"), "count"),
        Column("rate", texts("Acceptance rate"), "share", interval=("low", "high")),
        Column("rate_before", texts("Period before"), "share"),
    )
    return Table("by_group", texts("Who came to whom"), columns, listed, texts("Nothing was presented in this period."))


def _by(table: pa.Table, before: pa.Table, name: str, key: str, texts: Texts) -> Table:
    heading = {"offer": N_("Offer"), "stage": N_("Stage"), "channel": N_("Channel")}[key]
    caption = {"offer": N_("By offer"), "stage": N_("By stage"), "channel": N_("By channel")}[key]
    earlier = {row[key]: row for row in acceptance(before, [key])}
    found = sorted(acceptance(table, [key]), key=lambda row: -row["presented"])
    rows = [
        {
            **row,
            "presented_before": earlier.get(row[key], {}).get("presented", 0),
            "rate_before": earlier.get(row[key], {}).get("rate"),
        }
        for row in found
    ]
    columns = (
        Column(key, texts(heading), "name"),
        Column("presented", texts("Presented"), "count", bar=True),
        Column("accepted", texts("Accepted"), "count"),
        Column("rate", texts("Acceptance rate"), "share", interval=("low", "high")),
        Column("rate_before", texts("Period before"), "share"),
    )
    return Table(name, texts(caption), columns, rows, texts("Nothing was presented in this period."))


def _over_time(table: pa.Table, period: DateSpan | None, texts: Texts) -> tuple[Table, list[Point]]:
    length = _WEEK if period is not None and period.days > MOST_DAYS_DRAWN else 1
    rows = []
    if period is not None and len(table):
        begins = [period.first + timedelta(days=at) for at in range(0, period.days, length)]
        since = pc.subtract(table["day"].cast(pa.int32()), pa.scalar(period.first).cast(pa.int32()))
        starts = pa.array(begins, pa.date32()).take(pc.divide(since, length).combine_chunks())
        counted = {row["day"]: row for row in acceptance(table.set_column(0, "day", starts), ["day"])}
        nothing = {"presented": 0, "matured": 0, "accepted": 0, "rate": None, "low": None, "high": None}
        rows = [{**nothing, **counted.get(day, {}), "day": day} for day in begins]
        young = False
        for row in rows:
            # a later day with short windows alone is not compared with the days before it
            row["young"] = young = young or row["matured"] < row["presented"]
            if row["young"]:
                row |= {"rate": None, "low": None, "high": None}
    points = [
        Point(
            day=row["day"],
            count=row["presented"],
            rate=row["rate"],
            low=row["low"],
            high=row["high"],
            young=row["young"],
        )
        for row in rows
    ]
    columns = (
        Column("day", texts("Day") if length == 1 else texts("Week from"), "date"),
        Column("presented", texts("Presented"), "count"),
        Column("matured", texts("Matured"), "count"),
        Column("accepted", texts("Accepted"), "count"),
        Column("rate", texts("Acceptance rate"), "share", interval=("low", "high")),
    )
    caption = texts("Acceptance rate and impressions over time")
    return Table("over_time", caption, columns, rows, texts("Nothing was presented in this period.")), points


def _summary(points: Sequence[Point], texts: Texts) -> str:
    """Say in words what the chart shows."""
    rated = [point for point in points if point.rate is not None]
    shown = sum(point.count for point in points)
    parts = [texts.plural("{n} impression.", "{n} impressions.", shown)]
    if rated:
        low, high = min(rated, key=lambda one: one.rate or 0.0), max(rated, key=lambda one: one.rate or 0.0)
        message = N_(
            "The acceptance rate was lowest from {low_day} ({low}) and highest from {high_day} ({high}); "
            "the band is its 95 % interval."
        )
        days = {"low_day": texts.date(low.day), "high_day": texts.date(high.day)}
        parts.append(texts(message, low=texts.percent(low.rate), high=texts.percent(high.rate), **days))
    young = [point.day for point in points if point.young]
    if young:
        message = N_("Grey from {day}: response windows are still open, so these days have no rate yet.")
        parts.append(texts(message, day=texts.date(young[0])))
    return " ".join(parts)


def _budgets(visit: Visit, last: Mapping[str, Any]) -> Table:
    texts, service = visit.texts, visit.service
    engine, now = service.engine, service.clock.now()
    left = remaining(service.database, engine.decider.policy, now)
    prices = engine.paced.now(left, now)
    local = now.astimezone(engine.bank.time_zone)
    rows = []
    for budget in engine.bank.budgets:
        spent = budget.amount - left[budget.name]
        gone = share_of_period_gone(budget, local)
        price = prices.get(budget.name, 0.0)
        rows.append(
            {
                "budget": budget.name,
                "description": budget.description,
                "period": budget.period,
                "amount": budget.amount,
                "used": spent,
                "share_used": spent / budget.amount if budget.amount else None,
                "share_of_period": gone,
                "unit": budget.unit,
                "price": price,
                "in_words": _in_words(price, budget.unit, texts),
            }
        )
    columns = (
        Column("budget", texts("Budget"), "name"),
        Column("used", texts("Used"), "number"),
        Column("amount", texts("Of"), "number"),
        Column("share_used", texts("Share used"), "share", bar=True),
        Column("share_of_period", texts("Period gone"), "share"),
        Column("in_words", texts("What one more unit would bring")),
    )
    return Table("budgets", texts("Budgets now"), columns, rows, texts("This bank has no budgets."))


def _in_words(price: float, unit: str, texts: Texts) -> str:
    if price <= 0:
        return texts("nothing: there is enough of it")
    return texts("{amount} of expected value for each of {unit}", amount=texts.money(price, 2), unit=unit)


def _changes(marks: Sequence[Mark], texts: Texts) -> Table:
    rows = [asdict(one) for one in marks]
    columns = (
        Column("number", texts("Mark")),
        Column("day", texts("First run"), "date"),
        Column("what", texts("What changed")),
        Column("before", texts("Before"), "digest"),
        Column("after", texts("After"), "digest"),
    )
    return Table("changes", texts("What changed when"), columns, rows[::-1], texts("Nothing has changed between runs."))


def _whole_bank(last: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the row for all customers of the last run; None before the first one."""
    decisions = last.get("decisions")
    if decisions is None:
        return None
    row: dict[str, Any] = next((row for row in decisions["stages"] if row["stage"] == "all"), {})
    return {**row, "day": date.fromisoformat(decisions["as_of"][:10])} if row else None


PAGE: Final = Page(name="overview", title=N_("Overview"), permission=Permission.FIGURES, order=10, content=content)
