"""Decide for one customer in one channel, and log the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from decisioning.engine import DecisionContext, Decisions
from domain.decision import Decision
from domain.errors import DataError, nearest
from records.decision_log import DecisionLog
from serving.customer_features import CustomerReader, Origin
from serving.decider import Decider
from serving.reasons import Reason, reasons_for


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a channel.

    Attributes:
        decision: The complete record.
        origin: Where the features came from.
        note: Why the online state was not used, if it was not.
        reasons: For each ranked offer, in order, what moved the model most.
        decisions: Decisions the record was made from, only the customer's: for counterfactual explanations.
    """

    decision: Decision
    origin: Origin
    note: str
    reasons: tuple[tuple[Reason, ...], ...]
    decisions: Decisions


def decide_for_customer(
    customer_id: str,
    channel: str,
    as_of: datetime,
    *,
    seed: int,
    decider: Decider,
    reader: CustomerReader,
    log: DecisionLog | None,
    prices: Mapping[str, float] | None = None,
    remaining: Mapping[str, float] | None = None,
) -> Answer:
    """Decide as the batch run would at the same moment with the same seed, and log the decision before answering.

    A customer of whom the bank knows nothing (`Origin.NOTHING`) gets the cold-start answer or, without a cold start,
    that of a customer without history. If the online state is missing or stale, the event log is read (`Origin.LOG`).

    Args:
        customer_id: Customer to decide for.
        channel: Channel to decide for.
        as_of: Aware moment; what became available before it counts.
        seed: Seed of the draw.
        decider: Policy and models.
        reader: Reads the features.
        log: Decision log; None to log nothing, as for a test.
        prices: Price of one unit of each budget.
        remaining: What is left of each budget.

    Raises:
        DataError: The channel is unknown, or no customer is named.
        StateError: The event log or the decision log failed: a decision that cannot be logged is not answered.
    """
    if not customer_id.strip():
        raise DataError("a decision needs a customer", got=f"'{customer_id}'", expected="an id")
    channels = decider.bank.vocabulary.channels
    if channel not in channels:
        raise DataError("no such channel", got=f"'{channel}'", expected=nearest(channel, channels))
    read = reader.read(customer_id, as_of)
    unknown = read.origin is Origin.NOTHING
    decisions = decider.decide(
        read.features,
        DecisionContext(
            as_of=read.as_of, seed=seed, channels=[channel], prices=prices or {}, remaining=remaining or {}
        ),
        unknown=unknown,
    )
    decision = decider.record(decisions, 0, channel)
    if log is not None:
        log.append(decision, read.origin)
    reasons = reasons_for(decision, decisions.features, decider, unknown=unknown)
    return Answer(decision, read.origin, read.note, reasons, decisions)
