from dataclasses import replace

import orjson
import pytest

from decisioning.budgets.budget import Budget
from decisioning.engine import DecisionContext
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import decision_of
from domain.errors import StateError
from records.decision_log import to_json
from tests.serving.build import AS_OF, features_of_all, small_bank, small_decider, small_log

BUDGETS = (Budget(name="letters", amount=1.0, unit="letters", channels=("email",), charge="2"),)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    bank = replace(small_bank(), budgets=BUDGETS)
    decider = small_decider(bank)
    everybody = features_of_all(bank, small_log(tmp_path_factory.mktemp("log")))
    decisions = decider.decide(
        everybody, DecisionContext(as_of=AS_OF, seed=7, prices={"letters": 0.5}, remaining={"letters": 1.5})
    )
    return decider, decisions


def test_a_trace_says_everything_that_the_record_says(decided):
    decider, decisions = decided
    kept = RuleBook.from_text(decider.rule_book.text)
    for row in range(len(decisions)):
        for channel in ("app", "email"):
            record = decider.record(decisions, row, channel)
            trace = decider.traces(decisions).of(row, channel)
            assert decision_of(trace.text(), kept) == record
            assert len(trace.text()) < len(to_json(record))
            assert [replace(one, verdicts=()) for one in record.offers] == list(trace.offers)
            rejected = [one for one in record.candidates if not all(verdict.passed for verdict in one.verdicts)]
            first = [next(verdict.rule for verdict in one.verdicts if not verdict.passed) for one in rejected]
            assert [kept.rules[position][0] for position in trace.first_failures()] == first


def test_equal_books_have_equal_names(decided):
    decider, _ = decided
    book = decider.rule_book
    assert RuleBook.from_text(book.text).digest == book.digest == small_decider(decider.bank).rule_book.digest
    assert small_decider().rule_book.digest != book.digest


def test_a_damaged_trace_or_book_is_an_error(decided):
    decider, decisions = decided
    trace = orjson.loads(decider.traces(decisions).of(0, "app").text())
    with pytest.raises(StateError, match="cannot be read"):
        decision_of(orjson.dumps({**trace, "candidates": [["savings_plus"]]}), decider.rule_book)
    with pytest.raises(StateError, match="cannot be read"):
        RuleBook.from_text("{}")
