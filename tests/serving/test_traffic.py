from dataclasses import replace
from datetime import timedelta

import pytest

from decisioning.policies.assignment import arms_of
from decisioning.policies.draws import Arm, hashes_of
from decisioning.policies.policy import Control
from domain.event import Event
from events.log import EventLog
from events.schema import table_of
from serving.traffic import exposure_ratio, powers, traffic_of
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, small_bank

CONTROL = Control(random_offer_share=0.1, holdout_share=0.1)
BANK = with_policy(small_bank(), control=CONTROL)


def log_of(folder, customers, days_ago=40):
    """Every customer is presented an offer, once long enough ago and once lately; every tenth accepts the first."""
    events = []
    for number, customer in enumerate(customers):

        def add(kind, at, customer=customer):
            events.append(
                Event(
                    event_id=f"{kind} {customer} {at:%m%d}", customer_id=customer, type=kind, occurred_at=at,
                    available_at=at, channel="app", properties={"offer": "savings_plus"},
                    decision_id=f"of {customer}",
                )
            )  # fmt: skip

        add("offer_presented", AS_OF - timedelta(days=days_ago))
        add("offer_presented", AS_OF - timedelta(days=5))
        if number % 10 == 0:
            add("offer_accepted", AS_OF - timedelta(days=days_ago - 1))
    log = EventLog(folder, buckets=2)
    log.append(table_of(events))
    return log


def names(number):
    return [f"c{one:04d}" for one in range(number)]


def test_the_rate_is_of_what_has_matured_and_the_month_is_the_last(tmp_path):
    traffic = traffic_of(log_of(tmp_path, names(1_000)), BANK, AS_OF)
    assert (traffic.impressions, traffic.rate) == (1_000, pytest.approx(0.1))
    assert sum(traffic.exposed.values()) == 1_000
    [one] = powers(BANK, traffic)
    assert (one.arm, one.observations, one.is_too_small) == ("random_offer", pytest.approx(100.0), True)


def test_without_a_matured_impression_no_power_is_told(tmp_path):
    traffic = traffic_of(log_of(tmp_path, names(50), days_ago=10), BANK, AS_OF)
    assert (traffic.rate, powers(BANK, traffic)) == (None, [])


def test_arms_that_are_exposed_by_their_shares_do_not_mismatch_and_others_do(tmp_path):
    everybody = names(3_000)
    assert not exposure_ratio(BANK, traffic_of(log_of(tmp_path / "all", everybody), BANK, AS_OF)).is_mismatch
    arm = arms_of(hashes_of(everybody), CONTROL, AS_OF.date())
    few = [name for name, one in zip(everybody, arm, strict=True) if one != Arm.RANDOM_OFFER or int(name[1:]) % 2]
    assert exposure_ratio(BANK, traffic_of(log_of(tmp_path / "few", few), BANK, AS_OF)).is_mismatch


def test_a_bank_without_contacts_has_no_traffic(tmp_path):
    bank = replace(BANK, vocabulary=replace(BANK.vocabulary, contacts=None))
    traffic = traffic_of(log_of(tmp_path, names(3)), bank, AS_OF)
    assert (traffic.impressions, traffic.rate) == (0, None)
