import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.decision import Decision
from domain.errors import StateError
from serving.decision_json import from_json, to_json
from serving.decision_log import DecisionLog
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log


@pytest.fixture(scope="module")
def decisions(tmp_path_factory) -> list[Decision]:
    decider = small_decider()
    everybody = features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))
    decided = decider.decide(everybody, as_of=AS_OF, seed=7)
    return [decider.record(decided, row, channel) for row in range(len(decided)) for channel in ("app", "email")]


@pytest.fixture
def log(tmp_path):
    log = DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield log
    log.close()


def test_a_decision_comes_back_as_it_was_kept(log, decisions):
    for decision in decisions:
        assert log.append(decision, "state")
    for decision in decisions:
        found = log.get(decision.decision_id)
        assert found.record == decision
        assert to_json(found.record) == to_json(decision)
        assert (found.as_of, found.customer_id, found.features_from) == (AS_OF, decision.customer_id, "state")


def test_a_decision_that_offers_nothing_is_kept_too(log, decisions):
    [nothing, *_] = [decision for decision in decisions if not decision.offers]
    log.append(nothing, "log")
    found = log.get(nothing.decision_id)
    assert found.offer is None
    assert found.record.fallback.startswith("nothing, because")


def test_keeping_a_decision_again_changes_nothing(log, decisions):
    assert log.append(decisions[0], "state")
    assert not log.append(replace(decisions[0], stage="lost"), "state")
    assert log.get(decisions[0].decision_id).record == decisions[0]


def test_a_customers_decisions_come_latest_first(log, decisions):
    decision = decisions[0]
    for days in (1, 3, 2):
        changed = replace(decision, decision_id=f"d{days}", as_of=decision.as_of - timedelta(days=days))
        log.append(changed, "state")
    assert [found.decision_id for found in log.of_customer(decision.customer_id)] == ["d1", "d2", "d3"]
    assert [found.decision_id for found in log.of_customer(decision.customer_id, limit=1)] == ["d1"]
    assert log.of_customer("nobody") == []


def test_contacts_are_the_decisions_that_offered_something(tmp_path, log, decisions):
    for decision in decisions:
        log.append(decision, "state")
    with sqlite3.connect(tmp_path / "decisions.db") as connection:
        contacts = connection.execute("SELECT decision_id FROM contacts").fetchall()
    connection.close()
    assert {row[0] for row in contacts} == {decision.decision_id for decision in decisions if decision.offers}


def test_the_log_is_found_again_when_it_is_opened_again(tmp_path, log, decisions):
    log.append(decisions[0], "state")
    again = DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    assert again.get(decisions[0].decision_id).record == decisions[0]
    again.close()


def test_an_unknown_id_is_an_error_that_says_so(log):
    with pytest.raises(StateError, match=r"no such decision.*'d9'"):
        log.get("d9")


def test_a_database_that_cannot_be_opened_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(StateError, match="look at the database"):
        DecisionLog(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


def test_a_record_that_is_damaged_is_an_error():
    with pytest.raises(StateError, match="cannot be read"):
        from_json('{"decision_id": "d1"}')
