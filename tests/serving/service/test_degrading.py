"""Failures of dependencies, and the degraded answers meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from domain.errors import StateError
from domain.offer import OfferClass
from serving.decider import Decider
from serving.service.clock import Clock
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from tests.serving.api.build import small_service
from tests.serving.build import Interested, Leaving, small_bank


class Failing(Interested):
    """A model whose library fails."""

    def predict(self, features, candidates, *, num_threads=1):
        raise RuntimeError("out of order")


class Away:
    """A store that does not answer."""

    def read(self, customer_ids, now):
        raise StateError("the online store does not answer")


@pytest.fixture
def service(tmp_path):
    bank = small_bank()
    care = replace(bank.offers[1], offer_class=OfferClass.TRANSACTIONAL)
    service = small_service(tmp_path, bank=replace(bank, offers=(bank.offers[0], care)))
    yield service
    service.close()


def ask(service, customer="c05", channel="app"):
    return json.loads(service.decision_queue.ask(DecisionRequest(customer_id=customer, channel=channel)).result())


def test_a_model_that_fails_leaves_what_needs_no_score(service):
    engine = service.engine
    service.swap(LiveEngine(Decider(engine.bank, Leaving(), Failing()), engine.reader))
    said = ask(service)
    assert [offer["offer"] for offer in said["offers"]] == ["budget_check"]
    assert said["degraded"] == ["no_scores"]
    assert service.decision_log.get(said["decision_id"]).record.offers[0].offer == "budget_check"


def test_a_store_that_is_away_costs_time_and_nothing_else(service):
    before = ask(service)
    service.engine.reader._states = Away()
    said = ask(service)
    assert [offer["offer"] for offer in said["offers"]] == [offer["offer"] for offer in before["offers"]]
    assert said["degraded"] == ["features_from_log"]


def test_a_log_that_is_damaged_is_no_reason_to_guess(service, tmp_path):
    for file in (tmp_path / "log").glob("bucket-*.parquet"):
        file.write_bytes(b"damaged")
    said = ask(service)
    assert said["offers"] == []
    assert said["features_from"] == "unknown"
    assert said["degraded"] == ["features_unreadable"]


def test_what_cannot_be_kept_is_not_answered(service, monkeypatch):
    def full(*_):
        raise StateError("database or disk is full")

    monkeypatch.setattr(service.decision_queue._writer, "_write", full)
    with pytest.raises(StateError, match="disk is full"):
        ask(service)
    monkeypatch.undo()
    assert ask(service)["offers"]


def test_a_clock_that_was_moved_is_told(service, monkeypatch):
    assert ask(service)["degraded"] == []
    monkeypatch.setattr(service.clock, "_begun", service.clock._begun - 3600)
    assert ask(service)["degraded"] == ["clock_moved"]


def test_time_never_goes_back():
    clock = Clock()
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(set(moments))
