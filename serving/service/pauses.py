"""The stop button: pauses an offer, a channel or all outbound channels, and resumes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from config.bank import Bank
from domain.errors import DataError, NotFoundError, nearest
from domain.pause import Pause, PauseScope, is_protected
from records.audit import AuditEntry, AuditWriter
from records.database import Database
from records.event_rows import microseconds
from records.pauses import begin_pause, end_pause, pauses_in_force
from records.schema import OUTBOX
from serving.delivery.states import State
from serving.service.engine import outbound_channels

LONGEST_TEXT = 500
"""Characters of a reason or a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseResult:
    """What a pause found in the outbox.

    Attributes:
        pause: The pause, now in force.
        caught: Waiting contacts that are not handed over while it lasts.
        left: Contacts that were handed over before, and whose time to be made has not passed.
    """

    pause: Pause
    caught: int
    left: int


class PauseService:
    """Pauses and resumes.

    Args:
        database: Database of the outbox and the audit.
        now: Gives the current moment.
        bank: Returns the bank whose offers and channels can be paused.
    """

    def __init__(self, database: Database, now: Callable[[], datetime], bank: Callable[[], Bank]) -> None:
        self._database = database
        self._now = now
        self._bank = bank

    def in_force(self) -> tuple[Pause, ...]:
        """Return the pauses that have not ended."""
        return pauses_in_force(self._database, self._now())

    def held(self) -> tuple[PauseResult, ...]:
        """Return the pauses that have not ended, with the contacts that each holds back now."""
        now = self._now()
        pauses = pauses_in_force(self._database, now)
        with self._database.reading() as connection:
            found = [(pause, *self._counted(connection, pause, now)) for pause in pauses]
        return tuple(PauseResult(pause=pause, caught=caught, left=left) for pause, caught, left in found)

    def pause(self, scope: PauseScope, name: str, *, reason: str, by: str, until: datetime, caller: str) -> PauseResult:
        """Put a pause in force; one of the same offer or channel is replaced.

        From the commit on, no contact in its scope is handed over; services and batch runs read it before they decide.
        Mandatory offers and those tagged `service` are stopped only by a pause of their own.

        Args:
            scope: What is stopped.
            name: The offer or channel; empty for all outbound channels.
            reason: Why.
            by: Name of the person.
            until: Aware moment at which it ends.
            caller: Who calls, for the audit.

        Raises:
            DataError: There is no such offer or channel, the reason or the person is missing, or the moment has passed.
            StateError: The database does not answer; nothing is paused.
        """
        self._check(scope, name)
        now = self._now()
        pause = Pause(
            scope=scope, name=name, reason=_text("reason", reason), by=_text("person", by), paused_at=now, until=until
        )
        if until <= now:
            got = f"until {until:%Y-%m-%d %H:%M %Z}"
            raise DataError(
                "the pause would be over already", got=got, expected=f"a moment after {now:%Y-%m-%d %H:%M} UTC"
            )
        with self._database.transaction(patient=True) as connection:
            begin_pause(connection, self._database, pause)
            caught, left = self._counted(connection, pause, now)
            detail = f"{pause.target} until {until.isoformat()} by {pause.by}: {pause.reason}"
            self._note(connection, "pause", f"{detail}; {caught} waiting contacts caught, {left} had left", caller)
        return PauseResult(pause=pause, caught=caught, left=left)

    def resume(self, scope: PauseScope, name: str, *, by: str, caller: str) -> None:
        """End a pause.

        Args:
            scope: What was stopped.
            name: The offer or channel; empty for all outbound channels.
            by: Name of the person.
            caller: Who calls, for the audit.

        Raises:
            NotFoundError: It is not paused.
            StateError: The database does not answer; the pause stays in force.
        """
        person = _text("person", by)
        with self._database.transaction(patient=True) as connection:
            if not end_pause(connection, self._database, scope, name):
                raise NotFoundError(f"{' '.join(filter(None, (scope, name)))} is not paused")
            self._note(connection, "resume", f"{' '.join(filter(None, (scope, name)))} by {person}", caller)

    def _check(self, scope: PauseScope, name: str) -> None:
        bank = self._bank()
        known = {
            PauseScope.OFFER: [offer.name for offer in bank.offers],
            PauseScope.CHANNEL: list(bank.vocabulary.channels),
            PauseScope.OUTBOUND: [""],
        }[scope]
        if scope is PauseScope.OUTBOUND and name:
            raise DataError("a pause of all outbound channels has no name", got=f"'{name}'", expected="no name")
        if name not in known:
            raise DataError(f"no such {scope}", got=f"'{name}'", expected=nearest(name, known))

    def _counted(self, connection: Connection, pause: Pause, now: datetime) -> tuple[int, int]:
        bank = self._bank()
        protected = {offer.name for offer in bank.offers if is_protected(offer)}
        recent = microseconds(now - timedelta(hours=bank.delivery.late_hours))
        begun = (OUTBOX.c.attempts > 0).label("begun")
        query = (
            select(OUTBOX.c.offer, OUTBOX.c.channel, OUTBOX.c.state, begun, func.count())
            .where(OUTBOX.c.contact_at >= recent)
            .group_by(OUTBOX.c.offer, OUTBOX.c.channel, OUTBOX.c.state, begun)
        )
        caught = left = 0
        for offer, channel, state, attempted, count in connection.execute(query):
            if pause.stops(offer, channel, outbound=outbound_channels(bank.policy), protected=protected):
                caught += count if state == State.WAITING else 0
                left += count if attempted and state != State.WAITING else 0
        return caught, left

    def _note(self, connection: Connection, act: str, detail: str, caller: str) -> None:
        line = AuditEntry(at=microseconds(self._now()), caller=caller, act=act, detail=detail)
        AuditWriter(self._database).together(connection, [line])


def _text(what: str, text: str) -> str:
    stripped = " ".join(text.split())
    if not 0 < len(stripped) <= LONGEST_TEXT:
        raise DataError(f"a pause needs a {what}", got=f"{len(stripped)} characters", expected=f"1 to {LONGEST_TEXT}")
    return stripped
