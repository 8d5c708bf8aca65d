from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import records.archive.archiving as archiving
from decisioning.engine import DecisionContext
from decisioning.reporting.tables import ranked_offers
from domain.errors import NotFoundError, StateError
from records.archive.archive import DecisionArchive
from records.archive.archiving import archive_decisions, remove_explanations
from records.archive.files import PENDING as PENDING_ENDING
from records.archive.files import place_of
from records.database import Database
from records.decision_log import DecisionLog
from records.decision_writes import AnswerWrite, Claim, DecisionWrite, DecisionWriter, decision_row
from records.event_rows import microseconds
from records.group_commit import GroupCommit
from records.schema import ARCHIVED, CHARGES, DECISIONS
from serving.replay import replay
from tests.records.build import empty_postgresql
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

NOW = AS_OF + timedelta(days=365)
CUSTOMERS = [f"c{number:02d}" for number in range(12)]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))


class Records:
    """A log with single decisions over some months, each charged, and a batch."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.url = url or f"sqlite:///{folder / 'decisions.db'}"
        self.folder = folder / "decisions_archive"
        self.open()

    def open(self) -> None:
        """Open the database and the archive, as a new process does."""
        self.database = Database(self.url)
        self.archive = DecisionArchive(self.folder, self.database)
        self.log = DecisionLog(self.database, self.archive)

    def write(self, everybody, days=(0, 20, 40, 200)) -> dict[str, tuple]:
        """Write decisions; return how each has to be found."""
        decider, commits = small_decider(), GroupCommit(self.database)
        for day in days:
            at = AS_OF + timedelta(days=day)
            decided = decider.decide(everybody, DecisionContext(as_of=at, seed=7, channels=["app"]))
            made, traces = [], decider.traces(decided)
            for row in range(len(decided)):
                trace = traces.of(row, "app")
                made.append(
                    DecisionWrite(
                        row=decision_row(trace, "state", trace.text()),
                        versions=trace.versions,
                        book=decider.rule_book,
                        seen_version=0,
                        seen_erasure=0,
                        claims=(Claim("bonus", "2026-03-01", 100 + row, 10_000_000),),
                    )
                )
            answering = AnswerWrite(decisions=tuple(made), request=None, answer=b"", at=0)
            assert commits.submit(DecisionWriter(self.database), answering).result(30).done
        commits.close()
        batch = decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=8))
        self.log.append_batch(ranked_offers(batch), part="run/bucket-00", seed=8, versions=decider.versions)
        return self.everything()

    def everything(self) -> dict[str, tuple]:
        """Return every decision of database and archive, with its charges and how often it is there."""
        with self.database.reading() as connection:
            ids = list(connection.execute(select(DECISIONS.c.decision_id)).scalars())
            charges = {}
            for decision_id, budget, period, amount in connection.execute(select(CHARGES)):
                charges.setdefault(decision_id, []).append([budget, period, amount])
        for name in self.archive.files():
            for row in pq.ParquetFile(place_of(self.folder, name)).read().to_pylist():
                ids.append(row["decision_id"])
                if row["charges"] is not None:
                    assert row["decision_id"] not in charges
                    charges[row["decision_id"]] = json.loads(row["charges"])
        return {one: (ids.count(one), self.log.get(one), charges.get(one)) for one in set(ids)}

    def close(self) -> None:
        self.database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request, tmp_path):
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    records = Records(tmp_path, None if server is None else empty_postgresql(server))
    yield records
    records.close()


def in_database(records):
    with records.database.reading() as connection:
        return list(connection.execute(select(DECISIONS.c.as_of)).scalars())


def test_old_decisions_move_by_month_and_are_found_as_before(records, everybody):
    before = records.write(everybody)
    cutoff = AS_OF + timedelta(days=100)
    moved, files = archive_decisions(records.database, records.folder, NOW, cutoff)
    assert files == len({f"{AS_OF + timedelta(days=day):%Y-%m}" for day in (0, 20, 40)})
    assert moved == len(before) - len(in_database(records)) > 40
    assert min(in_database(records)) >= cutoff.timestamp() * 1_000_000
    assert records.everything() == before
    names = [file.relative_to(records.folder).as_posix() for file in records.folder.rglob("*.*")]
    assert sorted(names) == sorted(records.archive.files())
    assert archive_decisions(records.database, records.folder, NOW, cutoff) == (0, 0)


def test_a_customers_decisions_are_listed_across_both_places(records, everybody):
    records.write(everybody)
    listed = records.log.of_customer("c05")
    archive_decisions(records.database, records.folder, NOW, AS_OF + timedelta(days=100))
    assert records.log.of_customer("c05") == listed
    assert records.log.of_customer("c05", limit=2) == listed[:2]


def test_an_archived_decision_is_replayed_the_same(records, everybody):
    records.write(everybody)
    wanted = next(one for one in records.log.of_customer("c05") if one.record is not None and one.as_of == AS_OF)
    archive_decisions(records.database, records.folder, NOW, NOW)
    assert replay(records.log.get(wanted.decision_id), small_decider(), records.folder).same


def test_parts_are_of_bounded_size(records, everybody):
    before = records.write(everybody, days=(0,))
    moved, files = archive_decisions(records.database, records.folder, NOW, NOW, at_once=5)
    assert (moved, files) == (len(before), -(-len(before) // 5))
    assert records.everything() == before


def test_records_are_removed_after_their_time_and_the_decisions_stay(records, everybody):
    before = records.write(everybody)
    assert remove_explanations(records.database, AS_OF + timedelta(days=30)) == 24
    found = {one: told for one, (_, told, _) in records.everything().items()}
    assert set(found) == set(before)
    old = [told for told in found.values() if told.part is None and told.as_of < AS_OF + timedelta(days=30)]
    assert len(old) == 24
    assert all(told == replace(before[told.decision_id][1], record=None) for told in old)
    assert sum(told.record is not None for told in found.values()) == 24
    with pytest.raises(StateError, match="was removed when its retention ended"):
        replay(old[0], small_decider(), records.folder)


def test_an_erased_customer_is_in_no_file_any_more(records, everybody):
    before = records.write(everybody)
    archive_decisions(records.database, records.folder, NOW, NOW)
    theirs = {one for one, (_, told, _) in before.items() if told.customer_id == "c05"}
    assert records.archive.forget("c05", NOW) == len(theirs)
    assert records.everything() == {one: told for one, told in before.items() if one not in theirs}
    assert records.log.of_customer("c05") == []
    for file in records.folder.rglob("*.parquet"):
        assert "c05" not in pq.ParquetFile(file).read()["customer_id"].to_pylist()
    with pytest.raises(NotFoundError):
        records.log.get(theirs.pop())


def test_a_file_that_is_gone_is_told(records, everybody):
    before = records.write(everybody, days=(0,))
    archive_decisions(records.database, records.folder, NOW, NOW)
    next(records.folder.rglob("*.parquet")).unlink()
    with pytest.raises(StateError, match="an archive file is missing"):
        records.log.get(next(iter(before)))


def test_what_others_remove_meanwhile_does_not_come_back(records, everybody, monkeypatch):
    before = records.write(everybody, days=(0,))
    real = archiving.write_pending

    def erasing(folder, name, rows):
        real(folder, name, rows)
        with records.database.transaction() as connection:
            connection.execute(CHARGES.delete().where(CHARGES.c.decision_id == rows[0]["decision_id"]))
            connection.execute(DECISIONS.delete().where(DECISIONS.c.decision_id == rows[0]["decision_id"]))

    monkeypatch.setattr(archiving, "write_pending", erasing)
    with pytest.raises(StateError, match="nothing of this part was moved"):
        archive_decisions(records.database, records.folder, NOW, NOW)
    assert len(in_database(records)) == len(before) - 1
    assert records.archive.files() == []


class Killed(BaseException):
    """Stands for the end of the process."""


@contextmanager
def killed_at(moment: int):
    """End the process before a step, or after it."""
    steps = 0

    def dying(real):
        def step(*arguments, **named):
            nonlocal steps
            steps += 1
            if steps == moment:
                raise Killed
            result = real(*arguments, **named)
            steps += 1
            if steps == moment:
                raise Killed
            return result

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name in ("write_pending", "_remove", "publish", "clear_up"):
            patch.setattr(archiving, name, dying(getattr(archiving, name)))
        yield


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder of records that nothing was archived from yet, and how each decision has to be found."""
    folder = tmp_path_factory.mktemp("written")
    records = Records(folder)
    some = features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log"), customers=6))
    before = records.write(some, days=(0, 40))
    records.close()
    return folder, before


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 24), st.integers(1, 300)), min_size=1, max_size=4), st.integers(2, 20))
def test_nothing_is_lost_and_nothing_there_twice_whenever_it_is_killed(written, kills, at_once):
    template, before = written
    with TemporaryDirectory() as folder:
        records = Records(Path(shutil.copytree(template, folder, dirs_exist_ok=True)))
        for moment, days in kills:
            try:
                with killed_at(moment):
                    cutoff = AS_OF + timedelta(days=days)
                    archive_decisions(records.database, records.folder, NOW, cutoff, at_once)
            except Killed:
                pass
            records.close()
            records.open()
            assert records.everything() == before
            visible = [
                one
                for file in records.folder.rglob("*.parquet")
                for one in pq.ParquetFile(file).read()["decision_id"].to_pylist()
            ]
            with records.database.reading() as connection:
                kept = list(connection.execute(select(DECISIONS.c.decision_id)).scalars())
            assert len(set(visible) | set(kept)) == len(visible) + len(kept), "whoever reads all files sees none twice"
        archive_decisions(records.database, records.folder, NOW, NOW, at_once)
        assert records.everything() == before
        assert not in_database(records)
        assert not list(records.folder.rglob(f"*{PENDING_ENDING}"))
        with records.database.reading() as connection:
            listed = sum(connection.execute(select(ARCHIVED.c.decisions)).scalars())
        assert listed == len(before)
        records.close()


