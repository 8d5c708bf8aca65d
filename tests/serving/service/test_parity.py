"""The service, a batch run and a recomputation from all events decide the same for the same moment."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta

import pytest

from decisioning.engine import DecisionContext
from domain.decision import Decision
from records.flush import flush
from serving.service.deciding import SEED
from serving.service.decision_request import DecisionRequest
from tests.records.build import accept, told
from tests.serving.api.build import small_service
from tests.serving.build import AS_OF, features_of_all
from tests.serving.test_customer import online_states


@pytest.fixture
def service(tmp_path):
    service = small_service(tmp_path)
    yield service
    service.close()


@pytest.mark.parametrize("channel", ["app", "email"])
def test_service_batch_and_recomputation_decide_the_same(service, tmp_path, channel):
    engine, log = service.engine, service.engine.reader._log
    engine.reader._states = online_states(engine.bank, log, tmp_path)
    # logins and an e-mail of today that only the journal knows, one of them told twice
    accept(service.database, told("e1", "c03"), told("e2", "c03"), told("e1", "c03"), told("e3", "c07"))
    accept(service.database, told("e4", "c04", kind="offer_presented", channel="email"))
    customers = [f"c{number:02d}" for number in range(12)]
    answers = [
        json.loads(service.decision_queue.ask(DecisionRequest(customer_id=name, channel=channel)).result(30))
        for name in customers
    ]
    assert {answer["features_from"] for answer in answers} == {"state"}
    assert any(answer["offers"] for answer in answers)

    flush(service.database, log, AS_OF + timedelta(hours=1))
    for answer in answers:
        kept = service.decision_log.get(answer["decision_id"])
        everybody = features_of_all(engine.bank, log, kept.as_of)
        decisions = engine.decider.decide(everybody, DecisionContext(as_of=kept.as_of, seed=SEED, channels=[channel]))
        row = everybody.customer_ids.tolist().index(answer["customer_id"])
        again = engine.decider.record(decisions, row, channel)
        assert kept.record is not None
        assert [
            field.name for field in fields(Decision) if getattr(again, field.name) != getattr(kept.record, field.name)
        ] == []
