"""Permission to deliver: checks at delivery time, by the same rules that planned it, whether a contact is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np

from decisioning.engine import DecisionContext, Decisions
from decisioning.policies.compiled import PAUSE
from decisioning.policies.verdicts import failing_positions
from domain.errors import StateError
from serving.customer_features import CLOCK_BEHIND, CustomerFeatures, CustomerReader, Origin
from serving.decider import Decider
from serving.delivery.outbox import Contact


class Ruling(StrEnum):
    """Whether a contact may be made."""

    ALLOWED = "allowed"
    LATER = "later"
    PAUSED = "paused"
    """Not while a pause lasts, even if it was attempted before."""
    NEVER = "never"


FOR_GOOD: Final = frozenset({"consent", "eligibility"})
"""Kinds of rules that end a contact: a customer who does not agree now is not contacted by last night's plan."""

FOR_NOW: Final = "contact_limit"
"""Kind of rules that may pass again within hours: limits and quiet hours."""


TOGETHER: Final = 1_000
"""Customers read in one query of the journal and the online store; databases limit the variables of a query."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """A ruling and its reason, without personal data.

    Attributes:
        version: Version of the customer's data it was based on.
    """

    ruling: Ruling
    reason: str = ""
    version: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class DeliveryPermission:
    """Checks contacts against the current policy.

    A contact that was attempted before counts against its own limits, and so is not checked against them again.

    Args:
        decider: Decider with the current policy.
        reader: Reads the customers' current features.
        seed: Seed of the draws; no rule depends on it.
    """

    decider: Decider
    reader: CustomerReader
    seed: int

    def of(self, contacts: Sequence[Contact], now: datetime) -> list[Ruled]:
        """Rule on contacts of one channel and of different customers; what cannot be read is no permission.

        All customers are read together and checked in one pass of the policy, with the same result as one by one.

        Returns:
            One ruling per contact, in their order.
        """
        ruled: dict[str, Ruled] = {}
        for start in range(0, len(contacts), TOGETHER):
            batch = {contact.customer_id: contact for contact in contacts[start : start + TOGETHER]}
            try:
                found = self.reader.read_together(list(batch), now, live=True)
            except StateError as error:
                why = f"the customer could not be looked up: {error.what}"
                ruled |= dict.fromkeys(batch, Ruled(Ruling.LATER, why))
                continue
            for read in found:
                group = [batch[customer] for customer in read.features.customer_ids.tolist()]
                ruled |= {one.customer_id: ruling for one, ruling in zip(group, self._of(group, read), strict=True)}
        return [ruled[contact.customer_id] for contact in contacts]

    def _of(self, contacts: Sequence[Contact], read: CustomerFeatures) -> list[Ruled]:
        if read.origin is Origin.NOTHING:
            return [Ruled(Ruling.NEVER, "the customer is not known any more")] * len(contacts)
        if read.origin is Origin.UNKNOWN:
            # their consent is unknown, which is not the same as withdrawn
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
        ruled = [gone] * len(contacts)
        context = DecisionContext(as_of=read.as_of, seed=self.seed, channels=[channel], at_once=True)
        for one in self.decider.decide_as_assigned(read.features, context):
            for place, row in enumerate(one.rows.tolist()):
                contact = contacts[row]
                if contact.offer in offers:
                    found = _ruled(one.decisions, place, offers[contact.offer], contact)
                    ruled[row] = replace(found, version=read.versions[row])
        return ruled


def _ruled(decisions: Decisions, row: int, candidate: int, contact: Contact) -> Ruled:
    """Rule by the first failed rule that ends the contact, or else by a pause, or by the first that holds it back."""
    rules = decisions.policy.rules
    failed = [rules[position] for position in failing_positions(decisions.bits[row, candidate].tolist())]
    ended = [rule.name for rule in failed if rule.kind in FOR_GOOD]
    if ended:
        return Ruled(Ruling.NEVER, f"failed {ended[0]}")
    paused = [rule.name for rule in failed if rule.kind == PAUSE]
    if paused:
        return Ruled(Ruling.PAUSED, f"failed {paused[0]}")
    waits = [rule.name for rule in failed if rule.kind == FOR_NOW and not contact.attempts]
    return Ruled(Ruling.LATER, f"failed {waits[0]}") if waits else Ruled(Ruling.ALLOWED)
