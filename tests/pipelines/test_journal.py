from datetime import UTC, datetime

from domain.event import Event
from pipelines.importing import flush_journal
from records.event_rows import row_of
from records.group_commit import GroupCommit
from records.ingestion import EventIngestion
from tests.pipelines.small_bank import SmallBank


def test_an_import_brings_what_the_service_accepted_into_the_log_once(tmp_path, monkeypatch):
    small = SmallBank.write(tmp_path, customers=20, months=2)
    small.use(monkeypatch)
    now = datetime.now(UTC)
    event = Event(event_id="e1", customer_id="C1", type="app_login", occurred_at=now, available_at=now, channel="app")
    commits = GroupCommit(small.parts.database)
    commits.submit(EventIngestion(small.parts.database, None), [row_of(event, said_at=now)]).result()
    commits.close()
    [row] = flush_journal(small.parts, datetime.now(UTC))
    assert (row["source"], row["accepted"], row["quarantined"]) == ("real-time service", 1, 0)
    assert [row["event_id"] for row in small.parts.log.read_customer("C1").to_pylist()] == ["e1"]
    assert flush_journal(small.parts, datetime.now(UTC)) == []
    assert small.parts.log.count() == 1
