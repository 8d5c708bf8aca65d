"""Everything that decides at one time: a bank, its models and the readers of its customers, swapped as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from config.bank import Bank
from decisioning.explaining.rule_book import RuleBook
from decisioning.policies.policy import Policy
from domain.offer import Offer, Treatment
from serving.customer_features import CustomerReader
from serving.decider import Decider
from serving.service.pacing import PacedPrices


@dataclass(frozen=True)
class LiveEngine:
    """What a request is answered with from its beginning to its end, whatever is swapped meanwhile.

    Attributes:
        decider: Policy and models.
        reader: Of customers' features.
        prices: Of one unit of each budget, as the night found them.
    """

    decider: Decider
    reader: CustomerReader
    prices: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def paced(self) -> PacedPrices:
        """The prices in the course of the day."""
        return PacedPrices(self.decider.policy, self.prices)

    @property
    def bank(self) -> Bank:
        """Whose policy it is."""
        return self.decider.bank

    @cached_property
    def book(self) -> RuleBook:
        """Of the policy and of what decisions keep."""
        return self.decider.rule_book

    @cached_property
    def pairs(self) -> Mapping[tuple[str, str], tuple[Offer, Treatment]]:
        """Offers with their treatments, by name of the offer and channel."""
        pairs = self.decider.policy.candidates.pairs
        return {(offer.name, treatment.channel): (offer, treatment) for offer, treatment in pairs}

    @cached_property
    def without_models(self) -> Decider:
        """The same policy where no model answers: only what needs no score is offered."""
        return Decider(self.bank, None, None)

    @cached_property
    def outbound(self) -> frozenset[str]:
        """Channels in which a decision is a contact."""
        return outbound_channels(self.bank.policy)


def outbound_channels(policy: Policy) -> frozenset[str]:
    """Channels in which the bank contacts its customers, instead of meeting them when they come.

    Those that `outbound` lists, and, to be on the safe side, those that need consent: a decision there counts as a
    contact at once.

    Example:
        >>> sorted(outbound_channels(Policy(consent={"email": "consent_email"}, outbound={"call_centre": 9})))
        ['call_centre', 'email']
    """
    return frozenset({*policy.outbound, *policy.consent})
