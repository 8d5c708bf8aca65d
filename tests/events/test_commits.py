"""A writer that dies, fails or meets another writer leaves the log unchanged."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import StateError
from events.log import EventLog
from tests.events.build import events

_SPAWN = multiprocessing.get_context("spawn")


def _in_another_process(target: Callable[[Path], None], folder: Path) -> int | None:
    process = _SPAWN.Process(target=target, args=(folder,))
    process.start()
    process.join()
    return process.exitcode


def _die_in_the_middle(folder: Path) -> None:
    with EventLog(folder, rows_in_memory=100).transaction() as transaction:
        transaction.append(events(150))  # more than waits in memory: segments are on the disk
        os._exit(9)


def _interrupted(log: EventLog) -> None:
    with log.transaction() as transaction:
        transaction.append(events(150))
        raise KeyboardInterrupt


def _append_with_a_full_disk(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
    with pytest.raises(StateError, match="is unchanged") as caught:
        EventLog(folder).append(events(1_000))
    assert "free space" in str(caught.value)


def _append_overlapping(folder: Path) -> None:
    log = EventLog(folder)
    for count in range(0, 60, 10):
        log.append(events(count + 10))


def test_an_error_in_the_middle_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(10))
    before = sorted(file.name for file in tmp_path.iterdir())
    digest = log.digest()
    with pytest.raises(KeyboardInterrupt):
        _interrupted(EventLog(tmp_path, rows_in_memory=100))
    assert log.digest() == digest
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_a_killed_writer_leaves_the_log_as_it_was_and_the_next_append_cleans_up(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(10))
    digest = log.digest()
    own = {file.name for file in tmp_path.iterdir()}
    assert _in_another_process(_die_in_the_middle, tmp_path) == 9
    leftovers = {file.name for file in tmp_path.iterdir()} - own
    assert any(name.startswith("bucket-") for name in leftovers)
    assert (log.digest(), log.count()) == (digest, 10)
    assert log.append(events(10)).duplicates == 10
    assert {file.name for file in tmp_path.iterdir()} == own


def test_a_full_disk_leaves_the_log_as_it_was_and_says_what_to_do(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(events(10))
    digest = log.digest()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert _in_another_process(_append_with_a_full_disk, tmp_path) == 0
    assert log.digest() == digest
    assert sorted(file.name for file in tmp_path.iterdir()) == files
    assert log.append(events(12)).accepted == 2


def test_two_processes_append_one_after_the_other(tmp_path: Path) -> None:
    processes = [_SPAWN.Process(target=_append_overlapping, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    log = EventLog(tmp_path)
    assert log.count() == 60
    alone = EventLog(tmp_path / "alone")
    alone.append(events(60))
    assert log.digest() == alone.digest()


def test_a_reader_sees_nothing_of_a_commit_that_is_under_way(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    with log.transaction() as transaction:
        transaction.append(events(5))
        assert log.count() == 0
    assert log.count() == 5
