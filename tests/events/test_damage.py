"""A log with damaged files reports it: it returns no wrong events, and is not overwritten."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import StateError
from events.erasure import erase_customer
from events.log import EventLog
from tests.events.build import GOOD, Desk, csv_lines, events


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    log = EventLog(tmp_path / "log", buckets=1)
    log.append(events(3000, customers=200))
    return log


def _file(log: EventLog, pattern: str) -> Path:
    (file,) = log.folder.glob(pattern)
    return file


def test_a_flipped_bit_anywhere_in_a_segment_is_told_or_does_no_harm(log: EventLog) -> None:
    whole, file = log.read_bucket(0), _file(log, "bucket-*.parquet")
    raw = file.read_bytes()
    footer = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    chosen = random.Random(7)
    told: list[str] = []
    for number in range(240):
        place = chosen.randrange(footer, len(raw)) if number % 2 else chosen.randrange(footer)
        spoilt = bytearray(raw)
        spoilt[place] ^= 1 << chosen.randrange(8)
        file.write_bytes(spoilt)
        try:
            assert log.read_bucket(0).equals(whole), place
        except StateError as error:
            told.append(str(error))
    assert len(told) > 150
    assert {"is damaged: got bucket-0000-" in sentence for sentence in told} == {True}
    file.write_bytes(raw)
    assert log.read_bucket(0).equals(whole)


@pytest.mark.parametrize("cut", [0, 4, 100, -9, -1])
def test_a_segment_that_was_cut_off_is_told(log: EventLog, cut: int) -> None:
    file = _file(log, "bucket-*.parquet")
    file.write_bytes(file.read_bytes()[:cut])
    for read in (lambda: log.read_bucket(0), lambda: log.read_customer("c1"), lambda: log.read_types(["app_login"])):
        with pytest.raises(StateError, match="is damaged"):
            read()


@pytest.mark.parametrize("pattern", ["bucket-*.parquet", "ids-*.npy"])
@pytest.mark.parametrize("spoil", [lambda raw: b"", lambda raw: b"garbage" * 9, lambda raw: raw[: len(raw) // 2]])
def test_nothing_is_appended_or_erased_over_damage(
    log: EventLog, pattern: str, spoil: Callable[[bytes], bytes]
) -> None:
    file, manifest = _file(log, pattern), (log.folder / "manifest.json").read_bytes()
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(StateError, match="is damaged"):
        log.append(events(5000))
    if pattern != "ids-*.npy":
        with pytest.raises(StateError, match="is damaged"):
            erase_customer(log.folder, "c1")
    assert (log.folder / "manifest.json").read_bytes() == manifest
    assert len(list(log.folder.glob("bucket-*.parquet"))) == 1


def test_an_import_over_damaged_notes_of_rows_is_told(desk: Desk) -> None:
    desk.put("crm.csv", csv_lines([GOOD]))
    desk.run()
    _file(desk.log, "rows-*.npy").write_bytes(b"\x93NUMPY")
    desk.put("crm.csv", csv_lines([GOOD, {**GOOD, "id": "e2"}]))
    with pytest.raises(StateError, match="is damaged: got rows-"):
        desk.run()
    assert desk.log.count() == 1
