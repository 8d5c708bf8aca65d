"""Nothing acknowledged is lost when real servers are killed, stopped and restarted."""

from __future__ import annotations

import shutil
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from domain.errors import StateError
from records.database import Database
from records.decision_log import DecisionLog
from records.group_commit import GroupCommit
from records.ingestion import EventIngestion
from records.journal import Journal
from storage.space import LEAST_FREE_BYTES
from tests.records.build import empty_postgresql, told
from tests.serving.build import VOCABULARY, small_log
from tests.serving.service.replica import replica


def test_nothing_acknowledged_is_lost_when_a_worker_is_killed_under_load(tmp_path):
    small_log(tmp_path / "log")
    acknowledged: list[str] = []
    decided: list[str] = []
    with replica(tmp_path) as (process, client):

        def tell(worker: int) -> None:
            for number in range(10_000):
                event = {"event_id": f"{worker}-{number}", "customer_id": "c02", "type": "login"}
                try:
                    if client.post("/v1/events", json=event).status_code == 200:
                        acknowledged.append(event["event_id"])
                    answer = client.post("/v1/decisions", json={"customer_id": "c05", "channel": "app"})
                    if answer.status_code == 200:
                        decided.append(answer.json()["decision_id"])
                except httpx.TransportError:
                    return

        threads = [threading.Thread(target=tell, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 40:
            time.sleep(0.01)
        process.kill()
        for thread in threads:
            thread.join()
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    kept = {row[0] for row in Journal(database, VOCABULARY.contacts).recent("c02", 0).rows}
    assert set(acknowledged) <= kept
    log = DecisionLog(database)
    assert all(log.get(decision).record is not None for decision in decided)
    database.close()
    # another one takes over where it was
    with replica(tmp_path) as (_, client):
        again = client.post("/v1/events", json={"event_id": acknowledged[0], "customer_id": "c02", "type": "login"})
        assert again.json()["results"][0]["fate"] == "duplicate"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_database_that_is_away_is_told_and_goes_on_when_it_is_back(postgresql_server, tmp_path, end):
    small_log(tmp_path / "log")
    question = {"customer_id": "c05", "channel": "app"}
    with replica(tmp_path, empty_postgresql(postgresql_server)) as (_, client):
        first = client.post("/v1/events", json={"event_id": "e1", "customer_id": "c02", "type": "login"})
        assert first.json()["accepted"] == 1
        getattr(postgresql_server, end)()
        try:
            for url, body in (
                ("/v1/decisions", question),
                ("/v1/events", {"event_id": "e2", "customer_id": "c02", "type": "login"}),
            ):
                answer = client.post(url, json=body)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
                assert "127.0.0.1" not in answer.text
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        finally:
            postgresql_server.start()
        assert client.post("/v1/decisions", json=question).status_code == 200
        assert client.get("/readyz").status_code == 200
        again = client.post("/v1/events", json={"event_id": "e1", "customer_id": "c02", "type": "login"})
        assert again.json()["results"][0]["fate"] == "duplicate"


def test_a_full_disk_is_told_and_what_was_kept_stays(tmp_path):
    small_log(tmp_path / "log")
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    commits = GroupCommit(database)
    kind = EventIngestion(database, None)
    commits.submit(kind, [told("e1")]).result()
    # as many pages as there are, and no more: what SQLite meets on a full disk
    commits._connection.connection.dbapi_connection.execute("PRAGMA max_page_count = 1")
    rows = [told(f"full {number}", properties={"offer": "x" * 900}) for number in range(400)]
    with pytest.raises(StateError, match="full; free space on the database's disk"):
        commits.submit(kind, rows).result()
    assert [row[0] for row in Journal(database, None).recent("c02", 0).rows] == ["e1"]
    # there is space again
    assert commits.submit(kind, [told("e2")]).result()
    commits.close()
    database.close()


def test_a_disk_with_room_for_a_small_row_only_is_not_ready(tmp_path, monkeypatch):
    database = Database(f"sqlite:///{tmp_path / 'decisions.db'}")
    database.expect_writes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=LEAST_FREE_BYTES - 1))
    with pytest.raises(StateError, match=r"disk .* is full: got 1,048,575 bytes free.*; free space on the database's"):
        database.expect_writes()
    monkeypatch.undo()
    database.expect_writes()
    database.close()
