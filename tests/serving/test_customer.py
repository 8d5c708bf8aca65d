from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from sqlalchemy import select

from config.stores import OnlineStore
from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext
from domain.errors import DataError, StateError
from domain.event import Event
from events.schema import table_of
from features.calendar import Calendar
from features.moments import utc_microseconds
from features.state import compute_states
from features.store.online import OnlineStates
from features.store.repository import FeatureRepository
from records.decision_log import DecisionLog
from records.decision_writes import UNIT
from records.journal import Journal
from records.schema import CHARGES, DECISIONS, PENDING, SPENDING
from serving.customer import decide_for_customer
from serving.customer_features import CustomerReader, Origin
from serving.replay import replay
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from tests.serving.build import AS_OF, COLD_START, features_of_all, small_bank, small_decider, small_log

CHANNELS = ("app", "email")


LETTERS = Budget(name="letters", amount=10.0, unit="letters", channels=("email",))
CUSTOMERS = tuple(f"c{number:02d}" for number in range(1, 12))


@pytest.fixture(scope="module")
def bank():
    return small_bank()


@pytest.fixture
def log(tmp_path):
    return small_log(tmp_path / "log")


@pytest.fixture
def decision_log(tmp_path):
    log = DecisionLog(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield log
    log.close()


def answer(bank, log, customer="c05", channel="app", *, states=None, decision_log=None, as_of=AS_OF):
    engine = LiveEngine(small_decider(bank), CustomerReader(bank, log, states))
    database = None if decision_log is None else decision_log.database
    return decide_for_customer(DecisionRequest(customer_id=customer, channel=channel), as_of, engine, database)


def batch_decisions(bank, log, as_of=AS_OF):
    decider = small_decider(bank)
    everybody = features_of_all(bank, log, as_of)
    decisions = decider.decide(everybody, DecisionContext(as_of=as_of, seed=7))
    return {
        (customer, channel): decider.record(decisions, row, channel)
        for row, customer in enumerate(everybody.customer_ids)
        for channel in CHANNELS
    }


def online_states(bank, log, folder, *, days_ago=0, online_store=None):
    states = open_states(bank, folder, online_store)
    write_states(states, bank, log, days_ago=days_ago)
    return states


def open_states(bank, folder, online_store=None):
    repository = FeatureRepository(bank.identity.name, folder / "feast", folder / "parts", online_store=online_store)
    repository.apply(bank.features, {})
    return OnlineStates(repository, Calendar(bank.time_zone), bank.features.layout)


def write_states(states, bank, log, *, days_ago=0):
    calendar = Calendar(bank.time_zone)
    moment = np.array([utc_microseconds(AS_OF).astype(np.int64)])
    midnight = calendar.days_before(moment, days_ago).astype("datetime64[us]")[0]
    for bucket in range(log.buckets):
        events = log.read_bucket(bucket)
        customers = sorted(set(events["customer_id"].to_pylist()))
        found = compute_states(events, customers, midnight, bank.feature_definitions)
        states.materialise(found, AS_OF)


def test_one_customer_is_decided_as_in_the_batch_from_the_log(bank, log):
    for (customer, channel), decision in batch_decisions(bank, log).items():
        said = answer(bank, log, customer, channel)
        assert said.origin is Origin.LOG
        assert said.decision == decision


def test_one_customer_is_decided_as_in_the_batch_from_the_online_state(bank, log, tmp_path):
    states = online_states(bank, log, tmp_path)
    for (customer, channel), decision in batch_decisions(bank, log).items():
        said = answer(bank, log, customer, channel, states=states)
        assert (said.origin, said.note) == (Origin.STATE, "")
        assert said.decision == decision


def test_a_state_of_another_day_is_made_up_for_from_the_log(bank, log, tmp_path):
    stale = answer(bank, log, states=online_states(bank, log, tmp_path, days_ago=1))
    assert (stale.origin, stale.note) == (Origin.LOG, "the online state is of another midnight")
    assert stale.decision == answer(bank, log).decision


def test_a_server_that_is_gone_is_made_up_for_from_the_log(bank, log, tmp_path, redis_server):
    store = OnlineStore.read(redis_server.url).feast_settings()
    states = online_states(bank, log, tmp_path, online_store=store)
    assert answer(bank, log, states=states).origin is Origin.STATE
    redis_server.stop()
    try:
        said = answer(bank, log, states=states)
    finally:
        redis_server.start()
    assert said.origin is Origin.LOG
    assert "the online store does not answer" in said.note
    assert said.decision == answer(bank, log).decision
    assert answer(bank, log, states=states).origin is Origin.STATE


def test_a_store_in_which_nothing_is_registered_is_made_up_for_from_the_log(bank, log, tmp_path):
    repository = FeatureRepository("small", tmp_path / "feast", tmp_path / "parts")
    states = OnlineStates(repository, Calendar(bank.time_zone), bank.features.layout)
    said = answer(bank, log, states=states)
    assert said.origin is Origin.LOG
    assert said.note
    assert said.decision == answer(bank, log).decision


def test_an_event_of_a_moment_ago_counts(bank, log):
    before = answer(bank, log, "c02", "email")
    assert before.decision.offers
    mailed = AS_OF - timedelta(seconds=1)
    log.append(
        table_of(
            [
                Event(
                    event_id="new",
                    customer_id="c02",
                    type="offer_presented",
                    occurred_at=mailed,
                    available_at=mailed,
                    channel="email",
                    properties={"offer": "savings_plus"},
                )
            ]
        )
    )
    after = answer(bank, log, "c02", "email")
    assert not after.decision.offers
    assert "failed weekly (contact_limit)" in after.decision.fallback


def test_an_unknown_customer_gets_the_answer_of_no_history(bank, log):
    said = answer(bank, log, "stranger")
    assert said.origin is Origin.NOTHING
    assert said.decision.stage is None
    assert not said.decision.offers
    assert said.decision.fallback.startswith("nothing, because")


def test_an_unknown_customer_of_a_bank_with_a_cold_start_is_offered_what_needs_no_consent(log, decision_log, tmp_path):
    bank = small_bank(COLD_START)
    said = answer(bank, log, "stranger", decision_log=decision_log)
    assert (said.origin, said.decision.stage) == (Origin.NOTHING, "growth")
    assert [candidate.offer for candidate in said.decision.offers] == ["savings_plus", "budget_check"]
    assert [[reason.sentence() for reason in reasons] for reasons in said.reasons] == [
        ["How this offer is usually received (speaks for it)"],
        ["How this offer is usually received (speaks against it)"],
    ]
    mailed = answer(bank, log, "stranger", "email", decision_log=decision_log)
    assert not mailed.decision.offers
    assert "consent_email" in mailed.decision.fallback
    for decision in (said.decision, mailed.decision):
        logged = decision_log.get(decision.decision_id)
        assert logged.features_from == "nothing"
        again = replay(logged, small_decider(bank), tmp_path)
        assert again.same, again.differences


def test_a_cold_decision_replayed_as_a_known_customers_is_another(log, decision_log, tmp_path):
    bank = small_bank(COLD_START)
    said = answer(bank, log, "stranger", decision_log=decision_log)
    logged = replace(decision_log.get(said.decision.decision_id), features_from="log")
    assert replay(logged, small_decider(bank), tmp_path).differences


def test_where_no_score_was_looked_at_there_are_no_reasons(log):
    bank = small_bank(replace(COLD_START, personalised="consent_email"))
    for customer in ("stranger", "c03"):
        said = answer(bank, log, customer)
        assert said.decision.arm == "not_personalised"
        assert said.reasons == ((),) * len(said.decision.offers) != ()


def test_the_decision_is_kept_with_where_its_features_came_from(bank, log, decision_log):
    said = answer(bank, log, decision_log=decision_log)
    logged = decision_log.get(said.decision.decision_id)
    assert logged.record == said.decision
    assert logged.features_from == "log"


def test_a_kept_decision_can_be_replayed_byte_by_byte(bank, log, decision_log, tmp_path):
    for channel in CHANNELS:
        said = answer(bank, log, channel=channel, decision_log=decision_log)
        again = replay(decision_log.get(said.decision.decision_id), small_decider(bank), tmp_path)
        assert again.same, again.differences


def test_a_decision_of_other_versions_is_not_replayed(bank, log, decision_log, tmp_path):
    said = answer(bank, log, decision_log=decision_log)
    with pytest.raises(StateError, match="other versions"):
        replay(decision_log.get(said.decision.decision_id), small_decider(bank, version="2"), tmp_path)


def test_ranked_offers_come_with_reasons_in_words(bank, log):
    said = answer(bank, log)
    assert len(said.reasons) == len(said.decision.offers) > 0
    assert [reason.sentence() for reason in said.reasons[0]] == [
        "Logins (last 30 days): 6 (speaks for it)",
        "Last known region: south (speaks against it)",
        "How this offer is usually received (speaks for it)",
    ]


def test_an_unknown_channel_is_an_error(bank, log):
    with pytest.raises(DataError, match="'app' \\(did you mean it\\?\\)"):
        answer(bank, log, channel="ap")


def test_a_written_decision_claims_its_budgets_and_counts_as_a_contact(log, decision_log):
    bank = replace(small_bank(), budgets=(LETTERS,))
    journal = Journal(decision_log.database, bank.vocabulary.contacts)
    engine = LiveEngine(small_decider(bank), CustomerReader(bank, log, None, journal))
    offered = [said for said in map(partial(asked_once, engine, decision_log), CUSTOMERS) if said.decision.offers]
    assert offered
    assert [len(rows(decision_log, table)) for table in (PENDING, CHARGES)] == [len(offered)] * 2
    again = asked_once(engine, decision_log, offered[0].decision.customer_id, as_of=AS_OF + timedelta(minutes=1))
    assert not again.decision.offers
    assert "weekly" in again.decision.fallback


def test_where_nothing_is_left_no_decision_is_made_that_would_use_it(log, decision_log):
    bank = replace(small_bank(), budgets=(replace(LETTERS, amount=1.0),))
    engine = LiveEngine(small_decider(bank), CustomerReader(bank, log, None))
    said = [asked_once(engine, decision_log, customer) for customer in CUSTOMERS]
    assert sum(bool(one.decision.offers) for one in said) == 1
    assert [row.spent for row in rows(decision_log, SPENDING)] == [UNIT]


def test_a_dry_run_writes_nothing(log, decision_log):
    engine = LiveEngine(small_decider(small_bank()), CustomerReader(small_bank(), log, None))
    request = DecisionRequest(customer_id="c05", channel="app", dry_run=True)
    assert decide_for_customer(request, AS_OF, engine, decision_log.database).decision.offers
    assert rows(decision_log, DECISIONS) == []


def asked_once(engine, decision_log, customer, *, as_of=AS_OF):
    request = DecisionRequest(customer_id=customer, channel="email")
    return decide_for_customer(request, as_of, engine, decision_log.database)


def rows(decision_log, table):
    with decision_log.database.reading() as connection:
        return connection.execute(select(table)).all()
