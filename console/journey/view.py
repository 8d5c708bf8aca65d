"""A view of the journey page: its blocks, and what is chosen in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, overload

from markupsafe import Markup

from console.languages import Texts
from console.languages.sentences import translated
from console.marks import in_words, marks_of, placed
from console.page import Visit
from console.tables import Column, Kind, Table
from domain.journey import Stage
from journeys.figure import NOTE
from journeys.figures import FIGURES
from journeys.files import JourneyFigures

Row = dict[str, Any]
STAGES: Final = tuple(stage.value for stage in Stage)


@dataclass(frozen=True, slots=True)
class Block:
    """A table, and a picture of it if there is one.

    Attributes:
        table: The numbers.
        chart: The picture; None to show the table itself.
        summary: What the picture says, for everybody and for screen readers.
        explained: How to read it.
        wide: Whether it takes the whole width.
    """

    table: Table
    chart: Markup | None = None
    summary: str = ""
    explained: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice of a view.

    Attributes:
        name: Parameter of the address.
        label: What is chosen, translated.
        options: Value and words of each option.
        value: The chosen one.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str


@dataclass(frozen=True, slots=True)
class Behind:
    """A figure whose customers can be had as an audience.

    Attributes:
        label: Who they are, translated.
        count: The figure.
        fields: What the form says.
    """

    label: str
    count: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """Blocks of a view, and its choices.

    Attributes:
        blocks: What is shown.
        figures: Names of the figures they are made from; all their rows are there as data.
        choices: What can be chosen.
        audiences: Figures whose customers can be had.
    """

    blocks: tuple[Block, ...]
    figures: tuple[str, ...]
    choices: tuple[Chosen, ...] = ()
    audiences: tuple[Behind, ...] = ()


def rows_of(figures: JourneyFigures, name: str, texts: Texts) -> list[Row]:
    """Return the rows of a figure, with their notes translated."""
    rows: list[Row] = figures.table(name).to_pylist()
    notes = {note: note_in(note, texts) for note in {row[NOTE] for row in rows}}  # many rows, few notes
    return [{**row, NOTE: notes[row[NOTE]]} for row in rows]


class WholeFigure(Sequence[Row]):
    """All rows of a figure, made when they are handed out: a page only says how many there are."""

    def __init__(self, figures: JourneyFigures, name: str, texts: Texts) -> None:
        self._figures, self._name, self._texts = figures, name, texts

    @cached_property
    def _rows(self) -> list[Row]:
        return rows_of(self._figures, self._name, self._texts)

    def __len__(self) -> int:
        return len(self._figures.table(self._name))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        return self._rows[place]


def note_in(note: str | None, texts: Texts) -> str | None:
    """Translate the note of a row, which says why a number is hidden or cannot be relied on yet."""
    return None if note is None else translated(note, texts)


def whole_figure(figures: JourneyFigures, name: str, texts: Texts) -> Table:
    """Return all rows of a figure, which are handed out as data and not shown."""
    columns = tuple(Column(key, key) for key in (*FIGURES[name].schema, NOTE))
    return Table(name, texts.name(name), columns, WholeFigure(figures, name, texts))


def with_note(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], texts: Texts) -> tuple[Column, ...]:
    """Add the column of notes if any row has one."""
    noted = any(row[NOTE] for row in rows)
    return (*columns, Column(NOTE, texts("Note"))) if noted else tuple(columns)


def marks_on(days: Sequence[date], figures: JourneyFigures, visit: Visit) -> tuple[dict[int, list[int]], str]:
    """Return the marks of a chart over days, by their place, and what they stand for, in words."""
    marks, until = marks_of(visit), figures.as_of.date()
    return placed(marks, days, until), in_words(marks, days, until, visit.texts)


def before_of(key: str) -> str:
    """Return the key of a figure a period before."""
    return f"{key}_before"


def matrix(
    names: tuple[str, str],
    corner: str,
    rows: Mapping[str, Mapping[str, float | None]],
    columns: Mapping[str, Column],
    before: Mapping[str, Mapping[str, float | None]] | None = None,
    kind: Kind = "name",
) -> Table:
    """Return a table with a row and a column for each name; what is missing or hidden is None.

    Args:
        names: Name and caption of the table.
        corner: Heading of the rows' names.
        rows: Name of the row -> key of the column -> number.
        columns: The columns, by key.
        before: The same numbers a period before, if the columns show them.
        kind: How the rows' names are shown.
    """
    earlier = before or {}
    listed = [
        {
            "row": row,
            **{key: cells.get(key) for key in columns},
            **({} if before is None else {before_of(key): earlier.get(row, {}).get(key) for key in columns}),
        }
        for row, cells in rows.items()
    ]
    return Table(*names, (Column("row", corner, kind), *columns.values()), listed)


def shares(keys: Iterable[str], texts: Texts, *, compared: bool = False) -> dict[str, Column]:
    """Return shaded columns of shares, if wanted with those of a period before."""
    return {
        key: Column(key, texts.name(key), "share", shade=1.0, before=before_of(key) if compared else None)
        for key in keys
    }
