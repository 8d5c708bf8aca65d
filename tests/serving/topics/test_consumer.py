"""The consumer on a broker, with a real journal."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, text

from domain.errors import StateError
from events.log import EventLog
from records.database import Database
from records.group_commit import GroupCommit
from records.logged import LoggedEvents
from records.schema import EVENTS
from serving.service.clock import Clock
from serving.service.ingestion import IngestionService
from serving.topics.consumer import TopicConsumer
from serving.topics.kafka import KafkaTopics
from tests.serving.build import VOCABULARY
from tests.serving.topics.broker import TOPIC, Broker, broker


@pytest.fixture(scope="module", name="kafka")
def running() -> Iterator[Broker]:
    with broker() as found:
        yield found


def login(number: int, **other: str) -> bytes:
    return json.dumps({"event_id": f"e{number}", "customer_id": "C1", "type": "login", **other}).encode()


@contextmanager
def consuming(kafka: Broker, folder: Path, group: str) -> Iterator[tuple[TopicConsumer, Database]]:
    """Consume on a database that may have been written before."""
    database = Database(f"sqlite:///{folder}/decisions.db")
    with closing(database), closing(GroupCommit(database)) as commits:
        ingestion = IngestionService(
            database, commits, Clock(), lambda: VOCABULARY, LoggedEvents(EventLog(folder / "log"))
        )
        with closing(KafkaTopics(kafka.properties, group, [TOPIC])) as topics:
            yield TopicConsumer(topics, ingestion, sleep=lambda _: None), database


def until(consumer: TopicConsumer, number: int) -> Counter[str]:
    """Consume until a number of messages have been dealt with."""
    counts: Counter[str] = Counter()
    for _ in range(120):
        counts += consumer.step(0.25)
        if counts.total() >= number:
            return counts
    raise AssertionError(f"only {counts}")


def journal(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(connection.scalars(select(EVENTS.c.event_id)))


def test_each_message_is_an_event_or_refused_and_counts_once(kafka: Broker, tmp_path: Path) -> None:
    for value in (login(1), login(2), login(1), login(2, channel="app"), login(3, type="logn"), b"nothing"):
        kafka.send(value)
    kafka.sent()
    with consuming(kafka, tmp_path, "first") as (consumer, database):
        assert until(consumer, 6) == {"accepted": 2, "duplicate": 1, "refused": 3}
        assert journal(database) == ["e1", "e2"]
    refused = kafka.read(f"{TOPIC}.refused", 3)
    assert {value: headers["nbo_reason"].decode() for value, headers in refused} == {
        login(3, type="logn"): "type: type unknown: got 'logn', "
        "expected 'login' (did you mean it?) or one of offer_accepted, offer_presented",
        b"nothing": "the message is not JSON: got JSONDecodeError, expected one event as JSON",
        login(2, channel="app"): "the id belongs to another event, which came first and stays",
    }
    assert sorted(headers["nbo_from"] for _, headers in refused) == [
        b"customer-events/0/3",
        b"customer-events/0/4",
        b"customer-events/0/5",
    ]

    # who begins anew, as after a loss of its offsets, changes nothing
    with consuming(kafka, tmp_path, "anew") as (consumer, database):
        assert until(consumer, 6) == {"duplicate": 3, "refused": 3}
        assert journal(database) == ["e1", "e2"]
    # and who goes on where it was gets only what is new
    kafka.send(login(4))
    kafka.sent()
    with consuming(kafka, tmp_path, "first") as (consumer, database):
        assert until(consumer, 1) == {"accepted": 1}


def test_while_the_database_does_not_answer_messages_wait(kafka: Broker, tmp_path: Path) -> None:
    kafka.send(login(5))
    kafka.sent()
    with consuming(kafka, tmp_path, "waiting") as (consumer, database):
        waits: list[float] = []
        with database.connect() as broken:
            broken.execute(text("ALTER TABLE journal_events RENAME TO away"))
            broken.commit()

        def mend(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                with database.connect() as mending:
                    mending.execute(text("ALTER TABLE away RENAME TO journal_events"))
                    mending.commit()

        consumer._sleep = mend
        assert until(consumer, 1)["accepted"] >= 1
        assert waits == [0.5, 1.0, 2.0]
        assert "e5" in journal(database)


def test_a_topic_that_does_not_exist_is_told(kafka: Broker) -> None:
    with closing(KafkaTopics(kafka.properties, "lost", ["no/topic"])) as topics:
        topics.receive(1, 0)
        with pytest.raises(StateError, match="the topics cannot be read"):
            list(iter(partial(topics.receive, 1, 0.5), None))
