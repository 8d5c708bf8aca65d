"""What a journey figure is: counts of customers that add up, and the table that people see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from journeys.histories import AnalyticsContext, Histories

NOTE: Final = "note"
"""Column that says why a number is hidden or cannot be relied on yet; null otherwise."""

Row = dict[str, Any]
Rows = list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: Name of its file and of the table.
        title: What it shows, as a heading.
        count: Counts the customers of a bucket exactly; results of buckets are added.
        finish: Turns the sum into rows to look at, with shares and without small cells.
        schema: Columns of these rows; `note` comes last.
        needs: Groups of events without which there is nothing to count.
    """

    name: str
    title: str
    count: Callable[[Histories], pa.Table]
    finish: Callable[[pa.Table, AnalyticsContext], Rows]
    schema: Mapping[str, pa.DataType]
    needs: tuple[str, ...] = ()

    def table(self, counts: pa.Table, context: AnalyticsContext) -> pa.Table:
        """Return the finished rows as a table."""
        schema = pa.schema([*self.schema.items(), (NOTE, pa.string())])
        return pa.Table.from_pylist([{NOTE: None, **row} for row in self.finish(counts, context)], schema)

    def why_empty(self, context: AnalyticsContext) -> str:
        """Say why there is nothing to show: no event type of a group, or no such events yet."""
        lacking = [group for group in self.needs if group not in context.vocabulary.groups]
        if lacking:
            return f"events.yaml has no event type of group {' and none of '.join(lacking)}"
        kinds = f" of {' and '.join(self.needs)}" if self.needs else ""
        return f"the log has no such events{kinds} before {context.as_of:%Y-%m-%d}"


def hide_small(rows: Iterable[Row], smallest: int, hidden: Sequence[str], counted: str = "customers") -> Rows:
    """Hide numbers about fewer than `smallest` customers, but more than none, and note it.

    Args:
        rows: Rows with the number of customers.
        smallest: Smallest number of customers that is shown.
        hidden: Columns to hide besides the number of customers.
        counted: Column with the number of customers.

    Example:
        >>> hide_small([{"channel": "app", "customers": 3, "share": 0.1}], 20, ["share"])
        [{'channel': 'app', 'customers': None, 'share': None, 'note': 'fewer than 20 customers'}]
    """
    shown = []
    for row in rows:
        if 0 < row[counted] < smallest:
            shown.append({**row, counted: None, **dict.fromkeys(hidden), NOTE: f"fewer than {smallest} customers"})
        else:
            shown.append(row)
    return shown


def ratio(part: float, whole: float) -> float | None:
    """Divide; None for a share of nothing."""
    return part / whole if whole else None
