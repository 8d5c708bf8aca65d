"""Offers that are not made while the feed that could forbid them is stale, as pauses that nobody has to press."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from config.bank import Bank
from domain.pause import Pause, PauseScope
from events.log import EventLog
from records.database import Database
from records.pauses import pauses_in_force

ITSELF: Final = "nbo"
"""Who pauses where no person does."""

_UNTIL_NEWS: Final = timedelta(days=3650)
"""A pause has an end; this one ends with the feed's next news, and is read anew before that."""


def all_pauses(database: Database, log: EventLog, bank: Bank, now: datetime) -> tuple[Pause, ...]:
    """Return the pauses in force, those of people and those of stale feeds.

    Raises:
        StateError: The database does not answer, so nothing may be offered.
    """
    pressed = pauses_in_force(database, now)
    named = {pause.name for pause in pressed if pause.scope is PauseScope.OFFER}
    return (*pressed, *(pause for pause in stale_pauses(log, bank, now) if pause.name not in named))


def stale_pauses(log: EventLog, bank: Bank, now: datetime) -> tuple[Pause, ...]:
    """Return a pause for every offer whose feed is stale; a feed that has never delivered anything is stale.

    Args:
        log: Event log.
        bank: The bank; `policies.yaml` declares its feeds.
        now: Aware moment.
    """
    found: dict[str, Pause] = {}
    for feed in bank.policy.feeds:
        newest, allowed = log.newest(feed.types), timedelta(hours=feed.stale_after_hours)
        if newest is not None and now - newest <= allowed:
            continue
        since = datetime(1970, 1, 1, tzinfo=UTC) if newest is None else newest + allowed
        known = "has told nothing yet" if newest is None else f"has told nothing since {newest:%Y-%m-%d %H:%M} UTC"
        for offer in bank.offers:
            if feed.covers(offer):
                pause = Pause(
                    scope=PauseScope.OFFER,
                    name=offer.name,
                    reason=f"the feed {feed.name} {known}; {feed.stale_after_hours:g} hours are allowed",
                    by=ITSELF,
                    paused_at=since,
                    until=since + _UNTIL_NEWS,
                )
                found.setdefault(offer.name, pause)
    return tuple(found.values())
