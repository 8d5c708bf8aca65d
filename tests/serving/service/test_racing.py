"""With two concurrent replicas nobody is contacted twice, and no budget is exceeded."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest
from sqlalchemy import select

from records.database import Database
from records.decision_writes import UNIT
from records.schema import CHARGES, PENDING, SPENDING
from tests.docs.pages import ROOT
from tests.records.build import empty_postgresql
from tests.serving.build import small_log

FIRST, LAST = ["c02", "c04", "c07"], ["c08", "c10", "c11"]
"""Who wants e-mail, and had none this week."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'decisions.db'}"
    return empty_postgresql(request.getfixturevalue("postgresql_server"))


def race(url, folder, budget, customers):
    """Start two replicas, release them at the same time, and collect their answers."""
    small_log(folder / "log")
    Database(url).close()
    command = [sys.executable, "-m", "tests.serving.service.racer", url, str(folder), str(budget), *customers]
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for _ in range(2)
        ]
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
    return [one for answer in answers for one in answer]


def rows(url, table):
    database = Database(url)
    with database.reading() as connection:
        found = connection.execute(select(table)).all()
    database.close()
    return found


def test_nobody_is_contacted_twice_and_no_budget_is_overrun(url, tmp_path):
    answers = race(url, tmp_path, 4, [*FIRST * 4, *LAST])
    assert len(answers) == 2 * (4 * len(FIRST) + len(LAST))
    offered = sorted(customer for customer, offers in answers if offers)
    # one letter a week for each of the first, and the one that the budget has left for the last
    assert offered[:3] == FIRST
    assert len(offered) == 4
    assert offered[3] in LAST
    assert sorted(row.customer_id for row in rows(url, PENDING)) == offered
    [(_, _, spent)] = rows(url, SPENDING)
    assert spent == 4 * UNIT == sum(row.amount for row in rows(url, CHARGES))
