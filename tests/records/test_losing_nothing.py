"""Processes that submit, import and erase are killed at random: every acknowledged event is there exactly once."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from events.schema import events_of
from records.database import Database
from records.flush import flush, waiting
from records.schema import ERASED, EVENTS
from tests.records.build import empty_postgresql
from tests.records.hands import BEING_ERASED, GOING, STAYING, bring_in, erase, erasing, log_of, tell

KILLS = 12
EVENTS_BETWEEN = 10
HANDS = (tell, tell, bring_in, bring_in, erase, erase)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'decisions.db'}"
    return empty_postgresql(request.getfixturevalue("postgresql_server"))


def run_and_kill(url: str, folder: Path, seed: int) -> None:
    """Run all processes at once; repeatedly kill one of them and start another in its place."""
    chance, numbers = random.Random(seed), iter(range(1_000))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.records.hands"])

    def start(hand: Callable[[str, Path, int], None]) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=hand, args=(url, folder, next(numbers)), daemon=True)
        process.start()
        return process

    at_work = [start(hand) for hand in HANDS]
    try:
        while not all((folder / f"told-{number}").exists() for number in (0, 1)):
            assert all(process.is_alive() for process in at_work)
            time.sleep(0.01)
        for _ in range(KILLS):
            enough = len(acknowledged(folder)) + EVENTS_BETWEEN
            time.sleep(chance.uniform(0.02, 0.3))
            while len(acknowledged(folder)) < enough and all(process.is_alive() for process in at_work):
                time.sleep(0.005)
            place = chance.randrange(len(HANDS))
            assert at_work[place].is_alive(), "it failed by itself"
            at_work[place].kill()
            at_work[place].join()
            at_work[place] = start(HANDS[place])
    finally:
        for process in at_work:
            process.kill()
            process.join()


def acknowledged(folder: Path) -> list[list[str]]:
    """Return ids, customers and moments of acknowledged events, without lines cut off when their writer was killed."""
    lines = [line for file in sorted(folder.glob("told-*")) for line in file.read_text().split("\n")[:-1]]
    return [line.split() for line in lines]


def test_every_acknowledged_event_is_found_once_and_of_the_erased_none_of_before(url, tmp_path):
    Database(url).close()
    run_and_kill(url, tmp_path, seed=4)
    database = Database(url)
    log = log_of(tmp_path, database)
    for begun in sorted(tmp_path.glob(f"{BEING_ERASED}-*")):
        # as a caller does who got no receipt
        erasing(database, tmp_path).erase(begun.read_text(), "tests")
    flush(database, log, datetime.now(UTC))
    with database.reading() as connection:
        by_name = dict(connection.execute(select(ERASED.c.customer, ERASED.c.erased_at)).tuples().all())
        journal = set(connection.execute(select(EVENTS.c.event_id)).scalars())
    erased = {customer: by_name.get(database.hashed(customer), -1) for customer in STAYING + GOING}
    found = Counter(event.event_id for customer in erased for event in events_of(log.read_customer(customer)))
    told = acknowledged(tmp_path)
    assert max(erased.values()) > 0
    missing = [one for one in told if int(one[2]) > erased[one[1]] and found[one[0]] != 1]
    assert not missing
    back = [one for one in told if int(one[2]) <= erased[one[1]] and (found[one[0]] or one[0] in journal)]
    assert not back
    assert max(found.values()) == 1
    assert waiting(database) == 0
    database.close()
