"""Contacts of which nothing is heard."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from config.delivery import Delivery
from features.responses import responses
from records.ingestion import EventStatus
from records.open_contacts import open_contacts
from records.schema import PENDING
from serving.delivery.files import ContactFile
from serving.delivery.states import State
from serving.delivery.unsent import end_unheard
from tests.records.build import accept, empty_postgresql, told
from tests.serving.delivery.build import BANK, NOW, Post
from tests.serving.delivery.test_outbox import log_batch

DAYS_LATER = NOW + timedelta(days=3, minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request, tmp_path):
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    post = Post(tmp_path, None if server is None else empty_postgresql(server))
    post.charge("c02", "c04", "c07")
    post.gather("c02", "c04", "c07")
    post.deliver(ContactFile(post.outbox, tmp_path / "drop", "csv"))
    yield post
    post.database.close()


def end(post, now=DAYS_LATER, logged=(), **delivery):
    found = end_unheard(post.database, Delivery(**delivery), ["email"], lambda due: set(due) & set(logged), now)
    return found[0] if found else None


def pending(post):
    with post.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(PENDING)).scalar_one()


def present(post, customer):
    log_batch(post, f"run-{customer}", customer)
    event = told(f"p-{customer}", customer, "offer_presented", channel="email", decision_id=f"run-{customer}")
    assert accept(post.database, event) == [EventStatus.ACCEPTED]


def test_three_days_without_news_free_limits_and_budgets(post):
    assert (post.letters_spent(), pending(post)) == (3.0, 3)
    figures = end(post)
    assert (figures.exported, figures.confirmed, figures.newly_unsent) == (3, 0, 3)
    assert (post.states(), post.letters_spent(), pending(post)) == ({State.UNSENT: 3}, 0.0, 0)


def test_not_before_and_never_twice(post):
    assert end(post, DAYS_LATER - timedelta(minutes=2)) is None
    assert post.states() == {State.DELIVERED: 3}
    end(post)
    spent = post.letters_spent()
    assert end(post).newly_unsent == 0
    assert post.letters_spent() == spent


def test_letters_take_as_long_as_the_folder_says(post):
    letters = {"unheard_days": {"email": 30.0}}
    assert end(post, **letters) is None
    assert end(post, NOW + timedelta(days=30, minutes=1), **letters).newly_unsent == 3


def test_what_was_heard_of_stays_charged_and_counted(post):
    present(post, "c02")
    figures = end(post, logged=["run-c04"])
    assert (figures.exported, figures.confirmed, figures.newly_unsent) == (3, 2, 1)
    assert figures.sentence == "email: 3 exported, 2 confirmed"
    assert (post.states(), post.letters_spent()) == ({State.DELIVERED: 2, State.UNSENT: 1}, 2.0)
    assert pending(post) == 0, "what the event log has is open no more"


def test_it_is_neutral_in_training_and_does_not_count_for_the_night(post):
    end(post)
    midnight = DAYS_LATER.replace(hour=0, minute=0)
    assert len(open_contacts(post.database, BANK.vocabulary.contacts, ["email"], midnight)) == 0
    events = post.log.read_types(["offer_presented", "offer_accepted"])
    learned = responses(events, BANK.vocabulary, BANK.offers, DAYS_LATER)
    assert "run-c02" not in set(learned.decision_id)


def test_a_contact_that_is_still_tried_is_left_alone(tmp_path):
    post = Post(tmp_path)
    try:
        post.gather("c02")
        post.outbox.begin(post.outbox.take("email", NOW, 10, timedelta(minutes=10)), NOW)
        assert end(post) is None
        assert (post.states(), pending(post)) == ({State.WAITING: 1}, 1)
    finally:
        post.database.close()
