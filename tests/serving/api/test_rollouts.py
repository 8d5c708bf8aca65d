"""`POST /v1/rollout/back`: a request is stored for the process that publishes models."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DataError, StateError
from serving.api.app import create_app
from serving.rollout.requests import FILE, BackRequest, answered, ask_back, asked_back
from serving.service.service import Service
from tests.serving.api.build import KEYS, small_service
from tests.serving.api.client import running

BODY = {"by": "R. Okafor", "reason": "complaints about savings offers"}


def service_of(folder: Path) -> Service:
    service = small_service(folder)
    service.ask_back = lambda by, why, caller: ask_back(folder, BackRequest(by=by, why=why, caller=caller))
    return service


def test_a_call_is_stored_with_the_person_and_the_caller(tmp_path: Path) -> None:
    with running(create_app(lambda: service_of(tmp_path)), {"X-API-Key": KEYS["admin"]}) as client:
        answer = client.post("/v1/rollout/back", json=BODY)
        assert (answer.status_code, answer.json()) == (200, {"status": "asked"})
        asked = asked_back(tmp_path)
        assert asked is not None
        assert (asked.by, asked.why) == (BODY["by"], BODY["reason"])
        assert asked.caller
        assert client.post("/v1/rollout/back", json={"by": "R. Okafor"}).status_code == 422


def test_a_request_needs_a_person_and_a_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="going back needs a reason"):
        ask_back(tmp_path, BackRequest(by="A", why=" ", caller="console"))
    assert asked_back(tmp_path) is None


def test_a_damaged_request_is_named_and_one_that_is_done_is_gone(tmp_path: Path) -> None:
    ask_back(tmp_path, BackRequest(by="A", why="B", caller="console"))
    answered(tmp_path)
    assert asked_back(tmp_path) is None
    (tmp_path / FILE).write_text("{")
    with pytest.raises(StateError, match="damaged"):
        asked_back(tmp_path)
