"""Journey figures in the terminal: the latest of each, one in full, or all as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from domain.errors import StateError
from journeys.figures import FIGURES
from journeys.files import JourneyFigures, read_figures
from nbo.display import console, print_json, show_table

if TYPE_CHECKING:
    from wiring.components import Components

WIDTH: Final = 100
_MOST: Final = 12

Row = Mapping[str, Any]


def show_journeys(components: Components, figure: str | None, rows: int, *, as_json: bool) -> None:
    """Show the current journey figures.

    Raises:
        DataError: There is no such figure.
        StateError: No figures have been computed.
    """
    figures = read_figures(components.places.journeys)
    if figures is None:
        raise StateError("there are no journey figures yet", remedy=f"nbo --bank {components.folder} journeys")
    chosen = list(FIGURES) if figure is None else [figure]
    if as_json:
        tables = {name: figures.table(name).to_pylist() for name in chosen}
        print_json({"as_of": figures.as_of.isoformat(), "figures": tables, "empty": dict(figures.reasons)})
        return
    if figure is None:
        for title, found in overview(figures):
            _show(title, found)
        for name, reason in figures.reasons.items():
            console.print(f"  {FIGURES[name].title}: {reason}", markup=False, highlight=False, soft_wrap=True)
        return
    table = figures.table(figure)
    _show(FIGURES[figure].title, table.slice(max(0, len(table) - rows)).to_pylist())
    if figure in figures.reasons:
        console.print(f"  {figures.reasons[figure]}", markup=False, highlight=False, soft_wrap=True)


def overview(figures: JourneyFigures) -> list[tuple[str, Sequence[Row]]]:
    """Choose of each figure what is looked at first: the latest, the largest, what stands out."""
    rows = {name: table.to_pylist() for name, table in figures.tables.items()}
    day = max((row["day"] for row in rows["stage_sizes"]), default="")
    funnel = [row for row in rows["funnel"] if row["grouping"] == "all"]
    month = max((row["month"] for row in funnel if row["note"] is None and row["share"] is not None), default="")
    broken = [row for row in rows["broken_journeys"] if row["note"] is None and row["journeys"]]
    stopped = max((row["month"] for row in broken), default="")
    touchpoints = [row for row in rows["experience_map"] if row["grouping"] == "touchpoint" and row["stage"] == "all"]
    moves = [row for row in rows["channel_switches"] if row["note"] is None]
    moved = max((row["month"] for row in moves), default="")
    flows = [row for row in rows["stage_months"] if row["note"] is None]
    flowed = max((row["month"] for row in flows), default="")
    months = [row for row in rows["active_customers"] if row["grain"] == "month"]
    chosen = {
        f"stages on {day}": _columns(
            [row for row in rows["stage_sizes"] if row["day"] == day], "stage customers share"
        ),
        f"from stage to stage in {flowed}": _columns(
            [row for row in flows if row["month"] == flowed], "from_stage to_stage customers share"
        ),
        "days in a stage": rows["time_in_stage"],
        "what precedes dormancy and loss": _columns(
            [row for row in rows["before_leaving"] if row["low"] is not None and row["low"] > 1],
            "target event customers share_after share_otherwise relative_risk low high",
        ),
        f"product journeys begun in {month}": _columns(
            [row for row in funnel if row["month"] == month],
            "product step journeys stopped under_way share drop_off days_to_next share_before",
        ),
        f"broken journeys of {stopped}": _columns(
            sorted((row for row in broken if row["month"] == stopped), key=lambda row: -row["journeys"])[:_MOST],
            "product step channel then journeys share days_tried days_until stopped_before",
        ),
        "experience by touchpoint": _columns(
            touchpoints, "group customers contacts nps nps_before csat complaints days_to_resolve verdict"
        ),
        "what follows a complaint": rows["moments_of_truth"],
        "active customers": _columns(months[-_MOST:], "period customers activities note"),
        f"channel after channel in {moved}": _columns(
            [row for row in moves if row["month"] == moved and (row["share"] or 0) >= 0.1],
            "from_channel to_channel customers moves share",
        ),
        "products held together": _columns(
            sorted(
                (row for row in rows["cross_sell"] if row["product"] != row["other"] and row["share"] is not None),
                key=lambda row: -row["share"],
            )[:_MOST],
            "product other customers share opened_next days_to_next",
        ),
    }
    return [(title, found) for title, found in chosen.items() if found]


def _columns(rows: Sequence[Row], names: str) -> list[Row]:
    return [{name: row[name] for name in names.split()} for row in rows]


def _show(title: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    # a column of notes only where there are any
    names = [name for name in rows[0] if name != "note" or any(row["note"] for row in rows)]
    columns = [name.replace("_", " ") for name in names]
    show_table(title, columns, [[_short(row[name]) for name in names] for row in rows], WIDTH)


def _short(value: object) -> object:
    """Round to three digits, so that the names beside a number have room."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
