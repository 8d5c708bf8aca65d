"""The current time of a bank: that of its services, of its simulated life, or of the machine.

All services of a bank that run at the same time, including replicas and restarted ones, share one time: the first to
start fixes its offset from the machine's clock, and later ones use it for as long as one of them runs. While none runs,
a simulated bank's time stands still.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from domain.errors import StateError
from records.event_rows import moment_of
from records.newest import closed_until, newest_kept
from simulation.clock import SimulatedClock
from simulation.world import DAYS_A_MONTH
from storage.atomic import replace_text
from storage.lock import anybody_present, locked, present
from wiring.components import Components

TIME: Final = "time.json"
STARTING: Final = "starting.lock"
SERVING: Final = "serving.lock"
"""Files in the folder of the bank's clock: its offset, and locks for starting and for running services."""

_MICROSECOND: Final = timedelta(microseconds=1)


class TimeOrigin(StrEnum):
    """What a service's time is based on."""

    MACHINE = "machine"
    LAST_MOMENT = "last moment"
    """Last moment of a simulated bank."""
    ASKED = "asked"
    """Moment given by `--as-of`."""
    KEPT = "kept"
    """Moment of the latest stored event, contact, flush or erasure, which is later than `--as-of`."""
    SHARED = "shared"
    """Time of the bank's services that are already running."""


@dataclass(frozen=True, slots=True)
class ServedTime:
    """The time of a service.

    Attributes:
        ahead: Offset from the machine's clock.
        origin: What it is based on.
    """

    ahead: timedelta
    origin: TimeOrigin

    def now(self) -> datetime:
        """Return the current time, UTC."""
        return datetime.now(UTC) + self.ahead


@contextmanager
def serving_time(components: Components, as_of: datetime | None) -> Iterator[ServedTime]:
    """Yield the time of a service that starts now; other services share it until the end of the block.

    It is never earlier than stored data: otherwise a consent withdrawn or a contact made later would not count.

    Args:
        components: Components of the bank.
        as_of: Requested aware moment; None for a simulated bank's last moment, or else the machine's time.

    Raises:
        StateError: The bank is being served at another time, or the state cannot be written or read.
    """
    place = components.places.clock
    with ExitStack() as stack:
        try:
            place.mkdir(parents=True, exist_ok=True)
            with locked(place / STARTING):
                if anybody_present(place / SERVING):
                    time = _shared(components, as_of)
                else:
                    time = _started(components, as_of)
                    content = {"ahead_microseconds": time.ahead // _MICROSECOND, "as_of": _text(as_of)}
                    replace_text(place / TIME, json.dumps(content))
                stack.enter_context(present(place / SERVING))
        except OSError as error:
            raise StateError(
                "the time of the service cannot be stored",
                got=error.strerror or str(error),
                remedy=f"free space or give write access to {place}",
            ) from error
        yield time


def served_now(components: Components) -> datetime | None:
    """Return the current time of the bank's services; None if none runs.

    Raises:
        StateError: It cannot be read.
    """
    place = components.places.clock
    if not place.exists():
        return None
    with locked(place / STARTING):
        return datetime.now(UTC) + _read(place)[0] if anybody_present(place / SERVING) else None


def bank_now(components: Components) -> datetime:
    """Return the current time: that of a running service, of a simulated bank, or of the machine.

    Raises:
        StateError: Clock, event log or journal cannot be read.
    """
    served = served_now(components)
    if served is not None:
        return served
    return datetime.now(UTC) if components.bank.simulation is None else _end_of_life(components)


def last_moment(components: Components) -> datetime:
    """Return the moment just after the latest news in event log and journal, or until which the sources are complete.

    Raises:
        DataError: There is no news.
        StateError: Event log or journal cannot be read.
    """
    found = _last_moment(components)
    if found is not None and components.log.last_available_at() is None:
        return found
    return max(filter(None, (found, components.latest())))


def _last_moment(components: Components) -> datetime | None:
    found = [
        moment
        for moment in (components.log.last_available_at(), newest_kept(components.database))
        if moment is not None
    ]
    return max(found) + _MICROSECOND if found else None


def _end_of_life(components: Components) -> datetime:
    """Return the last moment of a simulated bank, and of its services; before the simulation, when it will end."""
    simulation = components.bank.simulation
    assert simulation is not None, "a simulated bank"
    days = SimulatedClock.of(simulation.start, simulation.months * DAYS_A_MONTH, components.bank.time_zone)
    return max(filter(None, (_last_moment(components) or moment_of(days.end), _after_closing(components))))


def _after_closing(components: Components) -> datetime | None:
    closed = closed_until(components.database)
    return None if closed is None else closed + _MICROSECOND


def _started(components: Components, as_of: datetime | None) -> ServedTime:
    if as_of is not None:
        kept = list(filter(None, (newest_kept(components.database), closed_until(components.database))))
        if kept and max(kept) >= as_of:
            return ServedTime(max(kept) + _MICROSECOND - datetime.now(UTC), TimeOrigin.KEPT)
        return ServedTime(as_of - datetime.now(UTC), TimeOrigin.ASKED)
    if components.bank.simulation is None:
        return ServedTime(timedelta(0), TimeOrigin.MACHINE)
    return ServedTime(_end_of_life(components) - datetime.now(UTC), TimeOrigin.LAST_MOMENT)


def _shared(components: Components, as_of: datetime | None) -> ServedTime:
    ahead, asked = _read(components.places.clock)
    time = ServedTime(ahead, TimeOrigin.SHARED)
    real = components.bank.simulation is None
    # without --as-of any time will do for a simulated bank, but a real bank expects real time
    if (_text(as_of) != asked) if as_of is not None else (real and ahead):
        raise StateError(
            f"bank {components.name} is being served at another time",
            got="the machine's" if as_of is None else f"--as-of {as_of:%Y-%m-%dT%H:%M:%S}",
            expected="the time of the running services: "
            + ("no --as-of" if asked is None else f"--as-of {asked}")
            + f"; their clock stands at {time.now().astimezone(components.bank.time_zone):%Y-%m-%d %H:%M:%S}",
            remedy="stop them first, or start this one with the same time",
        )
    return time


def _read(place: Path) -> tuple[timedelta, str | None]:
    try:
        content = json.loads((place / TIME).read_text(encoding="utf-8"))
        return content["ahead_microseconds"] * _MICROSECOND, content["as_of"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StateError(
            "the time of the running services cannot be read",
            got=str(error),
            remedy=f"stop them, then start them again: {place / TIME} is rewritten",
        ) from error


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
