"""Concurrent requests are decided together, and each gets the answer it would get alone."""

from __future__ import annotations

import json
import threading

import pytest

from domain.errors import DataError
from events.vocabulary import ATTRIBUTES_TYPE
from records.ingestion import EventStatus
from records.validation import SubmittedEvent
from serving.decider import Decider
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from tests.serving.api.build import small_service
from tests.serving.build import Interested, Leaving

CUSTOMERS = [f"c{number:02d}" for number in range(12)]


class Gate:
    """Blocks the deciding thread until all requests wait, and records the size of each pass."""

    def __init__(self, service):
        self.passes, self._prepare, self._answering = [], service.decisions.prepare, service.decision_queue
        self._begun, self._all_asked = threading.Event(), threading.Event()
        service.decisions.prepare = self.prepare

    def prepare(self, asked, steps):
        self.passes.append(len(asked))
        self._begun.set()
        self._all_asked.wait(30)
        return self._prepare(asked, steps)

    def ask(self, questions):
        self._answering.ask(DecisionRequest(customer_id="nobody", channel="app", dry_run=True))
        self._begun.wait(30)
        answers = [self._answering.ask(question) for question in questions]
        self._all_asked.set()
        return answers


@pytest.fixture
def service(tmp_path):
    service = small_service(tmp_path)
    yield service
    service.close()


def test_many_who_ask_at_once_are_decided_in_one_pass_and_every_record_replays(service):
    gate = Gate(service)
    questions = [
        DecisionRequest(customer_id=name, channel=("app", "email")[place % 2]) for place, name in enumerate(CUSTOMERS)
    ]
    answers = [json.loads(answer.result(30)) for answer in gate.ask(questions)]
    assert gate.passes == [1, len(CUSTOMERS)]
    assert [answer["customer_id"] for answer in answers] == CUSTOMERS
    assert any(answer["offers"] for answer in answers)
    for answer in answers:
        _, replayed = service.queries.replay(answer["decision_id"])
        assert replayed.same, replayed


def test_the_second_question_about_a_customer_sees_the_contact_of_the_first(service):
    gate = Gate(service)
    letter = DecisionRequest(customer_id="c02", channel="email")
    first, second = (json.loads(answer.result(30)) for answer in gate.ask([letter, letter]))
    assert set(gate.passes) == {1}  # it may have been decided again: the first was not committed yet
    assert [offer["offer"] for offer in first["offers"]] == ["savings_plus"]
    assert second["offers"] == []
    assert "weekly" in second["fallback"]


def test_a_question_that_makes_no_sense_fails_alone(service):
    gate = Gate(service)
    good, bad = gate.ask(
        [DecisionRequest(customer_id="c02", channel="app"), DecisionRequest(customer_id="c03", channel="fax")]
    )
    assert json.loads(good.result(30))["offers"]
    with pytest.raises(DataError, match="no such channel"):
        bad.result(30)


def test_a_model_that_fails_for_one_customer_fails_for_no_other(service):
    class Fussy(Interested):
        def predict(self, features, candidates, *, num_threads=1):
            if "c03" in features.customer_ids:
                raise RuntimeError("out of order")
            return super().predict(features, candidates, num_threads=num_threads)

    engine = service.engine
    service.swap(LiveEngine(Decider(engine.bank, Leaving(), Fussy()), engine.reader))
    questions = [DecisionRequest(customer_id=name, channel="app") for name in ("c02", "c03", "c04")]
    answers = [json.loads(answer.result(30)) for answer in Gate(service).ask(questions)]
    assert [answer["degraded"] for answer in answers] == [[], ["no_scores"], []]


def test_questions_that_wait_when_the_service_ends_are_answered(service):
    answers = Gate(service).ask([DecisionRequest(customer_id=name, channel="app") for name in CUSTOMERS])
    service.decision_queue.close()
    assert all(json.loads(answer.result(30))["decision_id"] for answer in answers)


@pytest.mark.parametrize("channel", ["email", "app"])
def test_what_is_acknowledged_while_a_decision_is_on_its_way_is_counted_by_it(service, channel):
    prepare, tries = service.decisions.prepare, []

    def told_in_between(asked, steps):
        made = prepare(asked, steps)
        tries.append([candidate.offer for candidate, _ in made[0].answered])
        if len(tries) == 1:
            no = SubmittedEvent(
                event_id="no", customer_id="c02", type=ATTRIBUTES_TYPE, properties={"consent_email": False}
            )
            assert service.ingestion.ingest([no]).fates.result(30) == [EventStatus.ACCEPTED]
        return made

    service.decisions.prepare = told_in_between
    said = json.loads(service.decision_queue.ask(DecisionRequest(customer_id="c02", channel=channel)).result(30))
    assert len(tries) == 2
    assert tries[0]
    if channel == "email":
        assert not said["offers"]
        assert "consent_email" in said["fallback"]
