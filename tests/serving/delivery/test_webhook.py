import json
import socket
from datetime import timedelta

import pytest

from domain.errors import StateError
from serving.delivery.states import State
from serving.delivery.webhook import IDEMPOTENCY_HEADER
from tests.serving.delivery.build import AGREE, NOW, Post, webhook
from tests.serving.delivery.receiver import CUT, DRIPPING, SILENT, Receiver, receiving

LATER = timedelta(hours=2)


@pytest.fixture
def post(tmp_path):
    post = Post(tmp_path)
    yield post
    post.database.close()


def test_what_is_due_is_posted_in_batches_signed_and_once(post):
    post.gather(*AGREE)
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.delivered, report.failed, dict(report.reasons)) == (6, 0, {})
        assert [len(json.loads(body)["contacts"]) for _, body in receiver.requests] == [4, 2]
        assert post.deliver(webhook(receiver), NOW + LATER).delivered == 0
        assert len(receiver.requests) == 2
        first = json.loads(receiver.requests[0][1])
    assert first["bank"] == "small"
    assert first["contacts"][0] == {
        "decision_id": "run-c02",
        "customer_id": "c02",
        "channel": "email",
        "contact_at": "2026-03-02T15:00:00+00:00",
        "offer": "savings_plus",
        "message": "letter",
        "slot": None,
    }


@pytest.mark.parametrize("failure", [500, 503, 401, 404, 429, 302, SILENT])
def test_a_channel_that_fails_is_left_alone_and_tried_again_after_a_wait_that_grows(post, failure):
    post.gather(*AGREE)
    # only where no answer is to come is it waited for shortly: a busy machine answers late
    waits = {"timeout_seconds": 0.3} if failure == SILENT else {}
    with receiving(script=[failure, failure]) as receiver:
        first = post.deliver(webhook(receiver, **waits))
        assert (first.delivered, first.failed) == (0, 4)
        second = post.deliver(webhook(receiver, **waits), NOW + timedelta(seconds=59))
        assert second.failed == 2, "those that were not tried"
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=61)).delivered == 4
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=118)).delivered == 0
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=119)).delivered == 2
        assert sorted(contact["customer_id"] for contact in receiver.made.values()) == list(AGREE)


def test_a_channel_that_says_when_to_come_back_is_not_asked_sooner(post):
    post.gather("c02")
    with receiving(script=[(503, 600)]) as receiver:
        post.deliver(webhook(receiver))
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=599)).delivered == 0
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=600)).delivered == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Tue, 01 Jan 2097 00:00:00 GMT", 86_400),
        ("9" * 5_000, 86_400),
        ("Fri, 01 Jan 2016 00:00:00 GMT", 60),
        ("Mon, 02 Mar 2026 12:00:30 +9999999999999", 60),
        ("soon", 60),
    ],
)
def test_when_to_come_back_may_be_a_date_is_bounded_and_never_sooner_than_our_own_wait(post, said, seconds):
    post.gather("c02", at=NOW)
    with receiving(script=[(429, said)]) as receiver:
        assert post.deliver(webhook(receiver)).failed == 1
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=seconds - 1)).delivered == 0
        assert post.deliver(webhook(receiver), NOW + timedelta(seconds=seconds)).delivered == 1


def test_an_answer_that_sends_elsewhere_is_not_followed(post):
    post.gather("c02")
    with receiving() as other, receiving(script=[307], location=other.url) as receiver:
        assert dict(post.deliver(webhook(receiver)).reasons) == {"answered 307": 1}
        assert (len(receiver.requests), other.requests) == (1, [])


def test_an_answer_that_drips_without_end_is_given_up_in_time(post):
    post.gather("c02")
    with receiving(script=[DRIPPING]) as receiver:
        assert dict(post.deliver(webhook(receiver, timeout_seconds=0.3)).reasons) == {"no answer: TimeoutError": 1}


@pytest.mark.parametrize("inside", [(), ("crm.bank.example", "localhost.bank.example", "10.0.0.0/8")])
def test_nothing_is_sent_inside_that_nobody_named(post, inside):
    post.gather("c02")
    with receiving() as receiver:
        report = post.deliver(webhook(receiver, inside=inside))
        assert (report.failed, receiver.requests) == (1, [])
        (reason,) = report.reasons
        assert reason.startswith("URL leads to an internal address: got 127.0.0.1, which is not a public address;")


