from dataclasses import replace

import numpy as np
import pytest

from decisioning.engine import DecisionContext, decide
from decisioning.policies.compile import compile_policy
from decisioning.policies.policy import Policy, Rule, Weight
from decisioning.policies.requests import request_columns
from domain.errors import DataError
from events.vocabulary import Property
from tests.decisioning.build import NOON, OFFERS, VOCABULARY, catalogue_for, column, customers, decision_record, likely

ASKING = replace(
    VOCABULARY,
    request={
        "intent": Property(type="category", values=("browse", "borrow")),
        "amount": Property(type="number"),
        "logged_in": Property(type="boolean"),
        "remark": Property(type="text"),
    },
)


def compiled(policy):
    ready, problems = compile_policy(policy, OFFERS, ASKING, catalogue_for(policy))
    assert problems == []
    return ready


BORROWING = compiled(
    Policy(
        context=(Weight(name="wants_it", factor=3.0, when="request_intent = 'borrow'", products=("loan",)),),
        rules=(Rule(name="not_tiny", kind="suitability", require="request_amount IS NULL OR request_amount > 100"),),
    )
)


def decided(**said):
    return decide(
        customers(BORROWING, 2), likely(BORROWING, 2), BORROWING, DecisionContext(as_of=NOON, seed=1, request=said)
    )


def test_weights_and_rules_read_what_the_channel_says():
    loan = column(BORROWING, "loan_flex", "app")
    assert decided(intent="borrow").scores.context[:, loan].tolist() == [3.0, 3.0]
    assert decided(intent="browse").scores.context[:, loan].tolist() == [1.0, 1.0]
    assert not decided(amount=50.0).allowed.any()


def test_what_is_not_said_is_null():
    assert decided().scores.context.max() == 1.0
    assert decided().allowed.any()


def test_what_was_said_is_kept_and_part_of_the_decisions_id():
    kept = decision_record(decided(intent="borrow"), 0, "app")
    assert kept.request == {"intent": "borrow"}
    assert kept.decision_id != decision_record(decided(intent="browse"), 0, "app").decision_id


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"intend": "borrow"}, "'intent' \\(did you mean it\\?\\)"),
        ({"intent": "borow"}, "'borrow' \\(did you mean it\\?\\)"),
        ({"intent": 1.0}, "invalid value"),
        ({"amount": "many"}, "a finite number"),
        ({"amount": float("inf")}, "a finite number"),
        ({"amount": True}, "a finite number"),
        ({"logged_in": "yes"}, "true or false"),
        ({"remark": "hello"}, "does not declare"),
    ],
)
def test_words_that_are_not_declared_or_of_another_type_are_errors(said, message):
    with pytest.raises(DataError, match=message):
        decided(**said)


def test_every_declared_word_has_a_column_of_its_type():
    columns = request_columns([{"logged_in": True, "amount": 7}], BORROWING.names.request)
    assert {name: float(values[0]) for name, values in columns.items() if not np.isnan(values[0])} == {
        "request_amount": 7.0,
        "request_logged_in": 1.0,
    }
    assert set(columns) == {"request_intent", "request_amount", "request_logged_in"}
