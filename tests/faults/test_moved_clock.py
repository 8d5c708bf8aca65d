"""The machine's clock is moved between two runs and moved back: nobody is contacted more often for that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from serving.delivery.states import State
from tests.records.build import accept, told
from tests.serving.delivery.build import NOW, Post, webhook
from tests.serving.delivery.receiver import receiving

YEAR, DAY, HOUR = timedelta(days=365), timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path)
    yield post
    post.database.close()


@pytest.mark.parametrize("back", [HOUR, DAY, YEAR])
def test_a_clock_that_goes_back_makes_no_room_in_a_limit(post: Post, back: timedelta) -> None:
    with receiving() as receiver:
        post.gather("c02")
        assert post.deliver(webhook(receiver)).delivered == 1
        post.gather("c02", "c04", run="next", night="2026-03-03", at=NOW - back)
        report = post.deliver(webhook(receiver), NOW - back)
        assert [contact["customer_id"] for contact in receiver.made.values()] == ["c02", *["c04"] * report.delivered]
        assert post.states()[State.DELIVERED] == 1 + report.delivered


def test_news_of_a_clock_that_was_a_year_ahead_opens_no_limit_when_it_is_right_again(post: Post) -> None:
    accept(post.database, told("e", "c02", at=NOW + YEAR))
    with receiving() as receiver:
        for turn, night in enumerate(("2026-03-03", "2026-03-04", "2026-03-05")):
            post.gather("c02", run=night, night=night, at=NOW + turn * DAY)
            post.deliver(webhook(receiver), NOW + turn * DAY)
        assert len(receiver.made) <= 1, "one a week is the limit"
        report = post.deliver(webhook(receiver), NOW + 2 * DAY + HOUR)
        assert set(report.reasons) <= {
            "failed weekly",
            "the customer could not be looked up: the clock is behind the customer's latest data",
        }


def test_a_clock_that_goes_a_year_ahead_gives_up_what_waits_and_gives_back_what_it_was_charged(post: Post) -> None:
    post.charge("c02", "c04")
    post.gather("c02", "c04")
    with receiving() as receiver:
        assert post.deliver(webhook(receiver), NOW + YEAR).expired == 2
        assert (post.letters_spent(), len(receiver.made)) == (0.0, 0)
        # the night is decided anew when the clock is right again
        post.charge("c02", "c04", run="anew")
        assert post.gather("c02", "c04", run="anew") == 2
        assert post.deliver(webhook(receiver)).delivered == 2
