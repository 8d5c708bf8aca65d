"""Event ingestion: validates submitted events and commits them, so that the next decision counts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from events.vocabulary import Vocabulary
from records.database import Database
from records.event_rows import row_of
from records.group_commit import GroupCommit
from records.ingestion import EventIngestion, EventStatus
from records.logged import LoggedEvents
from records.validation import EventRefusedError, SubmittedEvent, accepted
from serving.service.clock import Clock


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Events on their way into the journal.

    Attributes:
        refused: Position of each invalid event -> why it was refused.
        places: Positions of the valid events.
        fates: Their statuses, in the order of `places`, available after the commit.
    """

    refused: dict[int, EventRefusedError]
    places: tuple[int, ...]
    fates: Future[list[EventStatus]]


class IngestionService:
    """Validates events and submits them for commit.

    Args:
        database: Database of the journal.
        commits: Group commit.
        clock: Gives the moment from which the bank knows an event.
        vocabulary: Returns the current vocabulary.
        logged: Events already in the event log.
    """

    def __init__(
        self,
        database: Database,
        commits: GroupCommit,
        clock: Clock,
        vocabulary: Callable[[], Vocabulary],
        logged: LoggedEvents,
    ) -> None:
        self._commits = commits
        self._clock = clock
        self._vocabulary = vocabulary
        contacts = vocabulary().contacts
        self._acceptance = EventIngestion(database, None if contacts is None else contacts.presented, logged)

    def ingest(self, told: Sequence[SubmittedEvent]) -> IngestResult:
        """Validate events, and submit the valid ones for commit.

        Raises:
            StateError: The service is closing.
        """
        vocabulary, now = self._vocabulary(), self._clock.now()
        refused: dict[int, EventRefusedError] = {}
        rows, places = [], []
        for place, one in enumerate(told):
            try:
                event = accepted(one, vocabulary, now)
            except EventRefusedError as error:
                refused[place] = error
            else:
                rows.append(row_of(event, said_at=one.occurred_at))
                places.append(place)
        if rows:
            return IngestResult(refused, tuple(places), self._commits.submit(self._acceptance, rows))
        nothing: Future[list[EventStatus]] = Future()
        nothing.set_result([])
        return IngestResult(refused, (), nothing)