def test_a_name_that_becomes_another_address_after_it_was_looked_at_is_not_asked_again(post, monkeypatch):
    post.gather("c02")
    asked, find = [], socket.getaddrinfo

    def rebinding(host, *more, **named):
        """Resolve as an attacker's name server would: first to a permitted address, then to the target."""
        if host == "rebound.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return find(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with receiving() as receiver:
        receiver.url = receiver.url.replace("127.0.0.1", "rebound.example")
        assert post.deliver(webhook(receiver)).delivered == 1
        [(headers, _)] = receiver.requests
        assert (asked, headers["Host"].partition(":")[0]) == (["rebound.example"], "rebound.example")


def test_a_slow_channel_is_sent_to_at_once_as_often_as_said_and_never_more(post):
    post.gather(*AGREE)
    with receiving(together=2) as receiver:
        assert post.deliver(webhook(receiver, batch=1, at_once=2)).delivered == 6
        assert (receiver.most, receiver.repeated, len(receiver.made)) == (2, 0, 6)


def test_an_answer_that_was_lost_brings_the_contacts_again_under_the_same_keys(post):
    post.gather(*AGREE[:3])
    with receiving(script=[CUT]) as receiver:
        first = post.deliver(webhook(receiver))
        assert (first.failed, dict(first.reasons)) == (3, {"no answer: RemoteProtocolError": 3})
        assert post.deliver(webhook(receiver), NOW + LATER).delivered == 3
        assert (len(receiver.made), receiver.repeated) == (3, 3)
        keys = {headers[IDEMPOTENCY_HEADER] for headers, _ in receiver.requests}
        assert len(keys) == 1


def test_one_that_is_refused_is_alone_in_it(post):
    post.gather(*AGREE)
    with receiving(poisoned={"c04"}) as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.delivered, report.dead, dict(report.reasons)) == (5, 1, {"answered 422": 1})
    assert post.outbox.dead_letters() == {("email", "answered 422"): 1}


def test_dead_letters_are_kept_and_may_be_tried_again(post):
    post.gather("c02")
    with receiving(script=[500, 500, 500]) as receiver:
        for hours in range(3):
            report = post.deliver(webhook(receiver), NOW + timedelta(hours=hours))
        assert (report.dead, len(receiver.requests)) == (1, 3)
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=9)).delivered == 0
        assert post.outbox.dead_letters() == {("email", "answered 500"): 1}
        assert post.outbox.revive(NOW + timedelta(hours=10)) == 1
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=10)).delivered == 1
        assert post.outbox.dead_letters() == {}


def test_a_receiver_with_another_secret_takes_nothing(post):
    post.gather("c02")
    with receiving() as receiver:
        report = post.deliver(webhook(receiver, secret="another"))
        assert (report.failed, dict(report.reasons), receiver.made) == (1, {"answered 401": 1}, {})


def test_a_channel_that_is_away_keeps_nothing_secret_in_its_reason(post):
    post.gather("c02")
    away = Receiver(url="http://127.0.0.1:9/hook?token=abc")
    assert dict(post.deliver(webhook(away)).reasons) == {"no answer: ConnectError": 1}
    assert "abc" not in repr(webhook(away))


@pytest.mark.parametrize("step", ["begin", "settle"])
def test_whenever_a_delivery_ends_the_next_one_goes_on_when_the_lease_is_over(post, step, monkeypatch):
    post.gather(*AGREE[:2])

    def ends(*arguments, **named):
        raise StateError("the process ended here")

    with receiving() as receiver:
        with monkeypatch.context() as broken:
            broken.setattr(type(post.outbox), step, ends)
            with pytest.raises(StateError, match="ended here"):
                post.deliver(webhook(receiver))
        assert post.deliver(webhook(receiver)).delivered == 0, "another may be at it"
        report = post.deliver(webhook(receiver), NOW + webhook(receiver).lease)
        assert report.delivered == 2
        assert len(receiver.made) == 2
        assert receiver.repeated == (2 if step == "settle" else 0)
    assert post.states() == {State.DELIVERED: 2}
