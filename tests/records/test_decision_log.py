from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import create_engine, text

from config.stores import DecisionLogPlace
from decisioning.engine import DecisionContext
from decisioning.reporting.tables import ranked_offers
from domain.decision import Decision
from domain.errors import StateError
from records.decision_log import DecisionLog, from_json, to_json
from tests.ports import free_port
from tests.servers import PASSWORD_IN_URL
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

DATABASES = count()


@pytest.fixture(scope="module")
def decisions(tmp_path_factory) -> list[Decision]:
    decider = small_decider()
    everybody = features_of_all(small_bank(), small_log(tmp_path_factory.mktemp("log")))
    decided = decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7))
    return [decider.record(decided, row, channel) for row in range(len(decided)) for channel in ("app", "email")]


def empty_database(server):
    bank = f"bank{next(DATABASES)}"
    server.add_database(f"log_{bank}")
    return DecisionLogPlace.read(server.url("log_{bank}")).url(bank)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """URL of an empty database: an SQLite file, or a real PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'decisions.db'}"
    return empty_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def log(url):
    log = DecisionLog(url)
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


def test_contacts_are_the_decisions_that_offered_something(url, log, decisions):
    for decision in decisions:
        log.append(decision, "state")
    engine = create_engine(url)
    with engine.connect() as connection:
        contacts = connection.execute(text("SELECT decision_id FROM contacts")).all()
    engine.dispose()
    assert {row[0] for row in contacts} == {decision.decision_id for decision in decisions if decision.offers}


def test_the_log_is_found_again_when_it_is_opened_again(url, log, decisions):
    log.append(decisions[0], "state")
    again = DecisionLog(url)
    assert again.get(decisions[0].decision_id).record == decisions[0]
    again.close()


def test_a_log_that_nobody_holds_has_closed_its_database(tmp_path, decisions):
    log = DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    log.append(decisions[0], "state")
    assert log.get(decisions[0].decision_id)
    ahead = tmp_path / "decisions.db-wal"
    assert ahead.exists()
    del log
    # SQLite removes it when the last connection is closed
    assert not ahead.exists()


def test_an_unknown_id_is_an_error_that_says_so(log):
    with pytest.raises(StateError, match=r"no such decision.*'d9'"):
        log.get("d9")


def test_a_database_that_cannot_be_opened_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(StateError, match="check the database"):
        DecisionLog(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


def test_a_batch_is_kept_once_and_all_its_numbers_come_back(log, tmp_path):
    decider = small_decider()
    everybody = features_of_all(small_bank(), small_log(tmp_path / "log"))
    offers = ranked_offers(decider.decide(everybody, DecisionContext(as_of=AS_OF, seed=7)))
    first = [row for row in offers.to_pylist() if row["rank"] == 1]
    for expected in (len(first), 0):
        assert log.append_batch(offers, part="run/bucket-00", seed=7, versions=decider.versions) == expected
    for row in first:
        found = log.get(row["decision_id"])
        assert (found.part, found.record, found.features_from) == ("run/bucket-00", None, "batch")
        for name in ("offer", "propensity", "value", "priority", "selection_probability", "as_of"):
            assert getattr(found, name) == row[name]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding_is_refused_with_the_statement_that_makes_a_right_one(
    postgresql_server, encoding
):
    name = f"log_{encoding.lower()}"
    postgresql_server.add_database(name, encoding)
    url = DecisionLogPlace.read(postgresql_server.url(name)).url("demo")
    with pytest.raises(StateError) as refused:
        DecisionLog(url)
    assert str(refused.value) == (
        f"the database of NBO_DECISION_LOG stores text in an encoding that nbo does not support: got {encoding} in "
        f"'{name}', expected UTF8; drop it and create it again: "
        f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0"
    )
    postgresql_server.make_anew(name, refused.value.remedy)
    DecisionLog(url).close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_log_goes_on_after_its_server_was_started_again(postgresql_server, decisions, end):
    with closing(DecisionLog(empty_database(postgresql_server))) as log:
        log.append(decisions[0], "state")
        getattr(postgresql_server, end)()
        try:
            with pytest.raises(StateError, match="check the database"):
                log.append(decisions[1], "state")
        finally:
            postgresql_server.start()
        assert log.append(decisions[1], "state")
        assert log.get(decisions[0].decision_id).record == decisions[0]


def test_a_log_that_nothing_listens_for_is_an_error_without_the_password():
    url = DecisionLogPlace.read(f"postgresql://nbo:{PASSWORD_IN_URL}@127.0.0.1:{free_port()}/nbo").url("small")
    with pytest.raises(StateError, match="check the database") as refused:
        DecisionLog(url)
    assert "s3cr" not in str(refused.value)


def test_a_record_that_is_damaged_is_an_error():
    with pytest.raises(StateError, match="cannot be read"):
        from_json('{"decision_id": "d1"}')
