"""Commands for the first day with a bank's data: `init`, `profile`, `quarantine`, `schema`."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from domain.counts import counted
from nbo.app import app
from nbo.display import console, show_table

command = partial(app.command, rich_help_panel="A bank's folder and data")


@command()
def init(
    folder: Annotated[Path, typer.Argument(help="New folder for the bank.")],
    exports: Annotated[list[Path] | None, typer.Argument(help="More exports, as a shell expands exports/*.")] = None,
    from_: Annotated[list[Path] | None, typer.Option("--from", help="Exports: files, or folders of them.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the bank.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name of the time zone of its times.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code of its currency.")] = None,
    customer: Annotated[
        str | None, typer.Option(help="Column with the customer's id; # for one customer a row.")
    ] = None,
    contacts: Annotated[str | None, typer.Option(help="File with offers and answers; none if there is none.")] = None,
    offer: Annotated[str | None, typer.Option(help="Its column with the offer; none if it is always the same.")] = None,
    answer: Annotated[str | None, typer.Option(help="Its column with the answer.")] = None,
    accepted: Annotated[list[str] | None, typer.Option(help="Answer that means yes; may be repeated.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of what files without a time say.")
    ] = None,
    complete_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of which the files know everything.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what is proposed.")] = False,
) -> None:
    """Write a bank's folder from its exports, after at most ten questions.

    Example: nbo init banks/mine --from exports/
    """
    from nbo.onboarding.init import Given, init_bank

    given = Given(
        name=name, time_zone=time_zone, currency=currency, customer=customer, contacts=contacts, offer=offer,
        answer=answer, accepted=accepted or (), as_of=as_of.date() if as_of else None,
        complete_until=complete_until.date() if complete_until else None,
    )  # fmt: skip
    silent = yes or not sys.stdin.isatty()

    def ask(question: str, proposed: str) -> str:
        if silent:
            console.print(f"{question}: {proposed}", markup=False, highlight=False, soft_wrap=True)
            return proposed
        return str(typer.prompt(question, default=proposed))

    bank = init_bank(folder, [*(from_ or ()), *(exports or ())], given, ask)
    show_table(
        f"{bank.folder}: what the exports were taken for",
        ("file", "rows", "taken for", "customer", "time", "event or offer"),
        [
            (
                ", ".join(file.patterns)
                if len(file.patterns) < 3
                else f"{file.patterns[0]} and {len(file.patterns) - 1} more",
                file.profile.rows,
                file.role,
                file.customer + (f" through {file.through.file.name}" if file.through else ""),
                file.time,
                file.offer or file.type,
            )
            for file in bank.files
        ],
    )
    for note in (*bank.notes, *(f"not read: {what}" for what in bank.draft.left_out)):
        console.print(f"  - {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"next: nbo --bank {bank.folder} import --dry-run", markup=False, soft_wrap=True)


@command()
def profile(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files; by default every file of the bank's sources.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
) -> None:
    """Show what files hold: types, formats, blanks, ranges, and distinct values with counts, ready to paste.

    Examples:
        nbo profile exports/*.csv

        nbo --bank banks/mine profile --source kontakte
    """
    from events.profiling.files import profile_path

    if files:
        for file in files:
            _show_profile(str(file), profile_path(file, file.name))
        return
    from events.source_files import find_files
    from wiring.components import components_of

    parts = components_of(context.obj)
    sources = [one for one in parts.bank.sources if source in (None, one.name)]
    for found in find_files(sources, parts.sources):
        _show_profile(f"{found.source.name}: {found.name}", profile_path(found.path, found.name))


def _show_profile(title: str, found: object) -> None:
    from events.profiling.files import FileProfile
    from nbo.onboarding.yaml_text import flow

    assert isinstance(found, FileProfile)
    written = f", written {flow(found.settings)}" if found.settings else ""
    broken = f", {found.broken:,} could not be read" if found.broken else ""
    show_table(
        f"{title}: {counted(found.rows, 'row')}{broken}{written}",
        ("column", "type", "blank", "distinct", "from", "to", "examples or format"),
        [
            (
                column.name,
                column.kind,
                f"{column.blanks / max(column.rows, 1):.0%}".replace("%", " %"),
                column.distinct,
                column.minimum,
                column.maximum,
                flow(column.settings) if column.settings else ", ".join(list(column.values)[:3]),
            )
            for column in found.columns
        ],
    )
    for column in found.columns:
        if column.kind in ("text", "boolean") and column.is_category:
            console.print(f"  {flow(column.name)}:", markup=False, highlight=False)
            for value, count in column.values.items():
                console.print(
                    f"    {flow(value)}: {flow(value)} # {count:,}", markup=False, highlight=False, soft_wrap=True
                )


@command()
def quarantine(
    context: typer.Context,
    rows: Annotated[int, typer.Option(help="Number of examples of each reason.")] = 3,
) -> None:
    """Show the rows of the last import that were not accepted, by reason, and what would mend them.

    Example: nbo --bank banks/demo quarantine
    """
    from nbo.rejected import show_rejected
    from wiring.components import components_of

    show_rejected(components_of(context.obj).places.quarantine, rows)


@command()
def schema(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option(help="Folder of the bank; by default the one of --bank.")] = None,
) -> None:
    """Write a JSON Schema for every YAML file into the bank's folder, so that editors complete and check it.

    Begin a file with `# yaml-language-server: $schema=schemas/sources.json`, as `nbo init` does.

    Example: nbo --bank banks/demo schema
    """
    from config.schemas import write_schemas

    folder = to or context.obj
    written = write_schemas(folder)
    console.print(f"{counted(len(written), 'schema')} in {written[0].parent}", markup=False, highlight=False)
