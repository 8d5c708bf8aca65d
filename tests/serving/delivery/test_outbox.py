import threading
from datetime import timedelta

import pyarrow as pa
import pytest
from sqlalchemy import select

from domain.errors import StateError
from records.decision_log import DecisionLog
from records.ingestion import EventStatus
from records.schema import PENDING
from serving.delivery.outbox import Outbox
from serving.delivery.states import State
from serving.service.clock import Clock
from serving.service.erasure import ErasureService
from serving.service.withdrawal import ContactNotPendingError
from tests.records.build import accept, empty_postgresql, told
from tests.serving.build import AS_OF
from tests.serving.delivery.build import AGREE, MIDNIGHT, NOW, Post, webhook
from tests.serving.delivery.receiver import receiving


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request, tmp_path):
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    post = Post(tmp_path, None if server is None else empty_postgresql(server))
    yield post
    post.database.close()


def pending(post):
    with post.database.reading() as connection:
        return sorted(connection.execute(select(PENDING.c.customer_id)).scalars())


def log_batch(post, decision_id, customer):
    """Write decisions as a batch run does."""
    offers = {"decision_id": decision_id, "customer_id": customer, "channel": "email", "stage": "growth"}
    offers |= {"offer": "savings_plus", "propensity": 0.2, "value": 1.0, "priority": 1.0, "selection_probability": 1.0}
    offers |= {"rank": 1, "as_of": AS_OF}
    table = pa.Table.from_pylist([offers])
    DecisionLog(post.database).append_batch(table, part="night/bucket-00", seed=7, versions={"bank": "1"})


def test_a_run_is_taken_in_once(post):
    assert post.gather(*AGREE) == 6
    assert post.gather(*AGREE) == 0
    assert post.outbox.has("run")
    assert not post.outbox.has("other")


def test_a_night_that_is_planned_anew_contacts_nobody_twice(post):
    post.gather("c02", "c04")
    assert post.gather("c04", "c07", run="anew") == 1
    assert post.gather("c04", run="tomorrow", night="2026-03-03", at=AS_OF + timedelta(days=1)) == 1
    with receiving() as receiver:
        post.deliver(webhook(receiver))
        assert sorted(receiver.made) == ["anew-c07", "run-c02", "run-c04"]


def test_nothing_goes_out_before_its_time(post):
    post.gather("c02", at=NOW + timedelta(hours=1))
    with receiving() as receiver:
        assert post.deliver(webhook(receiver)).delivered == 0
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=1)).delivered == 1


def test_what_is_too_late_is_not_made_any_more(post):
    post.gather("c02", at=NOW - timedelta(hours=25))
    post.gather("c04", run="in time", at=NOW - timedelta(hours=23))
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.delivered, report.expired) == (1, 1)


def test_who_does_not_agree_any_more_is_not_contacted(post):
    post.gather("c02", "c04")
    accept(post.database, told("w", "c02", "customer_attributes", properties={"consent_email": "false"}))
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.delivered, report.withheld) == (1, 1)
        assert dict(report.reasons) == {"failed consent_email": 1}
        assert [contact["customer_id"] for contact in receiver.made.values()] == ["c04"]
    assert post.states() == {State.DELIVERED: 1, State.WITHHELD: 1}


def test_consent_is_asked_for_before_every_attempt(post):
    post.gather("c02")
    with receiving(script=[500]) as receiver:
        assert post.deliver(webhook(receiver)).failed == 1
        withdrawn = told("w", "c02", "customer_attributes", at=NOW, properties={"consent_email": "false"})
        accept(post.database, withdrawn)
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=2)).withheld == 1
        assert not receiver.made


def test_a_customer_who_is_not_known_any_more_is_not_contacted(post):
    post.gather("erased")
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
    assert dict(report.reasons) == {"the customer is not known any more": 1}


def test_an_erased_customer_leaves_the_outbox(post):
    post.gather("c02", "c04")
    erasing = ErasureService(post.database, Clock(NOW), lambda customer: {})
    assert erasing.erase("c02", "tester").erased["outbox"] == 1
    assert post.states() == {State.WAITING: 1}


def test_an_offer_that_is_withdrawn_is_not_made(post):
    post.gather("c02", offer="gone")
    with receiving() as receiver:
        assert dict(post.deliver(webhook(receiver)).reasons) == {"the offer is not made in this channel any more": 1}


def test_whoever_was_contacted_since_waits_until_the_contact_is_too_late(post):
    post.gather("c01")  # got an e-mail yesterday
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.postponed, dict(report.reasons)) == (1, {"failed weekly": 1})
        assert post.deliver(webhook(receiver), NOW + timedelta(days=2)).expired == 1
        assert not receiver.made


def test_a_customer_who_cannot_be_looked_up_waits(post, monkeypatch):
    post.gather("c02")
    with receiving() as receiver:
        with monkeypatch.context() as broken:
            from records.journal import Journal

            def away(*arguments):
                raise StateError("the journal does not answer")

            broken.setattr(Journal, "recent_of", away)
            assert post.deliver(webhook(receiver)).postponed == 1
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=1)).delivered == 1


