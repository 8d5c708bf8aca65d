"""The application of the command line: the bank and the engine of a command, and what its commands share."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import DataError
from nbo.display import collect_tables, console, print_collected, show_all_columns
from nbo.version import VERSION

if TYPE_CHECKING:
    from wiring.components import Components

app = typer.Typer(
    name="nbo",
    help="The open next-best-offer engine: from a bank's event log to ranked offers with reasons.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

CALLER = "command line"
"""Name of the caller in the audit; the person is named beside it."""


def moment_option(words: str) -> Any:
    """Return an option that is a moment, in the forms that every command takes; `words` is its help."""
    return typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help=words)


AsOf = Annotated[
    datetime | None,
    moment_option("Moment in the bank's time zone; by default the last midnight with new events."),
]

AsOfNow = Annotated[
    datetime | None,
    moment_option("Moment in the bank's time zone; now by default, in a simulated bank's own time."),
]

ClockAt = Annotated[
    datetime | None,
    moment_option("Where the service's clock starts; by default a simulated bank's last moment, else the real time."),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(VERSION, markup=False, highlight=False)
        raise typer.Exit


@app.callback()
def choose_bank(
    context: typer.Context,
    bank: Annotated[Path, typer.Option(envvar="NBO_BANK", help="Folder of the bank's YAML.")] = Path("banks/demo"),
    engine: Annotated[
        str | None,
        typer.Option(help="Engine for features and batch runs: local or spark; by default NBO_ENGINE."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the tables of a command as JSON, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Print tables with all their columns, however wide the terminal is.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    """Set the bank and the engine of a command, and how it prints.

    Examples:
        nbo --bank banks/demo run

        nbo --bank banks/demo decide --customer C002262 --channel app

        nbo --bank banks/bpi2012 check

        nbo --engine spark run

        nbo --json --bank banks/demo check
    """
    del version
    context.obj = bank
    if as_json:
        collect_tables()
        context.call_on_close(print_collected)
    console.quiet = quiet or as_json
    if wide:
        show_all_columns()
    if engine is not None:
        os.environ["NBO_ENGINE"] = engine  # settings are read from here, also in processes that flows start


def components_of_bank(context: typer.Context) -> Components:
    """Open the components of the bank that the command is for."""
    from wiring.components import components_of

    return components_of(context.obj)


def components_with_flows(context: typer.Context, module: str = "prefect") -> Components:
    """Open the components, import the module of the flows, and make sure that they can run."""
    parts = components_of_bank(context)
    from nbo.servers import serve_flows

    serve_flows(parts.settings, module)
    return parts


def moment_of(components: Components, as_of: datetime | None) -> datetime | None:
    """Return the moment in the bank's time zone; None if none is given.

    Raises:
        DataError: The moment is outside the calendar.
    """
    if as_of is None:
        return None
    from features.calendar import FIRST_YEAR, LAST_YEAR

    if not FIRST_YEAR < as_of.year < LAST_YEAR:  # a moment of an end year may be in another year in another time zone
        expected = f"a year from {FIRST_YEAR + 1} to {LAST_YEAR - 1}"
        raise DataError("the moment is outside the calendar", got=as_of.date().isoformat(), expected=expected)
    return as_of.replace(tzinfo=components.bank.time_zone)
