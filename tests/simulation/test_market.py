"""A bank's folder with something that the simulation does not know is refused, with the nearest name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import DataError
from domain.offer import Offer
from simulation.market import check_world
from tests.simulation.demo_bank import DemoBank


def offer(demo: DemoBank, name: str) -> Offer:
    return next(offer for offer in demo.offers if offer.name == name)


def test_the_demo_bank_speaks_of_what_the_world_has(demo: DemoBank) -> None:
    check_world(demo.offers, demo.vocabulary)


def test_a_tag_that_means_nothing_is_an_error_with_the_nearest_one(demo: DemoBank) -> None:
    misspelt = replace(offer(demo, "payment_deferral"), tags=("service", "defferal"))
    with pytest.raises(DataError, match=r"about a tag: got 'defferal', expected 'deferral' \(did you mean it\?\)"):
        check_world((misspelt,), demo.vocabulary)


def test_an_offer_of_no_product_needs_a_kind_of_care(demo: DemoBank) -> None:
    nothing = replace(offer(demo, "recommend_a_friend"), tags=("service",))
    with pytest.raises(DataError, match="does not know what accepting recommend_a_friend does: got neither a product"):
        check_world((nothing,), demo.vocabulary)


def test_an_offer_cannot_be_of_two_kinds(demo: DemoBank) -> None:
    both = replace(offer(demo, "recommend_a_friend"), tags=("referral", "loyalty"))
    with pytest.raises(DataError, match="got the kinds referral, loyalty, expected one tag of follow_up"):
        check_world((both,), demo.vocabulary)
