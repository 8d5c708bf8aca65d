"""Effects measured from a log whose truth is known: by assignment, not by who accepted."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from decisioning.engine import DecisionContext
from decisioning.policies.assignment import arms_of
from decisioning.policies.draws import Arm, hashes_of
from decisioning.policies.policy import Control
from domain.errors import DataError
from domain.event import Event
from domain.outcome import CountsAs
from events.schema import table_of
from features.moments import utc_microseconds
from records.decision_log import DecisionLog
from serving.effects import effects_of
from tests.serving.api.build import with_policy
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

CUSTOMERS = 600
CONTROL = Control(holdout_share=0.4, random_offer_share=0.01)
LATER = AS_OF + timedelta(days=100)
OPENED = CountsAs(types=("opened",), value=60.0)


def bank_with(**of_offer: CountsAs):
    bank = with_policy(small_bank(), control=CONTROL)
    return replace(bank, offers=tuple(replace(one, counts_as=of_offer.get(one.name)) for one in bank.offers))


BANK = bank_with(savings_plus=OPENED)


class World:
    """Customers who open accounts with these chances; `realises` times what was expected if they are shown the offer.

    Everybody is decided for, and who is offered the account is shown it.
    """

    def __init__(self, folder, *, programme=0.2, held=0.2, realises=None):
        self.log = small_log(folder / "log", CUSTOMERS)
        self.decision_log = DecisionLog(f"sqlite:///{folder / 'decisions.db'}")
        decider, features = small_decider(BANK), features_of_all(BANK, self.log)
        decided = decider.decide(features, DecisionContext(as_of=utc_microseconds(AS_OF), seed=7, channels=["app"]))
        arms = arms_of(hashes_of(map(str, features.customer_ids)), CONTROL, AS_OF.date())
        draws, events = np.random.default_rng(5).random(len(features)), []
        for row, customer in enumerate(features.customer_ids.tolist()):
            decision, chance = decider.record(decided, row, "app"), held if arms[row] == Arm.HOLDOUT else programme
            self.decision_log.append(decision, "log")
            if decision.offers and decision.offers[0].offer == "savings_plus":
                events.append(_event("offer_presented", customer, 0, decision.decision_id))
                if realises is not None:
                    chance = realises * decision.offers[0].propensity * decision.offers[0].value / 60.0
            if draws[row] < chance:
                events.append(_event("opened", customer, 10))
        self.log.append(table_of(events))

    def effects(self, bank=BANK, until=LATER, since=None):
        return effects_of(self.log, self.decision_log, bank, until, since)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return cache(lambda **chances: World(tmp_path_factory.mktemp("world"), **chances))


def _event(kind, customer, days, decision=None):
    at = AS_OF + timedelta(days=days, minutes=1)
    return Event(
        event_id=f"{kind} {customer}", customer_id=customer, type=kind, occurred_at=at, available_at=at,
        channel="app", product="savings", decision_id=decision,
        properties={"offer": "savings_plus"} if kind.startswith("offer") else {},
    )  # fmt: skip


def test_the_programme_is_worth_what_it_changes_for_everybody_assigned(world):
    found = world(programme=0.9, held=0.6).effects()
    held, programme = found.comparisons[0].groups
    assert held.customers + programme.customers == CUSTOMERS
    assert held.mean.value == pytest.approx(36.0, abs=4.0)
    assert programme.gain.low <= 18.0 <= programme.gain.high
    assert programme.gain.low > 0.0
    assert found.comparisons[0].is_readable
    assert "programme differs by +" in found.comparisons[0].sentence("EUR")


def test_where_offers_change_nothing_acceptances_do_not_make_a_winner(world):
    programme = world().effects().comparisons[0].groups[1]
    assert programme.gain.low <= 0.0 <= programme.gain.high


def test_an_arm_of_a_few_customers_has_no_interval_and_a_date_instead_of_a_winner(world):
    arms = world().effects().comparisons[1]
    assert [one.group for one in arms.groups] == ["standard", "random_offer"]
    assert np.isnan(arms.groups[1].gain.low)
    assert "cannot tell before" in arms.sentence("EUR")


def test_outcomes_count_from_the_first_decision_and_from_the_end_of_the_wash_out(world):
    usual = world()
    holdout, arms = usual.effects().comparisons
    assert (holdout.since, f"{arms.since:%Y-%m-%d}") == (AS_OF, "2026-04-29")
    early = usual.effects(since=AS_OF - timedelta(days=300)).comparisons[0]
    assert f"{early.since:%Y-%m-%d}" == "2026-01-29"
    too_soon = usual.effects(until=AS_OF - timedelta(days=1))
    assert not too_soon.comparisons
    assert "holdout: outcomes count from 2026-03-02 on" in too_soon.notes[0]


def test_what_can_be_undone_is_waited_for(world):
    undone = replace(OPENED, reversed_by=("closed",), reversed_within_days=20)
    [holdout, _] = world().effects(bank_with(savings_plus=undone)).comparisons
    assert holdout.until == LATER - timedelta(days=20)


@pytest.mark.parametrize(("realises", "alarms"), [(0.4, 1), (1.0, 0)])
def test_an_offer_that_realises_less_than_it_promised_raises_an_alarm(world, realises, alarms):
    found = world(realises=realises).effects()
    one = found.offers["savings_plus"]
    assert one.ratio.low <= realises <= one.ratio.high
    assert len(found.alarms) == alarms


def test_an_offer_whose_windows_have_not_ended_is_not_judged(world):
    assert not world(realises=0.1).effects(until=AS_OF + timedelta(days=20)).offers


def test_a_bank_that_does_not_say_what_counts_is_told_so(world):
    usual = world()
    assert "the effect of budget_check is not measured" in usual.effects().notes[-1]
    with pytest.raises(DataError, match="no offer says what it counts as"):
        usual.effects(bank_with())
