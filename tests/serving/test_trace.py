from dataclasses import replace

import orjson
import pytest

from decisioning.policies.budgets import Budget
from domain.errors import StateError
from serving.decision_json import to_json
from serving.rule_book import RuleBook
from serving.trace import decision_of, to_text
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

BUDGETS = (Budget(name="letters", amount=1.0, unit="letters", channels=("email",), charge="2"),)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    bank = replace(small_bank(), budgets=BUDGETS)
    decider = small_decider(bank)
    everybody = features_of_all(bank, small_log(tmp_path_factory.mktemp("log")))
    decisions = decider.decide(everybody, as_of=AS_OF, seed=7, prices={"letters": 0.5}, remaining={"letters": 1.5})
    return decider, decisions


def test_a_trace_says_everything_that_the_record_says(decided):
    decider, decisions = decided
    kept = RuleBook.from_text(decider.rule_book.text)
    for row in range(len(decisions)):
        for channel in ("app", "email"):
            record = decider.record(decisions, row, channel)
            text = to_text(record, decider.rule_book)
            assert decision_of(orjson.loads(text), kept) == record
            assert len(text) < len(to_json(record))


def test_equal_books_have_equal_names(decided):
    decider, _ = decided
    book = decider.rule_book
    assert RuleBook.from_text(book.text).digest == book.digest == small_decider(decider.bank).rule_book.digest
    assert small_decider().rule_book.digest != book.digest


def test_a_damaged_trace_or_book_is_an_error(decided):
    decider, decisions = decided
    trace = orjson.loads(to_text(decider.record(decisions, 0, "app"), decider.rule_book))
    with pytest.raises(StateError, match="cannot be read"):
        decision_of({**trace, "candidates": [["savings_plus"]]}, decider.rule_book)
    with pytest.raises(StateError, match="cannot be read"):
        RuleBook.from_text("{}")
