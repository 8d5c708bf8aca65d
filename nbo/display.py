"""Terminal output: progress bars for long work, tables for results, error messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import domain.progress
from domain.counts import figure
from domain.errors import NboError

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)
errors = Console(stderr=True)

_WIDE: Final = 100_000
"""Width of a console for tables with all their columns."""


def show_all_columns() -> None:
    """Print tables from now on with all their columns, however wide the terminal is."""
    console.width = _WIDE


@contextmanager
def progress_bars(description: str) -> Iterator[domain.progress.Progress]:
    """Show a progress bar on a terminal; if the output is not a terminal, print one line at the end."""
    if not console.is_terminal:
        yield domain.progress.silent
        console.print(f"{description}: done")
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<44}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(description, total=None)

        def advance(done: int, total: int | None) -> None:
            bars.update(bar, completed=done, total=total)

        yield advance
        finished = bars.tasks[0]
        bars.update(
            bar, completed=finished.total or finished.completed or 1, total=finished.total or finished.completed or 1
        )


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = None) -> None:
    """Print a table, with numbers aligned to the right.

    Columns that do not fit, the last ones first, are left out, and named below it.

    Args:
        title: What it shows.
        columns: Names of the columns, the important ones first.
        rows: A value for each column.
        width: Maximum width in characters; by default that of the terminal, or of `COLUMNS`.
    """
    if _collected is not None:
        _collected.append({"title": title, "rows": [dict(zip(columns, row, strict=True)) for row in rows]})
        return
    room = console.width if width is None or console.width == _WIDE else min(width, console.width)
    fitting = _fitting(columns, rows, room)
    table = Table(title=title, title_justify="left", header_style="bold")
    for position, name in enumerate(columns[:fitting]):
        numbers = [row[position] for row in rows if row[position] is not None]
        numeric = bool(numbers) and all(isinstance(number, int | float) for number in numbers)
        # names are folded where they have no room: without their ends they would be others
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row[:fitting]))
    console.print(table, width=room)
    if fitting < len(columns):
        left_out = f"  no room for {', '.join(columns[fitting:])}: use nbo --wide, or --json"
        console.print(left_out, markup=False, highlight=False, soft_wrap=True)


_LEAST_TEXT: Final = 16
"""Characters to which a column of texts may be folded before other columns are left out."""
_LEAST_COLUMNS: Final = 2


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> int:
    """Return how many of the columns fit if texts are folded, but names of columns and numbers are not."""
    room = width - 1
    for position, name in enumerate(columns):
        cells = [_cell(row[position]) for row in rows]
        least = max(len(name), min(max(map(len, cells), default=0), _LEAST_TEXT))
        room -= least + 3
        if room < 0 and position >= _LEAST_COLUMNS:
            return position
    return len(columns)


_collected: list[dict[str, Any]] | None = None


def collect_tables() -> None:
    """Collect tables from now on instead of printing them."""
    global _collected  # noqa: PLW0603  one command per process prints to one output
    _collected = []


def print_collected() -> None:
    """Print the collected tables as one JSON document, and end collecting."""
    global _collected  # noqa: PLW0603
    print_json({"tables": _collected or []})
    _collected = None


def print_json(content: Mapping[str, Any]) -> None:
    """Print a JSON document, also where `--quiet` or `--json` leave out everything else; NaN is null."""
    text = orjson.dumps(content, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    sys.stdout.write(f"{text.decode()}\n")


def show_error(error: NboError) -> None:
    """Print an `NboError` without a traceback."""
    errors.print("[bold red]nbo:[/] ", end="")
    errors.print(str(error), markup=False, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return figure(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
