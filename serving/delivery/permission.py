"""May this contact still be made? Asked again at the moment of delivery, of the same rules that planned it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np

from decisioning.engine import Decisions
from decisioning.policies.verdicts import failing_positions
from domain.errors import StateError
from serving.customer_features import CLOCK_BEHIND, CustomerFeatures, CustomerReader, Origin
from serving.decider import Decider
from serving.delivery.outbox import Contact


class Ruling(StrEnum):
    """What may be done with a contact now."""

    ALLOWED = "allowed"
    LATER = "later"
    NEVER = "never"


FOR_GOOD: Final = frozenset({"consent", "eligibility"})
"""Kinds of rules that end a contact: who does not agree now is not asked again by a plan of last night."""

FOR_NOW: Final = "contact_limit"
"""Kind of rules that may hold again within hours: limits and quiet hours."""


TOGETHER: Final = 1_000
"""Customers read in one query of the journal and of the online store; databases bound the variables of one."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A ruling with its reason; nothing of the customer is in it.

    Attributes:
        version: Of the customer, as they were read for it.
    """

    ruling: Ruling
    reason: str = ""
    version: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Permission:
    """Asks the policy.

    A contact that was tried before counts against its own limits, and so is not held to them a second time.

    Args:
        decider: Of the policy that holds now.
        reader: Of customers as they are now.
        seed: Of draws; no rule depends on it.
    """

    decider: Decider
    reader: CustomerReader
    seed: int

    def of(self, contacts: Sequence[Contact], now: datetime) -> list[Ruled]:
        """Rule on contacts of one channel and of different customers; what cannot be known is no permission.

        The customers are read together and asked about in one pass of the policy, which gives each the same answer as
        if it were alone.

        Returns:
            A ruling for each, in their order.
        """
        ruled: dict[str, Ruled] = {}
        for start in range(0, len(contacts), TOGETHER):
            some = {contact.customer_id: contact for contact in contacts[start : start + TOGETHER]}
            try:
                found = self.reader.read_together(list(some), now, live=True)
            except StateError as error:
                why = f"the customer could not be looked up: {error.what}"
                ruled |= dict.fromkeys(some, Ruled(Ruling.LATER, why))
                continue
            for read in found:
                theirs = [some[customer] for customer in read.features.customer_ids.tolist()]
                ruled |= {one.customer_id: ruling for one, ruling in zip(theirs, self._of(theirs, read), strict=True)}
        return [ruled[contact.customer_id] for contact in contacts]

    def _of(self, contacts: Sequence[Contact], read: CustomerFeatures) -> list[Ruled]:
        if read.origin is Origin.NOTHING:
            return [Ruled(Ruling.NEVER, "the customer is not known any more")] * len(contacts)
        if read.origin is Origin.UNKNOWN:
            # nothing is known of their consent: that is not the same as that they took it back
            why = CLOCK_BEHIND if read.note == CLOCK_BEHIND else "the event log cannot be read"
            return [Ruled(Ruling.LATER, f"the customer could not be looked up: {why}")] * len(contacts)
        channel, policy = contacts[0].channel, self.decider.policy
        offers = {
            policy.candidates.pairs[column][0].name: column
            for column in policy.candidates.by_channel.get(channel, np.empty(0, dtype=np.intp)).tolist()
        }
        gone = Ruled(Ruling.NEVER, "the offer is not made in this channel any more")
        if not offers:
            return [gone] * len(contacts)
        decisions = self.decider.decide(read.features, as_of=read.as_of, seed=self.seed, channels=[channel])
        return [
            replace(_ruled(decisions, row, offers[contact.offer], contact), version=read.versions[row])
            if contact.offer in offers
            else gone
            for row, contact in enumerate(contacts)
        ]


def _ruled(decisions: Decisions, row: int, candidate: int, contact: Contact) -> Ruled:
    """Rule by the first rule that ends a contact, or else by the first that holds it back."""
    rules = decisions.policy.rules
    failed = [rules[position] for position in failing_positions(decisions.bits[row, candidate].tolist())]
    ended = [rule.name for rule in failed if rule.kind in FOR_GOOD]
    if ended:
        return Ruled(Ruling.NEVER, f"failed {ended[0]}")
    waits = [rule.name for rule in failed if rule.kind == FOR_NOW and not contact.attempts]
    return Ruled(Ruling.LATER, f"failed {waits[0]}") if waits else Ruled(Ruling.ALLOWED)
