"""What must hold whatever happens: stories of a bank from one end to the other.

Others are where their parts are: unsubscribing and waiting contacts in tests/serving/delivery, channels that drop
contacts in tests/serving/watching, holdout, households and trials in tests/decisioning.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from config.proposals.proposed import folder_digest
from config.reading import load_bank
from decisioning.allocation.prices import PriceSearch
from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext, decide
from decisioning.plan.contact_options import all_contact_options, first_contact_options
from decisioning.plan.sharing import batch_prices, plan_contacts
from decisioning.policies.compile import compile_policy
from decisioning.policies.policy import ContactLimit, Exploration, Feed, Policy, QuietHours
from domain.event import Event
from domain.pause import PauseScope
from events.schema import table_of
from features.responses import responses
from features.table import FeatureTable
from models.propensity.rates import AcceptanceRates, count_rates
from serving.decider import Decider
from serving.proposals.personas import try_personas
from serving.proposals.workflow import Proposals
from serving.stale_feeds import stale_pauses
from tests.decisioning.build import NOON, OFFERS, VOCABULARY, catalogue_for, customers
from tests.pipelines.small_bank import DEMO
from tests.serving.api.build import engine_of, small_client, small_service, with_policy
from tests.serving.build import AS_OF, Interested, Leaving, features_of_all, small_bank, small_log
from tests.serving.build import VOCABULARY as SMALL
from tests.serving.contacting import contacted

DAY = timedelta(days=1)


# 2: who disclosed a hardship gets no credit, and when nobody can know of a disclosure, nobody gets credit

HARDSHIP = Feed(name="hardship", types=("customer_attributes",), stale_after_hours=48.0, products=("savings",))


def told(at: datetime) -> Event:
    return Event(
        event_id=f"told-{at}", customer_id="c01", type="customer_attributes", occurred_at=at, available_at=at,
        properties={"region": "north"},
    )  # fmt: skip


def offers_of(decider: Decider, features: FeatureTable) -> set[str]:
    decisions = decider.decide(features, DecisionContext(as_of=AS_OF, seed=7, channels=["app"]))
    records = [decider.record(decisions, row, "app") for row in range(len(features))]
    return {offer.offer for record in records for offer in record.offers}


def test_when_the_feed_that_tells_of_hardship_is_stale_nobody_is_offered_credit(tmp_path: Path) -> None:
    bank = with_policy(small_bank(), feeds=(HARDSHIP,))
    log = small_log(tmp_path / "log")
    decider, features = Decider(bank, Leaving(), Interested()), features_of_all(bank, log)
    stale = stale_pauses(log, bank, AS_OF)
    [pause] = stale
    assert (pause.target, pause.by) == ("offer savings_plus", "nbo")
    assert "the feed hardship has told nothing since" in pause.reason
    assert offers_of(decider, features) == {"savings_plus", "budget_check"}
    assert offers_of(decider.paused_by(stale), features) == {"budget_check"}, "help is still offered"
    assert stale_pauses(log, bank, AS_OF + DAY) == stale, "the same pause, so that nothing is compiled anew"
    log.append(table_of([told(AS_OF - timedelta(hours=1))]))
    assert stale_pauses(log, bank, AS_OF) == ()
    assert stale_pauses(log, bank, AS_OF + 2 * DAY) != ()


def test_a_service_stops_credit_when_the_feed_goes_stale_and_offers_it_again_with_its_news(tmp_path: Path) -> None:
    bank = with_policy(small_bank(), feeds=(HARDSHIP,))
    question = {"customer_id": "c05", "channel": "app", "dry_run": True}
    with small_client(tmp_path, bank=bank) as client:
        service = client.app.state.service
        answer = client.post("/v1/decisions", json=question).json()
        assert {offer["offer"] for offer in answer["offers"]} == {"budget_check"}
        assert client.get("/readyz").json()["paused"] == ["offer savings_plus"]
        service._log.append(table_of([told(AS_OF - timedelta(hours=1))]))
        service.read_pauses()
        answer = client.post("/v1/decisions", json=question).json()
        assert {offer["offer"] for offer in answer["offers"]} == {"savings_plus", "budget_check"}


def test_a_feed_that_has_never_told_anything_is_stale(tmp_path: Path) -> None:
    bank = with_policy(small_bank(), feeds=(replace(HARDSHIP, types=("offer_accepted",)),))
    [pause] = stale_pauses(small_log(tmp_path), bank, AS_OF)
    assert "has told nothing yet" in pause.reason


# 3: a withdrawn proposal leaves everything as it was


def test_a_withdrawn_proposal_leaves_policy_digest_and_decisions_as_they_were(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEMO, tmp_path / "demo"))
    proposals = Proposals(
        folder=tmp_path / "proposals", bank_folder=folder, decider=lambda: Decider(load_bank(folder), None, None),
        what_if=lambda *_: {},
    )  # fmt: skip

    def now() -> tuple[str, dict[str, str], list[object]]:
        bank = load_bank(folder)
        decider = Decider(bank, None, None)
        return folder_digest(folder), decider.versions, list(try_personas(decider, bank, AS_OF))

    before = now()
    entry = proposals.entry("offer", "savings_plus").replace("cost: 15", "cost: 1")
    proposal = proposals.draft("ann", "offer", "savings_plus", entry)
    assert now() == before, "a draft changes nothing"
    proposals.withdraw(proposal.number, "ann")
    assert now() == before


# 4: a reload keeps every suppression with its end, and of two caps the stricter one binds


def test_a_reload_keeps_the_end_of_a_pause(tmp_path: Path) -> None:
    service, until = small_service(tmp_path), AS_OF + 9 * DAY
    try:
        words = {"reason": "wrong rate", "by": "A. Jansen", "caller": "test"}
        service.pauses.pause(PauseScope.OFFER, "savings_plus", until=until, **words)
        changed = with_policy(small_bank(), offers_per_channel=1)
        service.swap(engine_of(changed, service._log, service.database))
        [pause] = service.engine.bank.pauses
        assert (pause.target, pause.until) == ("offer savings_plus", until)
    finally:
        service.close()


def test_a_cap_of_the_channel_and_a_limit_of_the_offer_both_bind() -> None:
    weekly = ContactLimit(name="weekly", per="channel", channels=("email",), at_most=1, days=7)
    monthly = ContactLimit(name="monthly", per="offer", offers=("savings_plus",), at_most=2, days=30)

    def sent(*limits: ContactLimit) -> list[datetime]:
        policy = Policy(consent={"email": "consent_email"}, contact_limits=limits, exploration=Exploration(epsilon=0.0))
        moments: list[datetime] = contacted(small_bank(policy), [24.0] * 40)
        return moments

    both, one, other = sent(weekly, monthly), sent(weekly), sent(monthly)
    assert all(later - earlier > 6 * DAY for earlier, later in pairwise(both)), "the cap"
    assert all(third - first > 29 * DAY for first, third in zip(both, both[2:], strict=False)), "the limit"
    assert len(both) <= min(len(one), len(other))
    assert len(one) > len(both), "alone, the cap allows more"
    assert any(later - earlier < 6 * DAY for earlier, later in pairwise(other)), "alone, the limit allows it sooner"


# 6: an acceptance that becomes known late counts from then on, and what was learned before stays as it was


def test_an_acceptance_known_on_day_40_counts_from_then_on_and_the_model_of_day_31_is_reproducible() -> None:
    start = AS_OF

    def event(kind: str, customer: str, day: float, known: float) -> Event:
        return Event(
            event_id=f"{kind}-{customer}", customer_id=customer, type=kind, occurred_at=start + day * DAY,
            available_at=start + known * DAY, channel="app", properties={"offer": "savings_plus"}, decision_id=customer,
        )  # fmt: skip

    offers = small_bank().offers
    assert {offer.response_window_days for offer in offers} == {30}
    shown = [event("offer_presented", f"c{number}", 0.0, 0.0) for number in range(20)]
    in_time = event("offer_accepted", "c0", 20.0, 40.0)  # within the window, and told late
    too_late = event("offer_accepted", "c1", 40.0, 40.0)  # after the window

    def learned(events: list[Event], day: int) -> tuple[AcceptanceRates | None, int, int]:
        until = start + day * DAY
        found = responses(table_of(events), SMALL, offers, until)
        features = FeatureTable(found.customer_ids, found.presented_at, {}, {})
        return count_rates(features, found, offers), int(found.accepted.sum()), found.counts.get("late", 0)

    then = learned(shown, 31)
    assert then[1:] == (0, 0)
    everything = [*shown, in_time, too_late]
    assert learned(everything, 31) == then, "on day 50 the model of day 31 comes out again"
    assert learned(everything, 40)[1:] == (0, 0), "known during the day, not before it"
    assert learned(everything, 41)[1:] == (1, 1), "relabelled; what came after the window is late"
    assert learned(everything, 41)[0] != then[0]


# 7: whatever the clock does, nobody is contacted outside of the hours that are allowed


@pytest.mark.parametrize("change", [datetime(2026, 3, 29), datetime(2026, 10, 25)], ids=["missing", "twice"])  # noqa: DTZ001
def test_no_contact_outside_8_to_21_h_on_the_days_when_the_clock_changes(tmp_path: Path, change: datetime) -> None:
    night = QuietHours(name="night", channels=("email",), from_hour=21, until_hour=8)
    policy = Policy(consent={"email": "consent_email"}, quiet_hours=(night,), exploration=Exploration(epsilon=0.0))
    bank = small_bank(policy)
    log, decider = small_log(tmp_path), Decider(bank, Leaving(), Interested())
    features = features_of_all(bank, log)
    midnight = (change - timedelta(hours=6)).replace(tzinfo=bank.time_zone)
    open_hours: set[int] = set()
    for turn in range(36 * 4):
        moment = datetime.fromtimestamp(midnight.timestamp() + turn * 900, tz=bank.time_zone)
        decisions = decider.decide(features, DecisionContext(as_of=moment, seed=7, channels=["email"]))
        if decisions.ranking.rank.any():
            open_hours.add(moment.hour)
    assert open_hours == set(range(8, 21))


# 8: of 1,000 who would be called, the same 100 are, in whatever order and parts they come

CALLS = Budget(name="call_slots", unit="calls", amount=100, period="day", channels=("call_centre",))


@pytest.mark.parametrize("cuts", [(), (500,), (1, 2, 700), tuple(range(100, 1_000, 100))])
def test_the_same_hundred_of_a_thousand_are_called_in_any_order_and_partition(cuts: tuple[int, ...]) -> None:
    declared = Policy(outbound={"call_centre": 10}, without_consent={"call_centre": "a test"})
    policy, problems = compile_policy(declared, OFFERS, VOCABULARY, catalogue_for(declared, OFFERS), (CALLS,))
    assert problems == []
    count, search, capacities = 1_000, PriceSearch(threads=1), {"call_slots": 100.0}
    table = customers(policy, count)
    scores = np.random.default_rng(2).random((count, len(policy.candidates))) * 0.5

    def called(order: np.ndarray, cuts: tuple[int, ...]) -> set[str]:
        parts = np.split(order, cuts)

        def decided(prices: dict[str, float]) -> list[object]:
            context = DecisionContext(as_of=NOON, seed=1, prices=prices)
            return [decide(table.take(rows), scores[rows], policy, context) for rows in parts]

        prices = batch_prices([all_contact_options(one) for one in decided({})], capacities, search, {})  # type: ignore[arg-type]
        options = [first_contact_options(one) for one in decided(dict(prices))]  # type: ignore[arg-type]
        plan = plan_contacts(options, capacities, prices, search)
        chosen = np.concatenate(plan.chosen) >= 0
        return set(map(str, table.customer_ids[order[chosen]]))

    usual = called(np.arange(count), ())
    assert len(usual) == 100
    assert called(np.random.default_rng(3).permutation(count), cuts) == usual
