"""The command that takes a challenger into charge step by step, and back: `rollout`."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import DataError
from nbo.app import CALLER, AsOfNow, app, components_of_bank, moment_of
from nbo.display import console, print_json, show_table

if TYPE_CHECKING:
    from wiring.rollout import RolloutControl

STEPS = ("show", "start", "next", "back")

command = partial(app.command, rich_help_panel="Models")


@command()
def rollout(
    context: typer.Context,
    step: Annotated[
        str,
        typer.Argument(
            help="`show` where it stands and what each gate says; `start` with the challenger in the shadow; `next` "
            "for the slice and then the champion, if all gates say ship; `back` out of it, or to the former champion."
        ),
    ] = "show",
    by: Annotated[str | None, typer.Option(help="Your name, for MLflow and the audit; each step needs it.")] = None,
    why: Annotated[str | None, typer.Option(help="The reason; each step needs it.")] = None,
    as_of: AsOfNow = None,
    json: Annotated[bool, typer.Option("--json", help="Print where it stands as JSON.")] = False,
) -> None:
    """Take a propensity challenger into charge: shadow, slice, champion; or back at once.

    Examples:
        nbo --bank banks/demo rollout

        nbo --bank banks/demo rollout start --by "A. Jansen" --why "learned the summer"

        nbo --bank banks/demo rollout next --by "A. Jansen" --why "two calm weeks"

        nbo --bank banks/demo rollout back --by "A. Jansen" --why "complaints about savings"
    """
    parts = components_of_bank(context)
    from wiring.bank_time import bank_now
    from wiring.rollout import RolloutControl

    now, desk = moment_of(parts, as_of) or bank_now(parts), RolloutControl(parts, CALLER)
    if step not in STEPS:
        raise DataError("no such step of a rollout", got=f"'{step}'", expected=", ".join(STEPS))
    if step != "show":
        if not (by and by.strip() and why and why.strip()):
            raise DataError("a step of a rollout needs a person and a reason", expected="--by and --why")
        {"start": desk.start, "next": desk.next, "back": desk.back}[step](by=by.strip(), why=why.strip(), now=now)
    _show(desk, now, as_json=json, with_gates=step == "show")


def _show(desk: RolloutControl, now: datetime, *, as_json: bool, with_gates: bool) -> None:
    found = desk.report(now, with_gates=with_gates)
    if as_json:
        print_json(found.to_json())
        return
    console.print(found.sentence, markup=False, highlight=False, soft_wrap=True)
    if found.gates:
        rows = [(one.name, one.verdict.word.value, one.verdict.reason) for one in found.gates]
        show_table("gates", ("gate", "answer", "why"), rows)
    if found.moves:
        zone = desk.components.bank.time_zone
        moves = [
            (f"{datetime.fromisoformat(one['at']).astimezone(zone):%Y-%m-%d %H:%M}", one["move"]) for one in found.moves
        ]
        show_table("moves of its aliases", ("when", "what"), moves)
