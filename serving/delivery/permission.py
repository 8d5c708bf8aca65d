"""May this contact still be made? Asked again at the moment of delivery, of the same rules that planned it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.errors import StateError
from serving.customer_features import CustomerReader, Origin
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


@dataclass(frozen=True, slots=True)
class Ruled:
    """A ruling with its reason; nothing of the customer is in it."""

    ruling: Ruling
    reason: str = ""


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

    def of(self, contact: Contact, now: datetime) -> Ruled:
        """Rule on one contact; what cannot be known is no permission."""
        try:
            found = self.reader.read(contact.customer_id, now, live=True)
        except StateError as error:
            return Ruled(Ruling.LATER, f"the customer could not be looked up: {error.what}")
        if found.origin is Origin.NOTHING:
            return Ruled(Ruling.NEVER, "the customer is not known any more")
        decisions = self.decider.decide(found.features, as_of=found.as_of, seed=self.seed, channels=[contact.channel])
        record = self.decider.record(decisions, 0, contact.channel)
        for candidate in record.candidates:
            if (candidate.offer, candidate.channel) == (contact.offer, contact.channel):
                failed = [verdict for verdict in candidate.verdicts if not verdict.passed]
                ended = [verdict.rule for verdict in failed if verdict.kind in FOR_GOOD]
                if ended:
                    return Ruled(Ruling.NEVER, f"failed {ended[0]}")
                waits = [verdict.rule for verdict in failed if verdict.kind == FOR_NOW and not contact.attempts]
                return Ruled(Ruling.LATER, f"failed {waits[0]}") if waits else Ruled(Ruling.ALLOWED)
        return Ruled(Ruling.NEVER, "the offer is not made in this channel any more")
