"""Many contacts get the same rulings together as each would alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from decisioning.policies.policy import QuietHours
from events.vocabulary import Property
from records.journal import Journal
from serving.customer_features import CustomerReader
from serving.delivery.outbox import Contact
from serving.delivery.permission import DeliveryPermission, Ruled, Ruling
from serving.delivery.states import State
from serving.intraday import TodaysEvents
from tests.records.build import accept, told
from tests.serving.build import AS_OF, small_bank, small_decider
from tests.serving.delivery.build import BANK, NIGHT, NOW, Post, webhook
from tests.serving.delivery.receiver import receiving
from tests.serving.test_customer import online_states

EVERYBODY = [f"c{number:02d}" for number in range(12)] + ["nobody", "new"]


def contact(customer, **more):
    said = {"decision_id": f"d-{customer}", "customer_id": customer, "night": NIGHT, "channel": "email"}
    said |= {"contact_at": AS_OF, "offer": "savings_plus", "message": "letter", "slot": None, "attempts": 0}
    return Contact(**{**said, **more})


@pytest.fixture
def post(tmp_path):
    post = Post(tmp_path)
    yield post
    post.database.close()


def permission_of(post, states=None, bank=BANK):
    today = TodaysEvents(post.log)
    reader = CustomerReader(bank, post.log, states, Journal(post.database, bank.vocabulary.contacts), today)
    today.refresh(reader.midnight(NOW))
    return DeliveryPermission(small_decider(bank), reader, seed=7)


def alone(permission, contacts, now=NOW):
    return [ruled for one in contacts for ruled in permission.of([one], now)]


@pytest.mark.parametrize("from_states", [True, False])
def test_each_of_many_is_ruled_on_as_if_it_were_alone(post, tmp_path, from_states):
    permission = permission_of(post, online_states(BANK, post.log, tmp_path) if from_states else None)
    accept(post.database, told("w", "c02", "customer_attributes", properties={"consent_email": "false"}))
    accept(post.database, told("n", "new", "customer_attributes", properties={"consent_email": "true"}))
    # the clock of the replica that accepted this is ahead: the customer is looked up as of then
    accept(post.database, told("l", "c07", at=NOW + timedelta(minutes=1)))
    contacts = [contact(customer) for customer in EVERYBODY]
    contacts[4] = replace(contacts[4], offer="gone")
    contacts[5] = replace(contacts[5], attempts=1)
    ruled = permission.of(contacts, NOW)
    assert ruled == alone(permission, contacts)
    by_customer = dict(zip(EVERYBODY, ruled, strict=True))
    assert by_customer["c02"] == Ruled(Ruling.NEVER, "failed consent_email")
    assert by_customer["c04"] == Ruled(Ruling.NEVER, "the offer is not made in this channel any more")
    assert by_customer["c01"] == Ruled(Ruling.LATER, "failed weekly")
    assert by_customer["c05"] == Ruled(Ruling.ALLOWED), "it was tried before"
    assert by_customer["c07"] == Ruled(Ruling.ALLOWED)
    assert by_customer["nobody"] == Ruled(Ruling.NEVER, "the customer is not known any more")


@pytest.mark.parametrize(
    ("hour", "ruling"),
    [
        (0, Ruled(Ruling.LATER, "failed night")),
        (7, Ruled(Ruling.LATER, "failed night")),
        (8, Ruled(Ruling.ALLOWED)),
        (20, Ruled(Ruling.ALLOWED)),
        (21, Ruled(Ruling.LATER, "failed night")),
    ],
)
def test_what_waits_over_midnight_is_handed_over_at_the_hour_it_is_not_at_that_of_its_channel(post, hour, ruling):
    night = QuietHours(name="night", channels=("email",), from_hour=21, until_hour=8)
    bank = small_bank(replace(BANK.policy, quiet_hours=(night,), outbound={"email": 17}))
    midnight = AS_OF.astimezone(bank.time_zone).replace(hour=0) + timedelta(days=1)
    now = midnight + timedelta(hours=hour, minutes=30)
    assert permission_of(post, bank=bank).of([contact("c04")], now) == [ruling]


@pytest.mark.parametrize(("zone", "offset"), [("Asia/Tokyo", 8), ("America/Curacao", -5), ("Europe/Amsterdam", 0)])
def test_what_waits_is_handed_over_in_the_recipient_s_day(post, zone, offset):
    night = QuietHours(name="night", channels=("email",), from_hour=21, until_hour=8)
    policy = replace(BANK.policy, quiet_hours=(night,), recipient_time_zone="time_zone")
    zones = Property(values=("Asia/Tokyo", "America/Curacao", "Europe/Amsterdam"))
    bank = small_bank(policy, replace(BANK.vocabulary, attributes={**BANK.vocabulary.attributes, "time_zone": zones}))
    accept(post.database, told("z", "c04", "customer_attributes", properties={"time_zone": zone}))
    midnight = AS_OF.astimezone(bank.time_zone).replace(hour=0) + timedelta(days=1)
    permission, allowed = permission_of(post, bank=bank), []
    for hour in range(24):
        known, unknown = permission.of([contact("c04"), contact("c02")], midnight + timedelta(hours=hour, minutes=30))
        assert unknown == Ruled(Ruling.LATER, "failed night"), "it is night somewhere"
        if known == Ruled(Ruling.ALLOWED):
            allowed.append((hour + offset) % 24)
    assert sorted(allowed) == list(range(8, 21))


def test_a_second_contact_of_a_customer_waits_for_the_first_also_where_both_are_taken_at_once(post):
    post.gather("c02", "c04")
    post.gather("c02", run="tomorrow", night="2026-03-03")
    with receiving() as receiver:
        report = post.deliver(webhook(receiver, batch=100))
    assert (report.delivered, report.postponed, dict(report.reasons)) == (2, 1, {"failed weekly": 1})
    assert sorted(one["customer_id"] for one in receiver.made.values()) == ["c02", "c04"]


def test_customers_whose_log_cannot_be_read_wait_and_are_not_given_up(post):
    kept = {file: file.read_bytes() for file in post.log.folder.glob("bucket-*.parquet")}
    post.gather("c02", "c04")
    for file in kept:
        file.write_bytes(b"damaged")
    with receiving() as receiver:
        report = post.deliver(webhook(receiver))
        assert (report.postponed, report.withheld) == (2, 0)
        [reason] = report.reasons
        assert reason == "the customer could not be looked up: the event log cannot be read"
        for file, content in kept.items():
            file.write_bytes(content)
        assert post.deliver(webhook(receiver), NOW + timedelta(hours=1)).delivered == 2
    assert post.states() == {State.DELIVERED: 2}
