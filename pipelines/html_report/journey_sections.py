"""Sections of the report about customers' journeys: stages, funnels, experience, activity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from charts.areas import stacked_areas
from charts.bars import Bar, bars
from charts.sankey import Flow, sankey
from charts.tables import heat_table, table
from domain.journey import Stage
from journeys.files import JourneyFigures
from journeys.stages import telling_events
from pipelines.html_report.card import Card
from pipelines.html_report.run_sections import percent
from pipelines.markdown import cell

_STAGES = tuple(stage.value for stage in Stage)
_MONTHS = 4
_COHORTS = 12
_MOST = 10

Row = dict[str, Any]


def stage_cards(figures: JourneyFigures) -> list[Card]:
    """Show stage sizes, flows between months, time in stage, and what precedes dormancy and loss."""
    sizes = figures.table("stage_sizes").to_pylist()
    if not sizes:
        return []
    days = list(dict.fromkeys(row["day"] for row in sizes))
    series = {
        stage: [row["customers"] for row in sizes if row["stage"] == stage]
        for stage in _STAGES
        if any(row["stage"] == stage for row in sizes)
    }
    labels = [f"{date.fromisoformat(day):%b %Y}" for day in days]
    latest = [row for row in sizes if row["day"] == days[-1]]
    cards = [
        Card(
            "Customers in each stage",
            stacked_areas(labels, series, "Customers in each lifecycle stage over time"),
            details=table([_without(row, "note") for row in latest], cell),
        )
    ]
    flows = figures.table("stage_months").to_pylist()
    months = sorted({row["month"] for row in flows})[-_MONTHS:]
    if months:
        drawn = [
            Flow(months.index(row["month"]), row["from_stage"], row["to_stage"], float(row["customers"]))
            for row in flows
            if row["month"] in months and row["customers"]
        ]
        columns = [*months, "end"]
        title = f"Flow between stages, {months[0]} to {months[-1]}"
        content = sankey(columns, [*_STAGES, "none"], drawn, title)
        words = "From the beginning of each month to the next; “none” are new customers. Flows of few are not drawn."
        shown = [row for row in flows if row["month"] == months[-1]]
        cards.append(Card(title, content, words, details=table(shown, cell)))
    stays = [_without(row, "note") for row in figures.table("time_in_stage").to_pylist()]
    cards.append(Card("Days in a stage", table(stays, cell), "Estimated with the stays that still go on.", wide=True))
    cards += [_before(figures, target, words) for target, words in (("dormant", "dormancy"), ("lost", "loss"))]
    return cards


def _before(figures: JourneyFigures, target: str, name: str) -> Card:
    drawn = [
        Bar(
            label=row["event"].replace("_", " "),
            value=row["relative_risk"],
            text=f"{row['relative_risk']:.2g} times",
            colour=5 if row["relative_risk"] > 1 else 1,
        )
        for row in telling_events(figures.table("before_leaving").to_pylist(), target, _MOST)
    ]
    words = "How many times as often customers move after a month with the event, where it surely differs."
    return Card(f"What precedes {name}", bars(drawn, f"Relative risk of {name} after an event"), words)


def funnel_cards(figures: JourneyFigures) -> list[Card]:
    """Show the funnel of each product in the latest month that is complete, and where journeys break."""
    rows = [row for row in figures.table("funnel").to_pylist() if row["grouping"] == "all"]
    complete = sorted({row["month"] for row in rows if row["note"] is None and row["share"] is not None})
    if not complete:
        return []
    month, cards = complete[-1], []
    for product in sorted({row["product"] for row in rows}):
        steps = [row for row in rows if row["product"] == product and row["month"] == month]
        if not any(row["share"] is not None for row in steps):
            continue
        drawn = [
            Bar(
                label=row["step"],
                value=row["share"],
                text="few" if row["share"] is None else f"{percent(row['share'])}, {row['journeys']:,}",
            )
            for row in steps
        ]
        title = f"{product.replace('_', ' ').capitalize()}, begun in {month}"
        columns = ("step", "journeys", "drop_off", "days_to_next", "share", "share_before", "note")
        numbers = table([{name: row[name] for name in columns} for row in steps], cell)
        cards.append(Card(title, bars(drawn, f"Funnel of {product}", 1.0), details=numbers))
    broken = [
        row
        for row in figures.table("broken_journeys").to_pylist()
        if row["note"] is None and row["journeys"] is not None
    ]
    last = max((row["month"] for row in broken), default=None)
    broken = sorted((row for row in broken if row["month"] == last), key=lambda row: -row["journeys"])[: 2 * _MOST]
    if broken:
        words = "Journeys without a further step: where they stopped, in which channel, and what the customer did then."
        cards.append(
            Card(
                f"Broken journeys, {last}",
                table([_without(row, "note", "month") for row in broken], cell),
                words,
                wide=True,
            )
        )
    return cards


def experience_cards(figures: JourneyFigures) -> list[Card]:
    """Show scores by touchpoint and stage, and what follows a complaint."""
    rows = figures.table("experience_map").to_pylist()
    cards = []
    for grouping, title in (("touchpoint", "Net promoter score after a touchpoint"), ("channel", "By channel")):
        some = [row for row in rows if row["grouping"] == grouping]
        if any(row["nps"] is not None for row in some):
            words = "Points; ▼ is a pain point, ▲ an opportunity: surely below or above the bank's."
            cards.append(Card(title, _map(some), words, wide=grouping == "touchpoint"))
    whole = [row for row in rows if row["grouping"] == "touchpoint" and row["stage"] == "all"]
    columns = (
        "group",
        "customers",
        "contacts",
        "nps",
        "nps_before",
        "csat",
        "complaints",
        "days_to_resolve",
        "verdict",
    )
    if whole:
        contacts = sorted(whole, key=lambda row: -(row["contacts"] or 0))
        numbers = table([{name: row[name] for name in columns} for row in contacts], cell)
        cards.append(Card("Touchpoints of all stages", numbers, wide=True))
    moments = [_without(row, "note") for row in figures.table("moments_of_truth").to_pylist()]
    if moments:
        words = "Complaints by the time to their resolution and the answer about it, and what customers did then."
        cards.append(Card("Moments of truth", table(moments, cell), words, wide=True))
    return cards


def _map(rows: Sequence[Row]) -> Any:
    stages = [*(stage for stage in _STAGES if any(row["stage"] == stage for row in rows)), "all"]
    groups: dict[str, list[tuple[float | None, str]]] = {}
    found = {(row["group"], row["stage"]): row for row in rows}
    marks = {"pain point": " ▼", "opportunity": " ▲"}
    for group in sorted({row["group"] for row in rows}):
        cells: list[tuple[float | None, str]] = []
        for stage in stages:
            row = found.get((group, stage))
            score = None if row is None else row["nps"]
            text = "" if row is None or score is None else f"{score:+.0f}{marks.get(row['verdict'], '')}"
            cells.append((score, text))
        if any(score is not None for score, _ in cells):
            groups[group.replace("_", " ")] = cells
    return heat_table("touchpoint", stages, groups, lambda score: (abs(score) / 100, 1 if score >= 0 else 5))


def activity_cards(figures: JourneyFigures) -> list[Card]:
    """Show active customers, retention, products held together and channel switches."""
    rows = figures.table("active_customers").to_pylist()
    cards = []
    days = [row for row in rows if row["grain"] == "day"]
    if days:
        labels = [f"{date.fromisoformat(row['period']):%b %Y}" for row in days]
        drawn = stacked_areas(labels, {"active": [row["customers"] for row in days]}, "Active customers by day")
        months = [_without(row, "grain") for row in rows if row["grain"] == "month"]
        cards.append(Card("Active customers by day", drawn, details=table(months, cell)))
    retention = figures.table("retention").to_pylist()
    cohorts = list(dict.fromkeys(row["cohort"] for row in retention))[-_COHORTS:]
    if cohorts:
        cells = {
            cohort: [
                (row["share"] if row["note"] is None else None, percent(row["share"]) if row["note"] is None else "·")
                for row in retention
                if row["cohort"] == cohort and row["months_since"] < _COHORTS
            ]
            for cohort in cohorts
        }
        longest = max(len(row) for row in cells.values())
        padded = {cohort: [*row, *[(None, " ")] * (longest - len(row))] for cohort, row in cells.items()}
        content = heat_table("began", [str(number) for number in range(longest)], padded, lambda share: (share, 1))
        cards.append(Card("Retention", content, "Share active so many months after the first activity.", wide=True))
    pairs = figures.table("cross_sell").to_pylist()
    products = sorted({row["product"] for row in pairs})
    if products:
        shares = {(row["product"], row["other"]): row["share"] for row in pairs}
        matrix = {
            product.replace("_", " "): [
                (shares.get((product, other)), percent(shares.get((product, other)))) for other in products
            ]
            for product in products
        }
        names = [name.replace("_", " ") for name in products]
        content = heat_table("holders of", names, matrix, lambda share: (share, 1))
        cards.append(
            Card("Products held together", content, "Share of a product's holders who hold the other.", wide=True)
        )
    moves = figures.table("channel_switches").to_pylist()
    last = max((row["month"] for row in moves if row["note"] is None), default=None)
    if last is not None:
        recent = {(row["from_channel"], row["to_channel"]): row["share"] for row in moves if row["month"] == last}
        channels = sorted({name for pair in recent for name in pair})
        matrix = {
            one.replace("_", " "): [(recent.get((one, other)), percent(recent.get((one, other)))) for other in channels]
            for one in channels
        }
        content = heat_table("from", [name.replace("_", " ") for name in channels], matrix, lambda share: (share, 1))
        cards.append(Card(f"Channel after channel, {last}", content, "Where customers are active next.", wide=True))
    return cards


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
