from datetime import UTC, datetime

from domain.event import Event
from pipelines.importing import import_files
from serving.journal.acceptance import Acceptance
from serving.journal.commits import GroupCommit
from serving.journal.rows import row_of
from tests.pipelines.small_bank import SmallBank


def test_an_import_brings_what_the_service_accepted_into_the_log_once(tmp_path, monkeypatch):
    small = SmallBank.write(tmp_path, customers=20, months=2)
    small.use(monkeypatch)
    (small.folder / "sources.yaml").write_text("[]\n")
    small.parts.sources.mkdir(parents=True)
    now = datetime.now(UTC)
    event = Event(event_id="e1", customer_id="C1", type="app_login", occurred_at=now, available_at=now, channel="app")
    commits = GroupCommit(small.parts.database)
    commits.submit(Acceptance(small.parts.database, None), [row_of(event, said_at=now)]).result()
    commits.close()
    imported = import_files.fn(str(small.folder))
    assert imported["files"][0]["source"] == "real-time service"
    assert imported["files"][0]["accepted"] == 1
    assert [row["event_id"] for row in small.parts.log.read_customer("C1").to_pylist()] == ["e1"]
    again = import_files.fn(str(small.folder))
    assert again["events"] == 1
    assert "real-time service" not in [row["source"] for row in again["files"]]
