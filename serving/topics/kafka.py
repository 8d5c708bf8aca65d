"""Topics of Kafka: receives messages, passes on refused ones, and commits offsets once messages are done with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from domain.errors import StateError
from serving.topics.messages import Message

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka import Message as Received

SECONDS_TO_PASS_ON: Final = 30.0

ALWAYS: Final[Mapping[str, str | bool]] = {
    "enable.auto.commit": False,  # an offset is committed once its event is durable
    "enable.metrics.push": False,  # the client would send figures about itself to the broker
    "allow.auto.create.topics": False,
}
_OF_CONSUMER: Final[Mapping[str, str]] = {"auto.offset.reset": "earliest", "isolation.level": "read_committed"}
_OF_PRODUCER: Final[Mapping[str, str | bool]] = {"enable.idempotence": True, "enable.metrics.push": False}
_SHARED: Final = ("bootstrap.", "security.", "sasl.", "ssl.", "client.", "socket.", "broker.", "test.")
"""Beginnings of properties that hold for consumers and producers alike."""


class KafkaTopics:
    """Reads topics as a member of a consumer group.

    Args:
        properties: Properties of librdkafka; those of `ALWAYS` cannot be changed.
        group: Consumer group; its members share the partitions.
        topics: Names of the topics.
        refused: Topic for messages that are not accepted; None for the message's own topic with `.refused` at its end.
    """

    def __init__(
        self, properties: Mapping[str, str], group: str, topics: Sequence[str], refused: str | None = None
    ) -> None:
        self._refused = refused
        self._consumer = Consumer({**_OF_CONSUMER, **properties, "group.id": group, **ALWAYS})
        shared = {name: value for name, value in properties.items() if name.startswith(_SHARED)}
        self._producer = Producer({**shared, **_OF_PRODUCER})
        self._consumer.subscribe(list(topics))

    def receive(self, most: int, seconds: float) -> list[Message]:
        """Return up to `most` messages, those of a partition in their order; none if none arrive in time.

        Raises:
            StateError: The brokers refuse, or a topic does not exist.
        """
        received = self._consumer.consume(num_messages=most, timeout=seconds)
        for one in received:
            if (error := one.error()) is not None and not error.retriable():
                raise StateError("the topics cannot be read", got=_words(error), remedy="see the broker's log")
        return [_message(one) for one in received if one.error() is None]

    def pass_on(self, refused: Iterable[tuple[Message, str]]) -> None:
        """Write refused messages to their topic, each as it came, with the reason in a header.

        Raises:
            StateError: One was not written; none of the messages is done with then.
        """
        failed: list[KafkaError] = []

        def written(error: KafkaError | None, _: Received) -> None:
            if error is not None:
                failed.append(error)

        for message, reason in refused:
            came = f"{message.topic}/{message.partition}/{message.offset}"
            headers: dict[str, str | bytes | None] = {**message.headers, "nbo_reason": reason, "nbo_from": came}
            self._producer.produce(
                self.refused_topic(message.topic), message.value, headers=headers, on_delivery=written
            )
        if self._producer.flush(SECONDS_TO_PASS_ON) or failed:
            raise StateError(
                "refused messages could not be passed on",
                got=_words(failed[0]) if failed else f"no confirmation within {SECONDS_TO_PASS_ON:g} s",
                remedy="create the topic for refused messages, or name another with --refused",
            )

    def refused_topic(self, topic: str) -> str:
        """Return the topic for refused messages of a topic."""
        return self._refused or f"{topic}.refused"

    def commit(self, messages: Sequence[Message]) -> None:
        """Commit the offsets behind messages.

        If the partitions belong to another member of the group by now, nothing happens: it receives the messages again,
        and their events are duplicates.
        """
        behind: dict[tuple[str, int], int] = {}
        for message in messages:
            place = message.topic, message.partition
            behind[place] = max(behind.get(place, 0), message.offset + 1)
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in behind.items()]
        with suppress(KafkaException):
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def _message(received: Received) -> Message:
    topic, partition, offset = received.topic(), received.partition(), received.offset()
    assert topic is not None  # messages without an error have all of them
    assert partition is not None
    assert offset is not None
    headers = {name: _as_bytes(value) or b"" for name, value in dict(received.headers() or ()).items()}
    return Message(topic, partition, offset, _as_bytes(received.value()), headers)


def _as_bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _words(error: KafkaError) -> str:
    return error.str() or error.name()
