"""The live engine: a bank, its models and the readers of its customers, swapped as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from config.bank import Bank
from decisioning.explaining.rule_book import RuleBook
from decisioning.policies.policy import Policy
from domain.offer import Offer, Treatment
from domain.pause import Pause
from serving.customer_features import CustomerReader
from serving.decider import Decider
from serving.reasons import pairs_of
from serving.service.budgets import PacedPrices


@dataclass(frozen=True)
class LiveEngine:
    """What answers a request from start to end, even if a newer engine is swapped in meanwhile.

    Attributes:
        decider: Policy and models.
        reader: Reader of customers' features.
        prices: Price of one unit of each budget, from the last batch run.
    """

    decider: Decider
    reader: CustomerReader
    prices: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def paced(self) -> PacedPrices:
        """Prices adjusted during the day."""
        return PacedPrices(self.decider.policy, self.prices)

    @property
    def bank(self) -> Bank:
        """The bank whose policy decides."""
        return self.decider.bank

    @cached_property
    def book(self) -> RuleBook:
        """Rule book of the policy."""
        return self.decider.rule_book

    @cached_property
    def pairs(self) -> Mapping[tuple[str, str], tuple[Offer, Treatment]]:
        """Offers with their treatments, by offer name and channel."""
        return pairs_of(self.decider)

    @cached_property
    def without_models(self) -> Decider:
        """The same policy without models: only offers that need no score are made."""
        return Decider(self.bank, None, None)

    def paused_by(self, pauses: tuple[Pause, ...]) -> LiveEngine:
        """Return the engine with these pauses in force, whatever was paused before."""
        return self if pauses == self.bank.pauses else replace(self, decider=self.decider.paused_by(pauses))

    @cached_property
    def outbound(self) -> frozenset[str]:
        """Channels in which a decision counts as a contact."""
        return outbound_channels(self.bank.policy)


def outbound_channels(policy: Policy) -> frozenset[str]:
    """Return the channels in which the bank contacts customers, rather than meeting them when they come.

    These are the channels listed under `outbound` and, to be on the safe side, those that need consent: a decision
    there counts as a contact at once.

    Example:
        >>> sorted(outbound_channels(Policy(consent={"email": "consent_email"}, outbound={"call_centre": 9})))
        ['call_centre', 'email']
    """
    return frozenset({*policy.outbound, *policy.consent})
