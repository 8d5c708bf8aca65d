from datetime import date, timedelta

import pytest

from console.languages import Texts
from console.marks import MOST_SAID, Mark, in_words, placed
from tests.journeys.build import DEMO

DAYS = [date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 15)]
UNTIL = date(2026, 5, 21)


@pytest.fixture
def english():
    return Texts("en", DEMO.time_zone, "EUR")


def marks(*days: date) -> list[Mark]:
    return [Mark(day, number, "The policy changed") for number, day in enumerate(days, start=1)]


def test_a_mark_stands_at_the_stretch_in_which_its_day_is():
    assert placed(marks(date(2026, 5, 7), date(2026, 5, 8), UNTIL), DAYS, UNTIL) == {0: [1], 1: [2], 2: [3]}


def test_what_changed_outside_of_the_chart_is_not_marked(english):
    outside = marks(DAYS[0] - timedelta(days=1), UNTIL + timedelta(days=1))
    assert placed(outside, DAYS, UNTIL) == {}
    assert in_words(outside, DAYS, UNTIL, english) == ""
    assert in_words(outside, [], UNTIL, english) == ""


def test_changes_of_one_day_share_a_mark():
    assert placed(marks(DAYS[1], DAYS[1]), DAYS, UNTIL) == {1: [1, 2]}


def test_of_many_changes_the_newest_are_put_into_words(english):
    many = marks(*(DAYS[0] + timedelta(days=number) for number in range(MOST_SAID + 2)))
    said = in_words(many, DAYS, UNTIL, english)
    assert said.startswith("Marks show what changed: earlier ones are listed on the page Overview; 3: ")
    assert said.count("The policy changed") == MOST_SAID
