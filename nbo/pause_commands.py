"""The stop button: commands that pause an offer, a channel or all outbound, and end a pause."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import DataError
from nbo.app import CALLER, app, components_of_bank, moment_of, moment_option
from nbo.display import console
from nbo.pauses import pause_service, show_pauses

if TYPE_CHECKING:
    from domain.pause import PauseScope

Offer = Annotated[str | None, typer.Option(help="This offer, in every channel.")]
Channel = Annotated[str | None, typer.Option(help="This channel, but for mandatory and service offers.")]
Outbound = Annotated[
    bool, typer.Option("--outbound", help="All outbound channels, but for mandatory and service offers.")
]
By = Annotated[str, typer.Option(help="Your name, for the audit.")]

command = partial(app.command, rich_help_panel="The stop button")


@command()
def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why, for everybody who wonders.")],
    by: By,
    until: Annotated[
        datetime,
        moment_option("When it ends by itself, in the bank's time zone."),
    ],
    offer: Offer = None,
    channel: Channel = None,
    outbound: Outbound = False,
) -> None:
    """Stop an offer, a channel or all outbound channels, in decisions and in what waits to be delivered.

    Examples:
        nbo --bank banks/demo pause --channel email --reason "wrong rate" --by "A. Jansen" --until 2026-12-01

        nbo --bank banks/demo pause --outbound --reason "core system down" --by "A. Jansen" --until 2026-12-01T08:00:00
    """
    parts = components_of_bank(context)
    scope, name = _scope(offer, channel, outbound=outbound)
    ends = moment_of(parts, until)
    assert ends is not None, "a given moment"
    from wiring.bank_time import bank_now
    from wiring.delivery import gather_plans, outbox_of

    gather_plans(parts, outbox_of(parts), bank_now(parts))  # so that planned contacts are counted, too
    result = pause_service(parts).pause(scope, name, reason=reason, by=by, until=ends, caller=CALLER)
    console.print(
        f"{result.pause.target} is paused: {result.caught:,} waiting contacts caught, {result.left:,} had left",
        markup=False,
        soft_wrap=True,
    )
    show_pauses(parts)


@command()
def resume(
    context: typer.Context,
    by: By,
    offer: Offer = None,
    channel: Channel = None,
    outbound: Outbound = False,
) -> None:
    """End a pause; contacts that it held back go out if they are still allowed and not too late.

    Example: nbo --bank banks/demo resume --channel email --by "A. Jansen"
    """
    parts = components_of_bank(context)
    scope, name = _scope(offer, channel, outbound=outbound)
    pause_service(parts).resume(scope, name, by=by, caller=CALLER)
    console.print(f"{' '.join(filter(None, (scope, name)))} is no longer paused", markup=False)
    show_pauses(parts)


def _scope(offer: str | None, channel: str | None, *, outbound: bool) -> tuple[PauseScope, str]:
    from domain.pause import PauseScope

    named = [
        *([(PauseScope.OFFER, offer)] if offer else []),
        *([(PauseScope.CHANNEL, channel)] if channel else []),
        *([(PauseScope.OUTBOUND, "")] if outbound else []),
    ]
    if len(named) != 1:
        expected = "one of --offer NAME, --channel NAME and --outbound"
        raise DataError("a pause is of one thing", got=f"{len(named)} of them", expected=expected)
    return named[0]
