"""Experience: scores by touchpoint and stage, pain points and opportunities, and moments of truth."""

from __future__ import annotations

from typing import Final

from console.journey.view import STAGES, Block, Row, View, before_of, matrix, rows_of, with_note
from console.languages import N_
from console.page import Visit
from console.tables import Column, Table
from journeys.files import JourneyFigures

WHOLE: Final = "all"
VERDICTS: Final = frozenset({"pain point", "opportunity"})
_DARKEST_SCORE: Final = 60.0
_TITLES: Final = {
    "touchpoint": (N_("Touchpoint"), N_("Net promoter score by touchpoint and stage")),
    "channel": (N_("Channel"), N_("Net promoter score by channel and stage")),
}


def view(figures: JourneyFigures, visit: Visit) -> View:
    """Return pain points and opportunities, the map, all touchpoints, and what follows complaints."""
    rows = rows_of(figures, "experience_map", visit.texts)
    blocks = (
        _verdicts(rows, visit),
        *(_map(rows, grouping, visit) for grouping in _TITLES),
        _touchpoints(rows, visit),
        _moments(figures, visit),
    )
    return View(blocks, ("experience_map", "moments_of_truth"))


def _verdicts(rows: list[Row], visit: Visit) -> Block:
    texts = visit.texts
    found = sorted((row for row in rows if row["verdict"] in VERDICTS), key=lambda row: row["nps"])
    columns = (
        Column("group", texts("Where"), "name"),
        Column("stage", texts("Stage"), "name"),
        Column("verdict", texts("Verdict"), "name"),
        Column("nps", texts("NPS"), "tenth"),
        Column("nps_low", texts("At least"), "tenth"),
        Column("nps_high", texts("At most"), "tenth"),
        Column("nps_answers", texts("Answers"), "count"),
    )
    empty = texts("No score is surely above or below the bank's.")
    table = Table("verdicts", texts("Pain points and opportunities"), columns, found, empty)
    words = N_("Where the net promoter score is surely below or above the bank's (95 % interval).")
    return Block(table, explained=texts(words), wide=True)


def _map(rows: list[Row], grouping: str, visit: Visit) -> Block:
    texts = visit.texts
    some = [row for row in rows if row["grouping"] == grouping]
    stages = [stage for stage in (*STAGES, WHOLE) if any(row["stage"] == stage for row in some)]
    cells: dict[str, dict[str, float | None]] = {}
    before: dict[str, dict[str, float | None]] = {}
    for row in some:
        cells.setdefault(row["group"], {})[row["stage"]] = row["nps"]
        before.setdefault(row["group"], {})[row["stage"]] = row["nps_before"]
    cells = {group: scores for group, scores in cells.items() if any(score is not None for score in scores.values())}
    columns = {
        stage: Column(stage, texts.name(stage), "tenth", shade=_DARKEST_SCORE, before=before_of(stage))
        for stage in stages
    }
    corner, caption = _TITLES[grouping]
    table = matrix((f"nps_by_{grouping}", texts(caption)), texts(corner), cells, columns, before)
    dash = texts("A dash is a score of too few answers.")
    return Block(table, explained=f"{dash} {_compared(visit)}", wide=True)


def _compared(visit: Visit) -> str:
    days = visit.service.engine.bank.analytics.period_days
    return visit.texts("The last {n} days; below them the {n} days before.", n=visit.texts.number(days))


def _touchpoints(rows: list[Row], visit: Visit) -> Block:
    texts = visit.texts
    whole = [row for row in rows if row["grouping"] == "touchpoint" and row["stage"] == WHOLE]
    whole.sort(key=lambda row: -(row["contacts"] or 0))
    columns = (
        Column("group", texts("Touchpoint"), "name"),
        Column("customers", texts("Customers"), "count"),
        Column("contacts", texts("Contacts"), "count", bar=True, before="contacts_before"),
        Column("nps", texts("NPS"), "tenth", before="nps_before"),
        Column("csat", texts("CSAT"), "tenth", before="csat_before"),
        Column("complaints", texts("Complaints"), "count", before="complaints_before"),
        Column("resolved", texts("Resolved"), "count"),
        Column("days_to_resolve", texts("Days to resolve"), "tenth", before="days_to_resolve_before"),
    )
    table = Table("touchpoints", texts("All touchpoints"), with_note(columns, whole, texts), whole)
    return Block(table, explained=_compared(visit), wide=True)


def _moments(figures: JourneyFigures, visit: Visit) -> Block:
    texts, rows = visit.texts, rows_of(figures, "moments_of_truth", visit.texts)
    columns = (
        Column("resolved", texts("Resolved after"), "name"),
        Column("answer", texts("Answer"), "name"),
        Column("complaints", texts("Complaints"), "count", bar=True),
        Column("share_dormant_or_lost", texts("Dormant or lost later"), "share"),
        Column("share_opened_product", texts("Opened a product later"), "share"),
        Column("nps", texts("NPS"), "tenth"),
    )
    words = N_("What customers did after a complaint, by how soon it was resolved and what they said of it.")
    table = Table("moments", texts("Moments of truth"), with_note(columns, rows, texts), rows)
    return Block(table, explained=texts(words), wide=True)
