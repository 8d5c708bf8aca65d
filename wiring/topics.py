"""A bank's topics with real components: what `nbo listen` runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from config.reading import load_bank
from config.topics import kafka_properties
from domain.errors import NboError
from records.group_commit import GroupCommit
from records.logged import LoggedEvents
from serving.service.clock import Clock
from serving.service.ingestion import IngestionService
from wiring.components import Components, folder_stamp

if TYPE_CHECKING:
    from events.vocabulary import Vocabulary
    from serving.topics.consumer import TopicConsumer

logger = logging.getLogger("nbo.service")


@contextmanager
def topic_consumer(
    components: Components, clock: Clock, topics: Sequence[str], group: str, refused: str | None = None
) -> Iterator[TopicConsumer]:
    """Yield a consumer of topics, which leaves its group at the end of the block.

    Args:
        components: Components of the bank.
        clock: Gives the moment from which the bank knows an event.
        topics: Names of the topics.
        group: Consumer group.
        refused: Topic for refused messages; by default each topic has its own.

    Raises:
        SettingError: The properties of the connection are not valid.
        NboError: The package of the client is not installed.
    """
    properties = kafka_properties(os.environ)
    try:
        from serving.topics.consumer import TopicConsumer  # noqa: PLC0415  only where the package is installed
        from serving.topics.kafka import KafkaTopics  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "confluent_kafka":
            raise
        raise NboError(
            "topics need a package that is not installed", got="no confluent-kafka", remedy="pip install 'nbo[kafka]'"
        ) from error
    vocabulary = _CurrentVocabulary(components)
    with closing(GroupCommit(components.database)) as commits:
        ingestion = IngestionService(components.database, commits, clock, vocabulary, LoggedEvents(components.log))
        with closing(KafkaTopics(properties, group, topics, refused)) as opened:
            yield TopicConsumer(opened, ingestion)


class _CurrentVocabulary:
    """Returns the vocabulary of the bank's folder, read again when the folder changes; a broken folder is ignored."""

    def __init__(self, components: Components) -> None:
        self._folder = components.folder
        self._stamp = folder_stamp(components.folder)
        self._vocabulary = components.bank.vocabulary

    def __call__(self) -> Vocabulary:
        stamp = folder_stamp(self._folder)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._vocabulary = load_bank(self._folder).vocabulary
            except NboError as error:
                logger.error("refused", extra={"why": str(error)})
        return self._vocabulary
