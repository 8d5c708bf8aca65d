"""Effects of accepted care: randomly drawn customers, separately for each kind, against the others in their world."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from simulation.care import REFERRAL_CHANCE
from simulation.journal import BOOKING, TOUCH, Recorder
from simulation.kinds import KIND
from simulation.market import APP, BoolArray, FloatArray, IntArray
from simulation.settings import Simulation
from simulation.state import NOBODY
from simulation.world import World
from tests.simulation.demo_bank import ZONE, DemoBank

LOT_DAY, LAST_DAY = 40, 170
RECOMMENDING = 30
"""So few that there are enough prospects for all of them."""


@dataclass
class Trial:
    """A world of sales only, in which all customers had hardship and open duties on the day care was assigned randomly.

    Attributes:
        given: Kind -> customers who accepted it on that day.
        here, engaged, left: On that day: who was here, was not leaving, had abandoned an application within the month.
        left_product: On that day: product of the application that each customer had abandoned last.
        satisfaction: Satisfaction at the end of each day.
    """

    world: World
    given: dict[str, BoolArray]
    here: BoolArray
    engaged: BoolArray
    left: BoolArray
    left_product: IntArray
    satisfaction: dict[int, FloatArray] = field(default_factory=dict)

    def count(
        self, recorder: Recorder, code: int, until: int = LAST_DAY, product: IntArray | None = None
    ) -> FloatArray:
        """Count events of a kind for each customer after the assignment, of their product if one is given."""
        rows, midnights = recorder.columns(), self.world.clock.midnights
        chosen = (rows["kind"] == code) & (rows["at"] >= midnights[LOT_DAY]) & (rows["at"] < midnights[until])
        if product is not None:
            chosen &= rows["product"] == product[rows["customer"]]
        return np.bincount(rows["customer"][chosen], minlength=len(self.here)).astype(np.float64)

    def effect(self, kind: str, values: FloatArray, among: BoolArray) -> tuple[float, float]:
        """Return the effect of a kind on the mean of values, as a 99 % interval."""
        given, others = values[among & self.given[kind]], values[among & ~self.given[kind]]
        difference = given.mean() - others.mean()
        margin = 2.58 * np.sqrt(given.var() / len(given) + others.var() / len(others))
        return float(difference - margin), float(difference + margin)


@pytest.fixture(scope="module")
def trial(demo: DemoBank) -> Trial:
    sales = tuple(offer for offer in demo.offers if not KIND.keys() & set(offer.tags))
    world = World(Simulation(customers=8000, months=6), sales, ZONE)
    for day in range(LOT_DAY):
        world.run(day)
    state, everybody = world.state, np.arange(len(world.state.here))
    for name in ("hardship", "documents_due", "card_terms_due"):
        world.attributes.tell(name, everybody, True)
    lots = np.random.default_rng(1)
    given = {kind: state.here & (lots.random(len(everybody)) < 0.5) for kind in KIND}
    few = lots.choice(np.flatnonzero(state.here), RECOMMENDING, replace=False)
    given["referral"] = np.isin(everybody, few)
    noon = world.clock.midnights[LOT_DAY] + 12 * 3600 * 1_000_000
    for kind, customers in given.items():
        who = np.flatnonzero(customers)
        world.agenda.put(kind, who, np.full(len(who), noon), APP)
    left = state.here & (LOT_DAY - state.left_application <= 30)
    engaged = state.here & ~state.leaving & ~state.quiet
    trial = Trial(world, given, state.here.copy(), engaged, left, state.left_product.copy())
    for day in range(LOT_DAY, LAST_DAY):
        world.run(day)
        trial.satisfaction[day] = state.satisfaction.copy()
    return trial


def test_a_deferral_lets_fewer_payments_be_refused(trial: Trial) -> None:
    refused = trial.count(trial.world.journal.bookings, BOOKING["REFUSED"])
    assert trial.effect("deferral", refused, trial.here)[1] < 0


def test_a_budget_tool_lets_fewer_payments_be_refused(trial: Trial) -> None:
    refused = trial.count(trial.world.journal.bookings, BOOKING["REFUSED"])
    assert trial.effect("budget_tool", refused, trial.here)[1] < 0


def test_a_reward_for_loyalty_binds(trial: Trial) -> None:
    state = trial.world.state
    gone = (state.leaving | state.quiet | ~state.here).astype(np.float64)
    assert trial.effect("loyalty", gone, trial.engaged)[1] < 0


@pytest.mark.parametrize("kind", ["follow_up", "deferral", "check_in"])
def test_care_in_trouble_makes_content(trial: Trial, kind: str) -> None:
    assert trial.effect(kind, trial.satisfaction[LOT_DAY], trial.here)[0] > 0


def test_who_talked_with_an_adviser_looks_at_more_products(trial: Trial) -> None:
    looks = trial.count(trial.world.journal.touches, TOUCH["product_viewed"])
    assert trial.effect("adviser", looks, trial.here)[0] > 0


def test_a_recommendation_brings_somebody_who_would_not_have_come(trial: Trial) -> None:
    state = trial.world.state
    friends = np.flatnonzero(state.referred_by != NOBODY)
    assert trial.given["referral"][state.referred_by[friends]].all()
    margin = 2.58 * np.sqrt(REFERRAL_CHANCE * (1 - REFERRAL_CHANCE) / RECOMMENDING)
    assert abs(len(friends) / RECOMMENDING - REFERRAL_CHANCE) < margin
    assert (state.joined_on[friends] > LOT_DAY).all()
    assert (state.holdings[friends, 0] == 1).mean() > 0.8
    unbrought = np.setdiff1d(trial.world.population.prospects, friends)
    assert not state.here[unbrought].any()
    looks = trial.count(trial.world.journal.touches, TOUCH["app_login"])
    assert looks[friends].sum() > 0 == looks[unbrought].sum()


def test_there_are_not_friends_without_end(demo: DemoBank) -> None:
    world = World(Simulation(customers=100, months=2), demo.offers, ZONE)
    world.run(0)
    everybody = np.flatnonzero(world.state.here)
    world.agenda.put("referral", everybody, np.full(len(everybody), world.clock.midnights[1]), APP)
    for day in range(1, 50):
        world.run(day)
    assert (world.state.joined_on[world.population.prospects] > 0).all()
    assert (world.state.referred_by != NOBODY).sum() == len(world.population.prospects) == 1


def test_a_finished_application_is_begun_again_and_mostly_opened(trial: Trial) -> None:
    touches, bookings = trial.world.journal.touches, trial.world.journal.bookings
    begun = np.minimum(trial.count(touches, TOUCH["application_started"], LOT_DAY + 3, trial.left_product), 1)
    opened = np.minimum(trial.count(bookings, BOOKING["OPEN"], LOT_DAY + 21, trial.left_product), 1)
    assert trial.effect("resume", begun, trial.left)[0] > 0.5
    assert trial.effect("resume", opened, trial.left)[0] > 0.3


@pytest.mark.parametrize(("kind", "due"), [("documents", "documents_due"), ("terms", "card_terms_due")])
def test_a_duty_that_was_done_is_off_the_file_from_the_next_day_on(trial: Trial, kind: str, due: str) -> None:
    rows = trial.world.attributes.records.columns()
    known = [set(rows["customer"][(rows["day"] == LOT_DAY + day) & ~rows[due]].tolist()) for day in (0, 1)]
    done = set(np.flatnonzero(trial.given[kind]).tolist())
    assert not done & known[0]
    gone = set(np.flatnonzero(~trial.world.state.here).tolist())
    assert done - gone <= known[1]
    others = np.flatnonzero(trial.here & ~trial.given[kind])
    assert np.isin(others, list(known[1])).mean() < 0.1


def test_every_kind_of_care_is_taken_off_the_agenda(trial: Trial) -> None:
    for kind in KIND:
        assert len(trial.world.agenda.take(kind, LOT_DAY)[0]) == 0
