"""Withdrawn contacts no longer count, and their claims are refunded exactly once."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from decisioning.budgets.budget import Budget
from domain.errors import NotFoundError
from events.log import EventLog
from records.decision_writes import UNIT, AnswerWrite, DecisionWriter
from records.schema import AUDIT, CHARGES, CUSTOMERS, PENDING, SPENDING
from records.validation import SubmittedEvent
from serving.service.decision_request import DecisionRequest
from serving.service.withdrawal import ContactNotPendingError
from tests.records.build import empty_postgresql
from tests.serving.api.build import engine_of, small_service, with_policy
from tests.serving.build import AS_OF, small_bank

LETTERS = Budget(name="letters", amount=10.0, unit="letters", channels=("email",))
BANK = replace(small_bank(), budgets=(LETTERS,))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'decisions.db'}"
    return empty_postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def service(url, tmp_path):
    service = small_service(tmp_path, bank=BANK, url=url)
    yield service
    service.close()


@pytest.fixture
def replica(service, url, tmp_path):
    replica = small_service(tmp_path, bank=BANK, url=url)
    yield replica
    replica.close()


def ask(service, customer="c02", channel="email"):
    return json.loads(
        service.decision_queue.ask(DecisionRequest(customer_id=customer, channel=channel)).result(timeout=30)
    )


def contact(service, customer="c02"):
    said = ask(service, customer)
    assert said["offers"]
    return said["decision_id"]


def present(service, decision, customer="c02"):
    told = SubmittedEvent(
        event_id=f"p-{decision}",
        customer_id=customer,
        type="offer_presented",
        channel="email",
        properties={"offer": "savings_plus"},
        decision_id=decision,
    )
    return [fate.value for fate in service.ingestion.ingest([told]).fates.result(timeout=30)]


def rows(service, table):
    with service.database.reading() as connection:
        return connection.execute(select(table)).all()


def spent(service):
    return sum(row.spent for row in rows(service, SPENDING)) / UNIT


def letters_counted(service, customer="c02"):
    [limit] = service.queries.customer(customer).limits
    return limit["count"]


def at_once(*work):
    """Run all calls concurrently in threads; return results and errors."""
    ready, results = threading.Barrier(len(work)), [None] * len(work)

    def do(place):
        ready.wait()
        try:
            results[place] = work[place]()
        except ContactNotPendingError as error:
            results[place] = error

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_withdrawn_contact_counts_in_no_replica_any_more_and_its_budget_is_there_again(service, replica):
    decision = contact(service)
    assert ask(replica)["offers"] == []
    assert (letters_counted(replica), spent(service)) == (1, 1.0)
    said = service.withdrawal.withdraw(decision, "tester")
    assert said.decision_id == decision
    assert (letters_counted(replica), spent(service)) == (0, 0.0)
    assert rows(service, PENDING) == rows(service, CHARGES) == []
    again = contact(replica)
    assert again != decision
    assert (letters_counted(service), spent(service)) == (1, 1.0)


def test_withdrawing_again_answers_the_same_and_changes_nothing(service, replica):
    decision = contact(service)
    said = service.withdrawal.withdraw(decision, "tester")
    other = contact(service)
    assert replica.withdrawal.withdraw(decision, "another") == said
    assert [row.decision_id for row in rows(service, PENDING)] == [other]
    assert spent(service) == 1.0
    looks = [(row.caller, row.act, row.subject, row.detail) for row in rows(service, AUDIT)]
    assert looks == [("tester", "withdraw a contact", "c02", decision)]
    assert service.queries.decision(decision).withdrawn_at == said.withdrawn_at
    assert service.queries.decision(other).withdrawn_at is None


def test_two_who_withdraw_at_once_give_back_once(service, replica):
    kept = contact(service, "c10")
    for customer in ("c02", "c04", "c07", "c08"):
        decision = contact(service, customer)
        answers = at_once(
            *[
                lambda one=one, decision=decision: one.withdrawal.withdraw(decision, "t")
                for one in (service, replica) * 3
            ]
        )
        assert answers == [answers[0]] * 6
    assert spent(service) == 1.0
    assert [row.decision_id for row in rows(service, PENDING)] == [kept]
    # one for the contact, one for its end
    versions = {row.customer_id: row.version for row in rows(service, CUSTOMERS)}
    assert versions == {"c02": 2, "c04": 2, "c07": 2, "c08": 2, "c10": 1}
    assert len(rows(service, AUDIT)) == 4


def test_presented_and_withdrawn_at_once_it_is_one_of_both(service, replica):
    for customer in ("c02", "c04", "c07", "c08", "c10", "c11"):
        before = spent(service)
        decision = contact(service, customer)
        fates, ended = at_once(
            lambda decision=decision, customer=customer: present(service, decision, customer),
            lambda decision=decision: replica.withdrawal.withdraw(decision, "tester"),
        )
        assert fates == ["accepted"]
        assert spent(service) - before == (1.0 if isinstance(ended, ContactNotPendingError) else 0.0)
        # what the channel says that it presented counts, whatever it said besides
        assert letters_counted(service, customer) == 1
    assert rows(service, PENDING) == []


def test_a_decision_that_was_made_with_the_contact_counted_is_made_anew(service, replica, tmp_path):
    [weekly] = BANK.policy.contact_limits
    twice = with_policy(BANK, contact_limits=(replace(weekly, at_most=2),))
    service.swap(engine_of(twice, EventLog(tmp_path / "log"), service.database))
    decision = contact(service)
    [prepared] = service.decisions.prepare([DecisionRequest(customer_id="c02", channel="email")])
    assert prepared.answered
    replica.withdrawal.withdraw(decision, "tester")
    write = AnswerWrite(decisions=(prepared.made,), request=None, answer=b"", at=prepared.made.row["as_of"])
    assert service.commits.submit(DecisionWriter(service.database), write).result(timeout=30).outdated == ("c02",)


@pytest.mark.parametrize("case", ["presented", "inbound", "nothing offered"])
def test_what_is_no_pending_contact_is_told_and_stays_as_it_is(service, case):
    decision = contact(service)
    words = "no contact of this decision waits"
    if case == "presented":
        present(service, decision)
        words = "it was presented"
    elif case == "inbound":
        decision = ask(service, "c05", "app")["decision_id"]
    else:
        decision = ask(service)["decision_id"]
    with pytest.raises(ContactNotPendingError, match=words):
        service.withdrawal.withdraw(decision, "tester")
    assert spent(service) == 1.0
    assert letters_counted(service) == 1
    assert rows(service, AUDIT) == []


def test_an_unknown_decision_is_unknown_and_so_is_that_of_an_erased_customer(service):
    with pytest.raises(NotFoundError, match="no such decision"):
        service.withdrawal.withdraw("nosuchdecision", "tester")
    decision = contact(service)
    service.withdrawal.withdraw(decision, "tester")
    assert service.erasure.erase("c02", "tester").erased["withdrawals"] == 1
    with pytest.raises(NotFoundError):
        service.withdrawal.withdraw(decision, "tester")


def test_a_contact_of_which_nothing_is_told_counts_as_presented_when_it_was_decided(url, tmp_path):
    for days, counted in ((0, 1), (6, 1), (8, 0)):
        service = small_service(tmp_path, bank=BANK, url=url, start=AS_OF + timedelta(days=days))
        if not days:
            contact(service)
        assert letters_counted(service) == counted
        assert spent(service) == 1.0
        assert len(rows(service, PENDING)) == 1
        service.close()


def test_what_was_withdrawn_and_is_presented_after_all_counts(service):
    decision = contact(service)
    service.withdrawal.withdraw(decision, "tester")
    assert present(service, decision) == ["accepted"]
    assert letters_counted(service) == 1
