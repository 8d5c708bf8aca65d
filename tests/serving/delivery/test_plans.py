"""When a night is planned again, waiting contacts are cancelled, those that left count, nobody is contacted twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import StateError
from serving.batch.charges import charge_batch
from serving.delivery.plans import contacted, plan_in_force
from serving.delivery.states import State
from tests.records.build import empty_postgresql
from tests.serving.delivery.build import AGREE, MIDNIGHT, NIGHT, NOW, Post, webhook
from tests.serving.delivery.receiver import receiving


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    post = Post(tmp_path, None if server is None else empty_postgresql(server))
    yield post
    post.database.close()


def planned(post: Post, run: str, *customers: str) -> None:
    """Put a plan in force as a batch run does."""
    post.charge(*customers, run=run)
    post.gather(*customers, run=run)


def test_the_latest_plan_takes_the_place_of_one_that_waits(post: Post) -> None:
    planned(post, "first", "c02", "c04", "c07")
    planned(post, "second", "c04")
    assert post.states() == {State.SUPERSEDED: 2, State.WAITING: 1}
    assert post.letters_spent() == 1.0
    with receiving() as receiver:
        post.deliver(webhook(receiver))
        assert sorted(receiver.made) == ["second-c04"]


def test_a_plan_that_was_superseded_before_it_was_taken_in_is_not_taken_in(post: Post) -> None:
    post.charge("c02", "c04", run="first")
    post.charge("c07", run="second")
    assert post.gather("c02", "c04", run="first") == 0
    assert post.gather("c07", run="second") == 1
    assert post.letters_spent() == 1.0


def test_what_has_left_stays_charged_and_is_not_planned_with_again(post: Post) -> None:
    planned(post, "first", "c02", "c04")
    with receiving(script=[200, 500]) as receiver:
        report = post.deliver(webhook(receiver, batch=1))
        assert (report.delivered, report.failed) == (1, 1)
    assert set(contacted(post.database, NIGHT).customers) == {"c02", "c04"}, "one delivered, one that may have been"
    assert post.letters_for_the_night() == pytest.approx(98.0, abs=0.001)
    planned(post, "second", "c07")
    assert post.letters_spent() == pytest.approx(3.0, abs=0.001)


def test_whom_an_earlier_plan_has_reached_is_neither_contacted_nor_charged_again(post: Post) -> None:
    planned(post, "first", "c02")
    with receiving() as receiver:
        post.deliver(webhook(receiver))
        # it left after the second plan was begun, which did not know of it
        planned(post, "second", "c02", "c04")
        assert post.letters_spent() == pytest.approx(2.0, abs=0.001)
        post.deliver(webhook(receiver), NOW + timedelta(minutes=5))
        assert sorted(receiver.made) == ["first-c02", "second-c04"]


def test_a_contact_that_was_taken_but_not_begun_is_not_sent_after_its_plan_was_superseded(post: Post) -> None:
    planned(post, "first", "c02")
    taken = post.outbox.take("email", NOW, 10, timedelta(hours=1))
    post.charge("c04", run="second")
    assert post.outbox.begin(taken, NOW) == []


def test_a_plan_that_comes_into_force_again_is_taken_in_again(post: Post) -> None:
    planned(post, "first", "c02", "c04")
    planned(post, "second", "c07")
    planned(post, "first", "c02", "c04")
    assert (post.states(), post.letters_spent()) == ({State.SUPERSEDED: 1, State.WAITING: 2}, 2.0)


def test_charging_the_plan_in_force_once_more_changes_nothing(post: Post) -> None:
    planned(post, "first", "c02", "c04")
    with receiving() as receiver:
        post.deliver(webhook(receiver))
    post.charge("c02", "c04", run="first")
    assert (post.letters_spent(), post.gather("c02", "c04", run="first")) == (2.0, 0)


def test_a_plan_that_finds_too_little_left_leaves_the_earlier_one_in_force(post: Post) -> None:
    planned(post, "first", "c02", "c04")
    with pytest.raises(StateError, match="repeat the batch run"):
        charge_batch(post.database, post.policy, MIDNIGHT, "second", {"letters": 1_000.0})
    assert plan_in_force(post.database, NIGHT) == "first"
    assert (post.states(), post.letters_spent()) == ({State.WAITING: 2}, 2.0)


def test_a_policy_without_the_budget_gives_back_all_that_waits(post: Post) -> None:
    planned(post, "first", "c02", "c04")
    charge_batch(post.database, post.policy, MIDNIGHT, "second", {})
    assert (post.states(), post.letters_spent()) == ({State.SUPERSEDED: 2}, 0.0)


def test_four_plans_of_a_night_with_deliveries_between_spend_what_was_delivered(post: Post) -> None:
    delivered: set[str] = set()
    with receiving() as receiver:
        for number, customers in enumerate([AGREE[:4], AGREE[2:], AGREE[:1], AGREE]):
            planned(post, f"plan {number}", *customers)
            waiting = post.states().get(State.WAITING, 0)
            assert waiting == len(set(customers) - delivered)
            assert post.letters_spent() == pytest.approx(len(delivered) + waiting, abs=0.001)
            # the channel takes one, and then nothing for the rest of the hour
            taken = post.outbox.begin(post.outbox.take("email", NOW, 1, timedelta(minutes=1)), NOW)
            post.outbox.settle(taken, State.DELIVERED, NOW)
            delivered |= {contact.customer_id for contact in taken}
        post.deliver(webhook(receiver), NOW + timedelta(hours=1))
        reached = [contact["customer_id"] for contact in receiver.made.values()]
    assert len(delivered) == 3, "the third plan had nobody who was not contacted yet"
    assert sorted([*delivered, *reached]) == sorted(AGREE)
    assert post.letters_spent() == pytest.approx(len(AGREE), abs=0.001)
