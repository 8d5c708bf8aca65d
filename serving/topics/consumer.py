"""Consumes topics: each message becomes an event of the journal, or goes to the topic for refused messages."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from domain.errors import DataError, StateError
from records.ingestion import EventStatus
from records.validation import SubmittedEvent
from serving.api.events import MEANINGS
from serving.service.ingestion import IngestionService, IngestResult
from serving.topics.kafka import KafkaTopics
from serving.topics.messages import Message, event_of

logger = logging.getLogger("nbo.service")

MOST_TOGETHER: Final = 500
"""Messages in one commit."""

WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0
"""First and longest wait before events are written again while the database does not answer."""

REFUSED: Final = "refused"
"""Status of messages that are not accepted; the others are those of `EventStatus`."""


class TopicConsumer:
    """Reads topics and submits their events to ingestion.

    A message's offset is committed once its event is durable, so that none is lost; a message that comes again is a
    duplicate by its event's id, so that none counts twice.

    Args:
        topics: The topics.
        ingestion: Validates events and writes them to the journal.
        sleep: Waits between attempts, seconds.
    """

    def __init__(
        self, topics: KafkaTopics, ingestion: IngestionService, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._topics = topics
        self._ingestion = ingestion
        self._sleep = sleep

    def step(self, seconds: float) -> Counter[str]:
        """Receive messages and deal with them.

        Args:
            seconds: How long to wait for the first one.

        Returns:
            Number of messages by status; empty if none came.

        Raises:
            StateError: The brokers refuse, or refused messages cannot be passed on.
        """
        messages = self._topics.receive(MOST_TOGETHER, seconds)
        if not messages:
            return Counter()
        read, refused = _read(messages)
        ingested, statuses = self._ingested([event for _, event in read])
        refused += [(read[place][0], str(error)) for place, error in ingested.refused.items()]
        for place, status in zip(ingested.places, statuses, strict=True):
            if status is EventStatus.CONFLICT:
                refused.append((read[place][0], MEANINGS[status]))
        if refused:
            self._topics.pass_on(refused)
        self._topics.commit(messages)
        counts = Counter(status.value for status in statuses if status is not EventStatus.CONFLICT)
        return counts + Counter({REFUSED: len(refused)})

    def _ingested(self, events: Sequence[SubmittedEvent]) -> tuple[IngestResult, list[EventStatus]]:
        """Submit events until they are durable, however long the database does not answer."""
        wait = WAIT_SECONDS
        while True:
            ingested = self._ingestion.ingest(events)
            try:
                return ingested, ingested.fates.result()
            except StateError as error:
                logger.error("events wait", extra={"why": str(error), "seconds": wait})
            self._sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _read(messages: Sequence[Message]) -> tuple[list[tuple[Message, SubmittedEvent]], list[tuple[Message, str]]]:
    """Return the messages that are events, and the others with what is wrong with them."""
    read, unfit = [], []
    for message in messages:
        try:
            read.append((message, event_of(message)))
        except DataError as error:
            unfit.append((message, str(error)))
    return read, unfit
