"""The pauses of a bank, for commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbo.display import show_table

if TYPE_CHECKING:
    from serving.service.pauses import PauseService
    from wiring.components import Components


def show_pauses(components: Components) -> None:
    """Show the pauses in force, if there are any; a database that is not there yet has none, and is not created."""
    if not components.has_database():
        return
    zone = components.bank.time_zone
    rows = [
        (one.target, f"{one.until.astimezone(zone):%Y-%m-%d %H:%M}", one.by, one.reason)
        for one in pause_service(components).in_force()
    ]
    if rows:
        show_table("paused", ("what", "until", "by", "reason"), rows)


def pause_service(components: Components) -> PauseService:
    """Return what pauses and resumes for a bank."""
    from serving.service.pauses import PauseService
    from wiring.bank_time import bank_now

    return PauseService(components.database, lambda: bank_now(components), lambda: components.bank)
