"""Decide for one customer in one channel, and keep the decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from decisioning.engine import Decisions
from domain.decision import Decision
from domain.errors import DataError, nearest
from records.decision_log import DecisionLog
from serving.customer_features import CustomerReader, Origin
from serving.decider import Decider
from serving.reasons import Reason, reasons_for


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel is told.

    Attributes:
        decision: The whole record.
        origin: Where the features came from.
        note: Why not from the online state, where they did not.
        reasons: For each ranked offer, in their order, what moved the model most.
        decisions: What the record was made from, the customer's alone: for whoever asks what would have to change.
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
    """Decide as the batch would at the same moment with the same seed, and log the decision before answering.

    A customer of whom the bank knows nothing (`Origin.NOTHING`) gets the answer of its cold start, or, without one, of
    no history; a missing or stale online state is made up for from the event log (`Origin.LOG`).

    Args:
        customer_id: Whose next best offer is asked for.
        channel: Where.
        as_of: The moment, aware; what became available before it counts.
        seed: Of the draw.
        decider: Policy and models.
        reader: Of features.
        log: None to leave no trace, as for a test.
        prices: Of one unit of each budget.
        remaining: What is left of each budget.

    Raises:
        DataError: The channel is unknown, or no customer is named.
        StateError: The event log or the decision log failed: what cannot be kept is not answered.
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
        as_of=read.as_of,
        seed=seed,
        channels=[channel],
        prices=prices,
        remaining=remaining,
        unknown=unknown,
    )
    decision = decider.record(decisions, 0, channel)
    if log is not None:
        log.append(decision, read.origin)
    reasons = reasons_for(decision, decisions.features, decider, unknown=unknown)
    return Answer(decision, read.origin, read.note, reasons, decisions)
