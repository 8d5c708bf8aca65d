"""Decide for one customer in one channel with the service's kernels and writer, without the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from decisioning.engine import DecisionContext, Decisions
from domain.decision import Decision
from records.database import Database
from records.decision_writes import AnswerWrite, DecisionWriter
from records.group_commit import GroupCommit
from serving.customer_features import CustomerFeatures, Origin
from serving.decider import Decider
from serving.reasons import Reason, reasons_for
from serving.service.answer import chosen
from serving.service.budgets import remaining
from serving.service.deciding import SEED, Decided, decision_write
from serving.service.decision_queue import TRIES, contention
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine


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
    asked: DecisionRequest, as_of: datetime, engine: LiveEngine, database: Database | None = None
) -> Answer:
    """Decide as the service would at a moment, and write the decision before answering.

    The batch run decides the same at the same moment. A customer of whom the bank knows nothing (`Origin.NOTHING`) gets
    the cold-start answer or, without a cold start, that of a customer without history. If the online state is missing
    or stale, the event log is read (`Origin.LOG`). A written decision claims its budgets, and in a contact channel
    counts as a contact at once; if either has changed since it was read, the customer is decided for again.

    Args:
        asked: Customer and channel; nothing is written for a dry run.
        as_of: Aware moment; what became available before it counts.
        engine: Policy, models, features and prices.
        database: Database of decisions and budgets; None for full budgets, and to write nothing.

    Raises:
        DataError: The channel is unknown, or no customer is named.
        StateError: The event log or the database failed: a decision that cannot be written is not answered.
    """
    asked.check(engine)
    for _ in range(TRIES):
        read = engine.reader.read(asked.customer_id, as_of)
        decider, decisions = _decided(asked, read, engine, database)
        decided = Decided([asked], read, decider, decisions, ())
        if database is None or asked.dry_run or _is_written(decided, engine, database):
            break
    else:
        raise contention()
    decision = decider.record(decisions, 0, asked.channel)
    unknown = read.origin is Origin.NOTHING
    reasons = reasons_for(decision, decisions.features, decider, unknown=unknown)
    return Answer(decision, read.origin, read.note, reasons, decisions)


def _decided(
    asked: DecisionRequest, read: CustomerFeatures, engine: LiveEngine, database: Database | None
) -> tuple[Decider, Decisions]:
    left = {} if database is None else remaining(database, engine.decider.policy, read.as_of)
    context = DecisionContext(
        as_of=read.as_of,
        seed=SEED,
        channels=[asked.channel],
        request=asked.context,
        prices=engine.paced.now(left, read.as_of),
        remaining=left,
        at_once=True,
    )
    unknown = read.origin is Origin.NOTHING
    [one] = engine.decider.decide_as_assigned(read.features, context, unknown=unknown)
    return one.decider, one.decisions


def _is_written(decided: Decided, engine: LiveEngine, database: Database) -> bool:
    """Write the decision; return False if customer or budgets have changed since they were read."""
    [asked] = decided.asked
    trace = decided.decider.traces(decided.decisions).of(0, asked.channel)
    write = decision_write(engine, decided, 0, trace, chosen(asked, trace, engine.pairs))
    answer = AnswerWrite(decisions=(write,), request=None, answer=b"", at=int(write.row["as_of"]))
    commits = GroupCommit(database)
    try:
        return commits.submit(DecisionWriter(database), answer).result().done
    finally:
        commits.close()
