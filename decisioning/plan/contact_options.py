"""Contact options: what a batch run could send to each customer, as input of the allocation of budgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decisioning.allocation.problem import CustomerChunk, Keys
from decisioning.engine import Decisions
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import Arm, hashes_of
from domain.offer import OfferClass
from expressions.types import Array

LEAST_GAIN = 0.01
"""Gain, in currency, of a contact that must be made although its margin is unknown or not positive."""


@dataclass(frozen=True, slots=True, eq=False)
class ContactOptions:
    """Up to o possible contacts for each of n customers.

    Attributes:
        keys: Shape (n,), stable hashes of the customers.
        candidates: Shape (n, o), position of the candidate in the policy; -1 for none.
        gains: Shape (n, o), priority before prices; NaN for none.
        uses: For each budget, shape (n, o), expected use by the contact; 0 if it does not use the budget.
        must: Shape (n, o), contacts that the bank has to make.
        probabilities: Shape (n, o), probability that the contact is the customer's best at the prices, over all draws
            of exploration; NaN under random propensities, where the draws of channels are dependent. Changes that the
            allocation makes at the margin to fit budgets are not included.
    """

    keys: Keys
    candidates: NDArray[np.int32]
    gains: Array
    uses: tuple[Array, ...]
    must: NDArray[np.bool_]
    probabilities: Array

    def __len__(self) -> int:
        return len(self.keys)

    def without(self, customers: Keys) -> ContactOptions:
        """Remove all contacts of some customers.

        Args:
            customers: Hashes of the customers; unknown ones are ignored.
        """
        out = np.isin(self.keys, customers)[:, None]
        return ContactOptions(
            keys=self.keys,
            candidates=np.where(out, np.int32(-1), self.candidates),
            gains=np.where(out, np.nan, self.gains),
            uses=tuple(np.where(out, 0.0, use) for use in self.uses),
            must=self.must & ~out,
            probabilities=np.where(out, np.nan, self.probabilities),
        )

    def chunk(self) -> CustomerChunk:
        """Return the contacts to allocate, without customers who have a contact that must be made."""
        bound = self.must.any(axis=1, keepdims=True)
        return CustomerChunk(np.where(bound, np.nan, self.gains), self.uses, self.keys)


def all_contact_options(decisions: Decisions) -> ContactOptions:
    """Return every allowed candidate of the outbound channels, decided without prices."""
    columns = outbound_columns(decisions.policy)
    allowed = decisions.allowed[:, columns]
    candidates = np.where(allowed, columns.astype(np.int32), np.int32(-1))
    return _wishes(decisions, candidates, np.full(candidates.shape, np.nan))


def first_contact_options(decisions: Decisions) -> ContactOptions:
    """Return the first offer of each outbound channel, as drawn; contacts are chosen from these.

    So the offer in a channel keeps the probability in its record, and the plan chooses the channel.
    """
    policy = decisions.policy
    ranks = decisions.ranking.rank
    candidates = np.full((len(decisions), len(policy.outbound)), -1, dtype=np.int32)
    for place, channel in enumerate(policy.outbound):
        columns = policy.candidates.by_channel[channel]
        if len(columns) and channel in decisions.channels:
            first = ranks[:, columns] == 1
            candidates[:, place] = np.where(first.any(axis=1), columns[first.argmax(axis=1)], -1)
    return _wishes(decisions, candidates, _probabilities(decisions, candidates))


def outbound_columns(policy: CompiledPolicy) -> NDArray[np.intp]:
    """Return the positions of the candidates in outbound channels."""
    members = [policy.candidates.by_channel[channel] for channel in policy.outbound]
    return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *members]))


def _gains(decisions: Decisions) -> Array:
    """Return every candidate's priority before prices, or `LEAST_GAIN` where unknown or not positive: shape (n, m)."""
    scores = decisions.scores
    before_prices = scores.priority + scores.budget_cost if decisions.policy.policy.factors.prices else scores.priority
    return np.where(before_prices > 0.0, before_prices, LEAST_GAIN)


def _probabilities(decisions: Decisions, candidates: NDArray[np.int32]) -> Array:
    """Return the probability that each contact is drawn and beats, at the prices, those drawn in other channels."""
    policy, rows = decisions.policy, np.arange(len(decisions))[:, None]
    if not len(policy.candidates):
        return np.zeros(candidates.shape)
    priced = _gains(decisions) - decisions.scores.budget_cost
    drawn = decisions.ranking.selection_probability
    columns = np.maximum(candidates, 0)
    mine = priced[rows, columns]
    probability = np.where((candidates >= 0) & (mine >= 0.0), drawn[rows, columns], 0.0)
    for place, channel in enumerate(policy.outbound):
        others = policy.candidates.by_channel[channel]
        better = priced[:, None, others] > mine[:, :, None]
        equal = (priced[:, None, others] == mine[:, :, None]) & (place < np.arange(len(policy.outbound)))[:, None]
        beaten = (drawn[:, None, others] * (better | equal)).sum(axis=2)
        probability *= np.where(np.arange(len(policy.outbound)) == place, 1.0, 1.0 - beaten)
    return np.where((decisions.arm == Arm.RANDOM_PROPENSITY)[:, None], np.nan, probability)


def _wishes(decisions: Decisions, candidates: NDArray[np.int32], probabilities: Array) -> ContactOptions:
    policy, scores = decisions.policy, decisions.scores
    some = candidates >= 0
    columns = np.where(some, candidates, 0)
    rows = np.arange(len(decisions))[:, None]
    if not len(policy.candidates):
        nothing = np.zeros(candidates.shape)
        return ContactOptions(
            _keys(decisions), candidates, nothing, (nothing,) * len(policy.budgets), some, probabilities
        )
    gains = np.where(some, _gains(decisions)[rows, columns], np.nan)
    uses = []
    for budget, use in zip(policy.budgets, scores.uses, strict=True):
        places = np.full(len(policy.candidates), -1, dtype=np.intp)
        places[budget.columns] = np.arange(len(budget.columns))
        place = places[columns]
        uses.append(np.where(some & (place >= 0), use[rows, np.maximum(place, 0)] if use.shape[1] else 0.0, 0.0))
    offers = [offer.offer_class == OfferClass.MANDATORY for offer, _ in policy.candidates.pairs]
    must = some & np.array(offers)[columns]
    return ContactOptions(_keys(decisions), candidates, gains, tuple(uses), must, probabilities)


def _keys(decisions: Decisions) -> Keys:
    return hashes_of(map(str, decisions.features.customer_ids))
