"""Terminal output: progress bars for long work, tables for results, error messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import domain.progress
from domain.errors import NboError

console = Console(width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True)


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
    """Print a table, with numbers aligned to the right; at most `width` characters wide, if given."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for position, name in enumerate(columns):
        numbers = [row[position] for row in rows if row[position] is not None]
        numeric = bool(numbers) and all(isinstance(number, int | float) for number in numbers)
        # names are folded where they have no room: without their ends they would be others
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table, width=None if width is None else min(width, console.width))


def show_error(error: NboError) -> None:
    """Print an `NboError` without a traceback."""
    errors.print("[bold red]nbo:[/] ", end="")
    errors.print(str(error), markup=False, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
