"""A decision request, the digest that identifies it when it is repeated, and which scores it may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.compiled import HOLDOUT, consent_rule
from decisioning.policies.requests import Said, request_columns
from decisioning.policies.verdicts import failed
from domain.errors import DataError, nearest
from serving.service.engine import LiveEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """One request: the best offers now, for this customer, in this channel.

    Attributes:
        placements: Placements of the channel to fill, the most important first; empty for a plain list.
        context: What the channel knows of the moment, as the bank's `events.yaml` declares under `request`.
        offers: Maximum number of offers; None for as many as the policy ranks.
        dry_run: Write, count and spend nothing: for testers.
        reasons: Whether the answer says what moved the model most; it takes a decision's time again.
    """

    customer_id: str
    channel: str
    placements: tuple[str, ...] = ()
    context: Mapping[str, Said] = field(default_factory=dict)
    offers: int | None = None
    dry_run: bool = False
    reasons: bool = False

    def check(self, engine: LiveEngine) -> None:
        """Check that the bank knows everything named.

        Raises:
            DataError: Unknown channel or placement, undeclared request field, or no customer.
        """
        if not self.customer_id.strip():
            raise DataError("a decision needs a customer", got=f"'{self.customer_id}'", expected="an id")
        channels = engine.bank.vocabulary.channels
        if self.channel not in channels:
            raise DataError("no such channel", got=f"'{self.channel}'", expected=nearest(self.channel, channels))
        request_columns([self.context], engine.decider.policy.names.request)
        if self.placements:
            self._check_placements(engine)

    def _check_placements(self, engine: LiveEngine) -> None:
        slots = {
            treatment.slot
            for _, treatment in engine.decider.policy.candidates.pairs
            if treatment.channel == self.channel and treatment.slot is not None
        }
        for placement in self.placements if slots else ():
            if placement not in slots:
                raise DataError(
                    f"no offer is made for this placement of {self.channel}",
                    got=f"'{placement}'",
                    expected=nearest(placement, slots),
                )

    @property
    def digest(self) -> str:
        """Hash of the request's content."""
        content: tuple[object, ...] = (
            *(self.customer_id, self.channel, self.placements, sorted(self.context.items()), self.offers),
            *(("reasons",) if self.reasons else ()),  # without them as before there were any to ask for
        )
        return blake2b(repr(content).encode(), digest_size=16).hexdigest()


def may_be_scored(decided: Decisions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whose scores may be shown, by the rules that decisions obey.

    A candidate has no score if it fails a rule of kind `consent`. A customer has no scores at all where `personalised`
    does not hold, or where a consent rule other than those of channels fails for any candidate.

    Returns:
        Boolean masks of customers, shape (n,), and of candidates, shape (n, m).
    """
    policy = decided.policy
    customers = np.ones(len(decided), dtype=bool)
    if policy.personalised is not None:
        customers &= policy.personalised.holds(decided.evaluation_context)[:, 0]
    candidates = np.repeat(customers[:, np.newaxis], len(policy.candidates), axis=1)
    of_channels = {consent_rule(channel) for channel in policy.policy.consent}
    for rule in policy.rules:
        if rule.kind == "consent" and rule.name != HOLDOUT:  # customers in the holdout have not refused anything
            refused = failed(decided.bits, policy.bit(rule.name))
            candidates &= ~refused
            if rule.name not in of_channels:
                customers &= ~refused.any(axis=1)
    return customers, candidates
