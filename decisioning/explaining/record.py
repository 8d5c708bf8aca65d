"""A decision as a record: everything that led to it, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterable

from decisioning.engine import Decisions
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import STAGE, Traces, decision_of
from domain.decision import Decision


def decision_record(decisions: Decisions, customer: int, channel: str, features: Iterable[str] = ()) -> Decision:
    """Write down what was decided for one customer in one channel.

    Args:
        decisions: That of the customer among them.
        customer: Position of the customer.
        channel: One of the channels that were decided.
        features: Columns to keep beside those that the policy read: what the models used.

    Returns:
        The record, with the ranked candidates first, then those allowed by priority, then those rejected.
    """
    stage = {STAGE} & set(decisions.features.columns)
    book = RuleBook.of(decisions.policy, {*decisions.policy.features, *features} | stage)
    return decision_of(Traces(decisions, book).of(customer, channel).text(), book)
