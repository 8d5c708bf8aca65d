"""Customers who have a reason for care, and want it, accept it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulation.catalogue import OfferArrays
from simulation.kinds import KIND
from simulation.market import FloatArray
from simulation.reasons import reasons
from simulation.response import Response
from simulation.settings import Simulation
from simulation.state import NEVER
from simulation.world import World
from tests.simulation.demo_bank import ZONE, DemoBank

DAY = 30


@pytest.fixture
def world(demo: DemoBank) -> World:
    world = World(Simulation(customers=300, months=2), demo.offers, ZONE)
    for day in range(DAY):
        world.run(day)
    return world


def acceptance(world: World, kind: str) -> FloatArray:
    """Return the mean acceptance probability of the offers of a kind, for each customer."""
    catalogue = OfferArrays(world.offers)
    customers = np.flatnonzero(world.state.here)
    truth = Response(catalogue, world.population, world.attributes).probabilities(
        customers, DAY, world.state, world.needs
    )
    chosen: FloatArray = truth[:, catalogue.kind[catalogue.candidate_offer] == KIND[kind]].mean(axis=1)
    return chosen


def refused_often(world: World) -> None:
    world.state.recent_refusals[:] = 3.0


def satisfied(world: World) -> None:
    world.state.satisfaction[:] = 2.0


def in_need(world: World) -> None:
    world.needs.level += 1.0


def complained(world: World) -> None:
    world.state.last_complaint[:] = DAY - 3


def owing_papers(world: World) -> None:
    world.attributes.documents_due[:] = world.attributes.card_terms_due[:] = True


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("deferral", refused_often),
        ("budget_tool", refused_often),
        ("loyalty", satisfied),
        ("referral", satisfied),
        ("adviser", in_need),
        ("resume", in_need),
        ("follow_up", complained),
        ("documents", owing_papers),
        ("terms", owing_papers),
    ],
)
def test_care_is_accepted_where_it_is_wanted(world: World, kind: str, change: Callable[[World], None]) -> None:
    world.attributes.hardship[:] = True
    world.state.recent_refusals[:] = 0.0
    world.state.satisfaction[:] = 0.0
    world.state.last_complaint[:] = NEVER
    world.attributes.documents_due[:] = world.attributes.card_terms_due[:] = False
    before = acceptance(world, kind)
    change(world)
    after = acceptance(world, kind)
    assert (after >= before).all()
    assert after.mean() > 1.3 * before.mean()


def test_strain_does_not_make_anybody_recommend_the_bank(world: World) -> None:
    before = acceptance(world, "referral")
    refused_often(world)
    np.testing.assert_array_equal(acceptance(world, "referral"), before)


def test_care_that_was_accepted_gives_no_reason_for_more_of_it(world: World) -> None:
    customers, state = np.flatnonzero(world.state.here), world.state
    world.attributes.hardship[:] = True
    state.recent_views[:] = 1.0
    kinds = [KIND[kind] for kind in ("deferral", "budget_tool", "loyalty", "referral", "adviser")]
    state.joined_on[customers] = 0
    for days in (state.deferred_until, state.budgeting_until, state.loyal_until):
        days[:] = NEVER
    state.last_referral[:] = state.last_advice[:] = NEVER
    assert reasons(customers, DAY, state, world.attributes)[:, kinds].all()
    for days in (state.deferred_until, state.budgeting_until, state.loyal_until):
        days[:] = DAY + 1
    state.last_referral[:] = state.last_advice[:] = DAY - 1
    assert not reasons(customers, DAY, state, world.attributes)[:, kinds].any()


def test_an_application_can_be_taken_up_until_it_is_begun_again_or_too_old(world: World) -> None:
    customers, state = np.flatnonzero(world.state.here), world.state
    resume = KIND["resume"]
    state.left_product[:] = 4
    state.holdings[:, 4] = 0
    state.applying[:, 4] = False
    state.left_application[:] = DAY - 30
    assert reasons(customers, DAY, state, world.attributes)[:, resume].all()
    assert not reasons(customers, DAY + 1, state, world.attributes)[:, resume].any()
    state.applying[:, 4] = True
    assert not reasons(customers, DAY, state, world.attributes)[:, resume].any()
