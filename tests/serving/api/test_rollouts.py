"""`/v1/rollout`: where rollouts stand, and the way back, stored for the process that publishes models."""

from __future__ import annotations

from pathlib import Path

import pytest

from decisioning.off_policy.verdict import Verdict, Word
from domain.errors import DataError, StateError
from nbo_client.messages import RolloutGate, RolloutMove, Rollouts
from nbo_client.reading import read
from serving.api.app import create_app
from serving.rollout.gate import GateAnswer, held_gate
from serving.rollout.report import RolloutReport, keep_report, read_report
from serving.rollout.requests import FILE, BackRequest, answered, ask_back, asked_back
from serving.service.service import Service
from tests.serving.api.build import KEYS, small_client, small_service
from tests.serving.api.client import running
from tests.serving.build import AS_OF

BODY = {"by": "R. Okafor", "reason": "complaints about savings offers"}


def service_of(folder: Path) -> Service:
    def back(by: str, why: str, caller: str) -> None:
        ask_back(folder, BackRequest(by=by, why=why, caller=caller))

    return small_service(folder, ask_back=back)


def test_a_call_is_stored_with_the_person_and_the_caller(tmp_path: Path) -> None:
    with running(create_app(lambda: service_of(tmp_path)), {"X-API-Key": KEYS["admin"]}) as client:
        answer = client.post("/v1/rollout/back", json=BODY)
        assert (answer.status_code, answer.json()) == (200, {"status": "asked"})
        asked = asked_back(tmp_path)
        assert asked is not None
        assert (asked.by, asked.why) == (BODY["by"], BODY["reason"])
        assert asked.caller
        assert client.post("/v1/rollout/back", json={"by": "R. Okafor"}).status_code == 422


def test_a_call_says_where_the_rollout_stands_and_what_each_gate_says(tmp_path: Path) -> None:
    report = RolloutReport(
        model="demo-propensity",
        as_of=AS_OF,
        sentence="version 7 is in the slice",
        stage="slice",
        version="7",
        share=0.05,
        since=AS_OF,
        other="6",
        challenger="7",
        gates=(
            GateAnswer("auc", Verdict(Word.SHIP, "its AUC is +1.2 %"), 0.012),
            held_gate("slice", "too few customers"),
        ),
        moves=({"at": AS_OF.isoformat(), "move": "slice given by A. Jansen: two calm weeks"},),
    )
    service = small_service(tmp_path, rollout=lambda: read_report(tmp_path / "figures"))
    with running(create_app(lambda: service), {"X-API-Key": KEYS["read"]}) as client:
        assert client.get("/v1/rollout").json() == {"rollouts": []}
        keep_report(tmp_path / "figures", report)
        [found] = read(Rollouts, client.get("/v1/rollout").json()).rollouts
    assert (found.stage, found.version, found.share, found.since, found.other) == ("slice", "7", 0.05, AS_OF, "6")
    assert (found.verdict, found.reason) == ("hold", "slice: too few customers")
    assert found.gates == (
        RolloutGate("auc", "ship", "its AUC is +1.2 %", 0.012),
        RolloutGate("slice", "hold", "too few customers", None),
    )
    assert found.moves == (RolloutMove(AS_OF, "slice given by A. Jansen: two calm weeks"),)


def test_deciding_does_not_show_rollouts(tmp_path: Path) -> None:
    with small_client(tmp_path, "decide") as client:
        assert client.get("/v1/rollout").status_code == 403


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "rollout.json").write_text('{"model": "demo-propensity"}')
    with pytest.raises(StateError, match=r"the report of the rollout is damaged.*rollout\.json"):
        read_report(tmp_path)


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
