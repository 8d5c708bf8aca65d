"""What would be offered to a customer now, channel by channel, with reasons and counterfactuals; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from decisioning.engine import DecisionContext
from decisioning.explaining.counterfactual import Counterfactual, counterfactuals
from domain.decision import Decision
from features.moments import utc_microseconds
from records.database import Database
from serving.customer_features import CustomerFeatures, Origin
from serving.decider import AssignedDecisions
from serving.reasons import Reason, reasons_for
from serving.service.budgets import remaining
from serving.service.clock import Clock
from serving.service.deciding import SEED
from serving.service.engine import LiveEngine

NEAREST: Final = 3
"""How many counterfactuals are computed for a channel: the candidates that are nearest to coming first."""


@dataclass(frozen=True, slots=True)
class RejectedOffer:
    """An offer that a rule keeps from a channel.

    Attributes:
        rule: Name of the first rule that failed.
        kind: Its kind.
        description: What the rule says.
        reason: The part of it that failed, with the customer's value.
        others: Number of further rules that failed.
    """

    offer: str
    rule: str
    kind: str
    description: str
    reason: str
    others: int


@dataclass(frozen=True, slots=True)
class ChannelPreview:
    """The decision that a channel would get now.

    Attributes:
        decision: The record; it is not in the log.
        reasons: For each ranked offer, what moved the model most.
        rejected: Offers that have a treatment in the channel and are not allowed.
        changes: What would have to change for the nearest other offers to come first.
        outbound: Whether the bank contacts customers in this channel.
    """

    decision: Decision
    reasons: tuple[tuple[Reason, ...], ...]
    rejected: tuple[RejectedOffer, ...]
    changes: tuple[Counterfactual, ...]
    outbound: bool


@dataclass(frozen=True, slots=True)
class CustomerPreview:
    """Previews of all channels, and the features that they are made from."""

    read: CustomerFeatures
    channels: tuple[ChannelPreview, ...]


class PreviewService:
    """Decides for a customer in all channels as the service would, without writing anything.

    Args:
        database: Database of decisions and journal.
        clock: Gives the current moment.
        engine: Returns the engine currently in use.
    """

    def __init__(self, database: Database, clock: Clock, engine: Callable[[], LiveEngine]) -> None:
        self._database = database
        self._clock = clock
        self._engine = engine

    def preview(self, customer_id: str) -> CustomerPreview:
        """Return what would be offered now in every channel that has an offer.

        Raises:
            StateError: The event log or the journal does not answer.
        """
        engine = self._engine()
        read = engine.reader.read(customer_id, self._clock.now(), live=True)
        left = remaining(self._database, engine.decider.policy, read.as_of)
        channels = [name for name, columns in engine.decider.policy.candidates.by_channel.items() if len(columns)]
        found = []
        for channel in channels:
            # one channel at a time: what is placed in one does not depend on the others, as in a request
            [one] = engine.decider.decide_as_assigned(
                read.features,
                DecisionContext(
                    as_of=utc_microseconds(read.as_of),
                    seed=SEED,
                    channels=[channel],
                    prices=engine.paced.now(left, read.as_of),
                    remaining=left,
                    at_once=True,
                ),
                unknown=read.origin is Origin.NOTHING,
            )
            found.append(_preview(engine, one, channel, unknown=read.origin is Origin.NOTHING))
        return CustomerPreview(read, tuple(found))


def _preview(engine: LiveEngine, made: AssignedDecisions, channel: str, *, unknown: bool) -> ChannelPreview:
    decider, decisions = made.decider, made.decisions
    decision = decider.record(decisions, 0, channel)
    descriptions = {rule.name: rule.description for rule in decisions.policy.rules}
    rejected = []
    for candidate in decision.candidates:
        failed = [verdict for verdict in candidate.verdicts if not verdict.passed]
        if failed:
            first = failed[0]
            rejected.append(
                RejectedOffer(
                    candidate.offer, first.rule, first.kind, descriptions[first.rule], first.reason, len(failed) - 1
                )
            )
    return ChannelPreview(
        decision,
        reasons_for(decision, decisions.features, decider, unknown=unknown),
        tuple(rejected),
        counterfactuals(decisions, 0, channel)[:NEAREST],
        channel in engine.outbound,
    )
