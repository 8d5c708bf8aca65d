"""A Kafka broker for tests: the one inside librdkafka, which speaks the protocol on a port of this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

TOPIC = "customer-events"


@dataclass
class Broker:
    """A running broker, and a producer on it."""

    producer: Producer
    properties: dict[str, str]

    def send(self, value: bytes | None, headers: Mapping[str, str | bytes | None] | None = None) -> None:
        """Write a message to the topic; all go to one partition, so that their order is known."""
        self.producer.produce(TOPIC, value, headers=dict(headers or {}), partition=0)

    def sent(self) -> None:
        """Wait until the messages are there."""
        assert self.producer.flush(10) == 0

    def read(self, topic: str, number: int) -> list[tuple[bytes | None, dict[str, bytes]]]:
        """Return the first messages of a topic, with their headers."""
        reader = Consumer({**self.properties, "group.id": "of nobody"})
        partitions = self.producer.list_topics(topic, timeout=10).topics[topic].partitions
        reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        found: list[tuple[bytes | None, dict[str, bytes]]] = []
        for _ in range(60):
            for message in reader.consume(number - len(found), timeout=0.5):
                assert message.error() is None
                found.append((message.value(), dict(message.headers() or ())))
            if len(found) == number:
                break
        reader.close()
        return found


@contextmanager
def broker() -> Iterator[Broker]:
    """Run a broker, which ends with the producer that started it."""
    starting = {
        "bootstrap.servers": "replaced",
        "test.mock.num.brokers": 1,
        "log_level": 0,
        "enable.metrics.push": False,
    }
    producer = Producer(starting)
    [found] = producer.list_topics(timeout=10).brokers.values()
    # longer than the broker waits for members at first; short, so that one that is gone does not keep its partitions
    sessions = {"session.timeout.ms": "5000", "heartbeat.interval.ms": "500"}
    properties = {"bootstrap.servers": f"{found.host}:{found.port}", "log_level": "0", **sessions}
    yield Broker(producer, properties)
    producer.flush(1)
