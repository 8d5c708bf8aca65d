"""Tables of figures: shown on pages, and handed out as CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from typing import Any, Final, Literal

import orjson

from domain.cells import harmless

LEVELS: Final = 8
"""Shades of a cell; the style sheet has a class for each."""

Kind = Literal[
    "text",
    "name",
    "count",
    "number",
    "tenth",
    "share",
    "money",
    "gain",
    "small_gain",
    "light",
    "digest",
    "month",
    "date",
    "moment",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: Key of the rows, and name of the column as data.
        label: Heading, already translated.
        kind: How values are shown.
        bar: Whether a bar shows how the value compares with the column's largest.
        interval: Keys of the bounds of the value's interval.
        under: Key of what is said below it in small letters.
        before: Key of the same figure a period before, shown below it.
        shade: Value, or its negative, that is shaded darkest; 0 for no shade.
    """

    key: str
    label: str
    kind: Kind = "text"
    bar: bool = False
    interval: tuple[str, str] | None = None
    under: str | None = None
    before: str | None = None
    shade: float = 0.0

    def level(self, row: Mapping[str, Any]) -> int:
        """Return how dark the cell of a row is shaded, 0 to 8; below 0 for a negative value.

        Example:
            >>> Column("nps", "NPS", "number", shade=50.0).level({"nps": -25})
            -4
        """
        value = row.get(self.key)
        return 0 if value is None or not self.shade else round(max(-1.0, min(1.0, value / self.shade)) * LEVELS)

    @property
    def is_number(self) -> bool:
        """Whether values are aligned to the right."""
        return self.kind in {"count", "number", "tenth", "share", "money", "gain", "small_gain"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures.

    Attributes:
        name: Name in links, such as `by_offer`.
        caption: What the table shows, already translated.
        columns: Columns that are shown; as data a table also has the rows' other keys.
        rows: Plain values.
        empty: What is said if there are no rows, already translated.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]]
    empty: str = ""

    def bounds(self) -> dict[str, tuple[float, float]]:
        """Return the smallest and largest number that each drawn column shows; 0 is always between them."""
        found = {}
        for column in self.columns:
            if column.bar or column.interval:
                keys = (column.key, *(column.interval or ()))
                numbers = [row[key] for row in self.rows for key in keys if row.get(key) is not None]
                found[column.key] = min(0.0, *numbers, 0.0), max(0.0, *numbers, 0.0)
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the rows: the columns first."""
        return tuple(
            dict.fromkeys([*(column.key for column in self.columns), *(key for row in self.rows for key in row)])
        )

    def to_csv(self) -> str:
        r"""Return the rows as CSV whose cells no spreadsheet runs as formulas.

        Example:
            >>> Table("t", "", (Column("offer", "Offer"),), [{"offer": "=1+1"}]).to_csv()
            "offer\r\n'=1+1\r\n"
        """
        text, keys = StringIO(), self.keys
        writer = csv.writer(text)
        writer.writerow(harmless(key) for key in keys)
        for row in self.rows:
            writer.writerow(harmless(_cell(row.get(key))) for key in keys)
        return text.getvalue()

    def to_json(self) -> bytes:
        """Return the rows as JSON."""
        keys = self.keys
        rows = [{key: row.get(key) for key in keys} for row in self.rows]
        return orjson.dumps(
            {"table": self.name, "caption": self.caption, "rows": rows}, option=orjson.OPT_SERIALIZE_NUMPY
        )


def find_table(tables: Iterable[Table], name: str) -> Table | None:
    """Return the table of a name."""
    return next((table for table in tables if table.name == name), None)


def _cell(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping | list | tuple):
        return orjson.dumps(value).decode()
    return value
