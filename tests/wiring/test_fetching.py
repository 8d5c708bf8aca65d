"""Sources in databases, buckets and on web servers, on real ones."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pyarrow.fs
import pytest
from sqlalchemy import create_engine, text

from domain.errors import NboError, SourceError, StateError
from events.importing import import_sources
from events.report import ImportReport
from serving.outgoing import AddressRefusedError
from tests.pipelines.csv_bank import CsvBank
from tests.ports import free_port
from tests.servers import QUIET, started_postgresql
from tests.waiting import until
from wiring.fetching import WATERMARKS, fetched

QUERY = """\
- name: bookings
  query: SELECT id, client, booked, amount FROM bookings WHERE amount <> 0
  connection: CORE_DATABASE
  watermark: booked
  time_zone: UTC
  columns: {event_id: id, customer_id: client, occurred_at: booked, amount: amount}
  constants: {type: salary}
"""
FILES = """\
- name: touchpoints
  files: ["ADDRESS"]
  time_zone: UTC
  columns: {customer_id: customer, occurred_at: time, type: event}
"""
CSV = "customer,time,event\nK1,2026-01-05,app_login\nK2,2026-01-06,app_login\n"
INSIDE = "inside: [127.0.0.1]\n"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CsvBank:
    return CsvBank(tmp_path, monkeypatch)


def _import(bank: CsvBank) -> ImportReport:
    parts = bank.parts
    with fetched(parts) as found:
        return import_sources(
            parts.log,
            parts.bank.sources,
            parts.bank.vocabulary,
            parts.sources,
            parts.places.quarantine,
            now=NOW,
            fetched=found.files,
        )


def _put(address: str, *statements: str) -> None:
    engine = create_engine(address)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _reads_a_database(bank: CsvBank, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORE_DATABASE", address)
    (bank.folder / "sources.yaml").write_text(QUERY)
    (bank.folder / "network.yaml").write_text(INSIDE)
    _put(
        address,
        "CREATE TABLE bookings (id INTEGER PRIMARY KEY, client TEXT, booked TIMESTAMP, amount NUMERIC(12, 2))",
        "INSERT INTO bookings VALUES (1, 'K1', '2026-01-05 09:00:00', 12.50), (2, 'K2', '2026-01-06 09:00:00', 7)",
        "INSERT INTO bookings VALUES (3, 'K2', '2026-01-06 09:00:00', 0)",
    )
    assert _import(bank).total.accepted == 2
    again = _import(bank).total
    assert (again.read, again.duplicates) == (1, 1), "only the row with the last watermark is asked for again"
    _put(address, "INSERT INTO bookings VALUES (4, 'K3', '2026-02-01 10:00:00', 99.95)")
    later = _import(bank).total
    assert (later.read, later.accepted) == (2, 1)
    rows = [row for bucket in range(bank.parts.log.buckets) for row in bank.parts.log.read_bucket(bucket).to_pylist()]
    assert sorted((row["event_id"], row["customer_id"], row["amount"]) for row in rows) == [
        ("1", "K1", 12.5),
        ("2", "K2", 7.0),
        ("4", "K3", 99.95),
    ]
    assert {row["occurred_at"] for row in rows if row["event_id"] == "4"} == {datetime(2026, 2, 1, 10, tzinfo=UTC)}
    bank.replace("sources.yaml", "{type: salary}", "{type: app_login}")
    corrected = _import(bank)
    assert (corrected.total.read, corrected.replaced) == (3, 3), "a corrected mapping reads all rows"
    assert list(bank.parts.places.folder.glob(".fetched-*")) == []


def test_a_query_is_read_from_sqlite_and_only_its_new_rows_the_next_time(
    bank: CsvBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reads_a_database(bank, f"sqlite:///{tmp_path / 'core.db'}", monkeypatch)


def test_a_query_is_read_from_postgresql_and_only_its_new_rows_the_next_time(
    bank: CsvBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started_postgresql() as server:
        address = server.url().replace("postgresql://", "postgresql+psycopg://")
        _reads_a_database(bank, address, monkeypatch)
        (bank.folder / "network.yaml").unlink()
        with pytest.raises(AddressRefusedError, match=r"the database in CORE_DATABASE leads to an internal address"):
            _import(bank)


def test_an_error_of_a_database_shows_no_password(bank: CsvBank, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("CORE_DATABASE", f"postgresql+psycopg://reader:hush-hush@127.0.0.1:{port}/core")
    (bank.folder / "sources.yaml").write_text(QUERY)
    (bank.folder / "network.yaml").write_text(INSIDE)
    with pytest.raises(SourceError, match="the query of source 'bookings' failed") as caught:
        _import(bank)
    assert "hush" not in str(caught.value)
    assert not (bank.parts.places.folder / WATERMARKS).exists()


@pytest.mark.parametrize("address", [None, "core-database:hush", "nosuch+driver://u:hush@h/d"])
def test_a_database_without_a_usable_address_is_told(
    bank: CsvBank, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    if address is not None:
        monkeypatch.setenv("CORE_DATABASE", address)
    (bank.folder / "sources.yaml").write_text(QUERY)
    with pytest.raises(StateError, match="CORE_DATABASE") as caught:
        _import(bank)
    assert "hush" not in str(caught.value)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "touchpoints.csv").write_text(CSV)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_file_is_read_from_a_web_server_that_is_allowed(bank: CsvBank, web: str) -> None:
    (bank.folder / "sources.yaml").write_text(FILES.replace("ADDRESS", f"{web}/touchpoints.csv"))
    with pytest.raises(AddressRefusedError, match="leads to an internal address"):
        _import(bank)
    (bank.folder / "network.yaml").write_text(INSIDE)
    assert _import(bank).total.accepted == 2
    assert _import(bank).total.duplicates == 2
    (bank.folder / "sources.yaml").write_text(FILES.replace("ADDRESS", f"{web}/missing.csv"))
    with pytest.raises(SourceError, match="got status 404"):
        _import(bank)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    port = free_port()
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, **QUIET)
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}/moto-api/"), seconds=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_files_are_read_from_a_bucket(bank: CsvBank, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": s3,
    }.items():
        monkeypatch.setenv(name, value)
    system = pyarrow.fs.S3FileSystem(
        region="eu-central-1", endpoint_override=s3.removeprefix("http://"), scheme="http", allow_bucket_creation=True
    )
    system.create_dir("exports")
    for name in ("crm/a.csv", "crm/b.csv", "other/c.csv"):
        with system.open_output_stream(f"exports/{name}") as stream:
            stream.write(CSV.replace("K", name[4]).encode())
    (bank.folder / "sources.yaml").write_text(FILES.replace("ADDRESS", "s3://exports/crm/*.csv"))
    with pytest.raises(AddressRefusedError, match="AWS_ENDPOINT_URL leads to an internal address"):
        _import(bank)
    (bank.folder / "network.yaml").write_text(INSIDE)
    report = _import(bank)
    assert [(counts.file, counts.accepted) for counts in report.files] == [
        ("s3://exports/crm/a.csv", 2),
        ("s3://exports/crm/b.csv", 2),
    ]
    (bank.folder / "sources.yaml").write_text(FILES.replace("ADDRESS", "s3://exports/crm/*.parquet"))
    with pytest.raises(NboError, match=r"no file matches a pattern of source 'touchpoints'"):
        _import(bank)
