from dataclasses import replace

import orjson
import pytest

from decisioning.budgets import Budget
from domain.errors import StateError
from serving.decider import CHURN_PROBABILITY
from serving.decision_json import to_json
from serving.rule_book import RuleBook
from serving.trace import decision_of, to_text, trace_of
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
    book = RuleBook.of(decider.policy)
    kept = RuleBook.from_text(book.text)
    for row in range(len(decisions)):
        for channel in ("app", "email"):
            trace = trace_of(decisions, row, channel, (*decider.features, CHURN_PROBABILITY), book)
            text = to_text(trace)
            record = decider.record(decisions, row, channel)
            assert decision_of(orjson.loads(text), kept) == record
            assert len(text) < len(to_json(record))


def test_equal_books_have_equal_names(decided):
    decider, _ = decided
    book = RuleBook.of(decider.policy)
    assert RuleBook.from_text(book.text).digest == book.digest == RuleBook.of(small_decider(decider.bank).policy).digest
    assert RuleBook.of(small_decider().policy).digest != book.digest


def test_a_damaged_trace_or_book_is_an_error(decided):
    decider, decisions = decided
    book = RuleBook.of(decider.policy)
    trace = trace_of(decisions, 0, "app", decider.features, book)
    with pytest.raises(StateError, match="cannot be read"):
        decision_of({**trace, "candidates": [["savings_plus"]]}, book)
    with pytest.raises(StateError, match="cannot be read"):
        RuleBook.from_text("{}")