def test_moments_are_of_the_months_of_utc():
    late = datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert archiving.month_of(int(late.timestamp()) * 1_000_000 + 999_999) == "2026-03"


def test_the_decisions_of_a_time_are_listed_wherever_they_are(records, everybody):
    before = records.write(everybody)
    beginning, end = AS_OF - timedelta(days=400), NOW
    whole = records.log.between(beginning, end)
    assert sorted(whole["decision_id"].to_pylist()) == sorted(before)
    first = whole.slice(0, 1).to_pylist()[0]
    _, found, _ = before[first["decision_id"]]
    assert json.loads(first["content"]) == found.versions
    assert {name: first[name] for name in ("customer_id", "offer", "propensity", "seed", "part")} == {
        name: getattr(found, name) for name in ("customer_id", "offer", "propensity", "seed", "part")
    }
    archive_decisions(records.database, records.folder, NOW, AS_OF + timedelta(days=40), at_once=7)
    assert len(records.archive.files()) > 1
    assert records.log.between(beginning, end).equals(whole)
    later = records.log.between(AS_OF + timedelta(days=20), AS_OF + timedelta(days=40))
    assert set(later["as_of"].to_pylist()) == {microseconds(AS_OF + timedelta(days=20))}
    assert records.log.between(end, end + timedelta(days=1)).num_rows == 0


def test_a_decision_that_moves_while_all_are_listed_is_listed_once(records, everybody, monkeypatch):
    before = records.write(everybody)
    read = DecisionArchive.between

    def moved_meanwhile(archive, since, until):
        archive_decisions(records.database, records.folder, NOW, NOW)
        return read(archive, since, until)

    monkeypatch.setattr(DecisionArchive, "between", moved_meanwhile)
    listed = records.log.between(AS_OF - timedelta(days=1), NOW)["decision_id"].to_pylist()
    assert sorted(listed) == sorted(before)