def test_a_contact_on_its_way_counts_against_limits(post):
    post.gather("c02", "c04")
    post.gather("c02", run="tomorrow", night="2026-03-03", at=NOW)
    with receiving(script=[200, 500]) as receiver:
        report = post.deliver(webhook(receiver, batch=1))
        assert (report.delivered, report.postponed, report.failed) == (1, 0, 1)
        assert pending(post) == ["c02", "c04"]
        report = post.deliver(webhook(receiver), NOW + timedelta(minutes=5))
        assert dict(report.reasons) == {"failed weekly": 1}, "the second of the two for c02"


def test_one_that_was_refused_counts_for_nothing(post):
    post.gather("c02")
    with receiving(poisoned={"c02"}) as receiver:
        assert post.deliver(webhook(receiver)).dead == 1
    assert pending(post) == []


def test_a_contact_that_is_withheld_gives_back_what_the_plan_was_charged_for_it(post):
    post.charge(*AGREE[:3])
    post.gather(*AGREE[:3])
    accept(post.database, told("w", "c02", "customer_attributes", properties={"consent_email": "false"}))
    with receiving() as receiver:
        assert post.deliver(webhook(receiver)).withheld == 1
        assert post.letters_spent() == 2.0
        post.deliver(webhook(receiver), NOW + timedelta(hours=1))
    assert post.letters_spent() == 2.0


def test_charge_and_state_of_a_withheld_contact_change_together_or_not_at_all(post, monkeypatch):
    post.charge("c02")
    post.gather("c02")
    accept(post.database, told("w", "c02", "customer_attributes", properties={"consent_email": "false"}))

    def away(*arguments):
        raise StateError("the budgets do not answer")

    with receiving() as receiver:
        with monkeypatch.context() as broken:
            broken.setattr("serving.delivery.outbox.refund", away)
            with pytest.raises(StateError):
                post.deliver(webhook(receiver))
        assert (post.states(), post.letters_spent()) == ({State.WAITING: 1}, 1.0)
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=1)).withheld == 1
    assert post.letters_spent() == 0.0


def test_a_contact_that_may_have_reached_somebody_stays_charged(post):
    post.charge("c02")
    post.gather("c02")
    with receiving(script=[500]) as receiver:
        assert post.deliver(webhook(receiver)).failed == 1
        accept(post.database, told("w", "c02", "customer_attributes", at=NOW, properties={"consent_email": "false"}))
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=2)).withheld == 1
    assert (post.letters_spent(), pending(post)) == (1.0, ["c02"])
    # its channel knows that it has not
    post.withdraw("run-c02")
    assert (post.letters_spent(), pending(post)) == (0.0, [])


def test_a_dead_letter_stays_charged_because_it_may_be_sent_again(post):
    post.charge("c02")
    post.gather("c02")
    with receiving(poisoned={"c02"}) as receiver:
        assert post.deliver(webhook(receiver)).dead == 1
    assert post.letters_spent() == 1.0


def test_what_expires_before_it_was_sent_gives_back_its_charge(post):
    post.charge("c02")
    post.gather("c02", at=NOW - timedelta(hours=25))
    post.charge("c04", run="later", midnight=MIDNIGHT + timedelta(days=1))
    post.gather("c04", run="later", night="2026-03-03", at=NOW - timedelta(hours=23))
    with receiving(script=[500]) as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.expired, report.failed) == (1, 1)
        assert post.letters_spent() == 1.0
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=2)).expired == 1
    assert post.letters_spent() == 1.0, "the channel may have had it"


def test_what_its_channel_withdraws_counts_for_nothing_and_is_not_sent_again(post):
    post.charge(*AGREE[:3])
    post.gather(*AGREE[:3])
    with receiving(script=[200, 500, 200]) as receiver:
        assert post.deliver(webhook(receiver, batch=1)).failed == 1
        delivered, unsure, waiting = (f"run-{customer}" for customer in AGREE[:3])
        for decision in (delivered, unsure, waiting):
            post.withdraw(decision)
        assert (pending(post), post.letters_spent()) == ([], 0.0)
        assert post.states() == {State.DELIVERED: 1, State.WITHHELD: 2}
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=2)).delivered == 0
        assert len(receiver.requests) == 2


def test_what_is_withdrawn_between_taking_and_sending_is_not_sent(post):
    post.gather("c02", "c04")
    taken = post.outbox.take("email", NOW, 10, timedelta(hours=1))
    post.withdraw("run-c02")
    assert [contact.customer_id for contact in post.outbox.begin(taken, NOW)] == ["c04"]
    assert pending(post) == ["c04"]


def test_what_was_presented_while_its_delivery_was_unsure_is_counted_once_and_not_withdrawn(post):
    post.gather("c02")
    with receiving(script=[500, 200]) as receiver:
        assert post.deliver(webhook(receiver)).failed == 1
        log_batch(post, "run-c02", "c02")
        presented = told("p", "c02", "offer_presented", channel="email", decision_id="run-c02")
        assert accept(post.database, presented) == [EventStatus.ACCEPTED]
        with pytest.raises(ContactNotPendingError, match="it was presented"):
            post.withdraw("run-c02")
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=2)).delivered == 1
    assert pending(post) == []


def test_two_that_deliver_at_once_deliver_each_contact_once(post):
    post.gather(*AGREE)
    taken, ready = [], threading.Barrier(4)

    def take():
        outbox = Outbox(post.database, {})
        ready.wait()
        while some := outbox.take("email", NOW, 1, timedelta(hours=1)):
            taken.extend(contact.customer_id for contact in some)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(AGREE)
