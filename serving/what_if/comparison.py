"""What-if comparison: today's bank and a changed one decide for the same customers at the same moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.engine import DecisionContext, Decisions
from decisioning.reporting.forensics import Forensics
from decisioning.reporting.summary import Funnel
from expressions.types import Array
from features.table import CUSTOMER_ID, FeatureTable
from serving.decider import CUSTOMERS_PER_CHUNK, Decider

Counts = NDArray[np.int64]

NOTHING = "nothing"
"""Stands for the offer if a channel offers nothing."""

PRESENTED = 1
"""Rank that counts as a contact, as in the decision log."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One side of a comparison.

    Attributes:
        decider: The bank with its models.
        prices: Price of one unit of each budget, by name; 0 if absent.
        remaining: What is left of each budget, by name; its whole amount if absent.
    """

    decider: Decider
    prices: Mapping[str, float] = field(default_factory=dict)
    remaining: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one side for some customers; results of parts add up.

    The first offer in every channel counts as made, with its expected value, cost and budget use.

    Attributes:
        channels: The c channels that have offers.
        budgets: Name and unit of each of the b budgets.
        amounts: Amount of each budget per period, shape (b,).
        contacts: Customers with an offer in the channel, shape (c,).
        expected_value: Sum of propensity x value of the first offers, shape (c,).
        expected_cost: Sum of their expected cost, shape (c,).
        budget_use: Their expected use of each budget, shape (b,).
    """

    channels: tuple[str, ...]
    budgets: tuple[tuple[str, str], ...]
    amounts: Array
    contacts: Counts
    expected_value: Array
    expected_cost: Array
    budget_use: Array
    funnel: Funnel
    forensics: Forensics

    @classmethod
    def of(cls, decisions: Decisions, segments: Iterable[str]) -> Outcome:
        """Compute the result of some decisions."""
        policy, scores = decisions.policy, decisions.scores
        first = decisions.ranking.rank == PRESENTED
        value = np.where(first, scores.propensity * scores.value, 0.0)
        cost = np.where(first, scores.cost, 0.0)
        places = [policy.candidates.by_channel[channel] for channel in decisions.channels]
        uses = [
            _known(np.where(first[:, budget.columns], use, 0.0)).sum()
            for budget, use in zip(policy.budgets, scores.uses, strict=True)
        ]
        return cls(
            channels=decisions.channels,
            budgets=tuple((compiled.budget.name, compiled.budget.unit) for compiled in policy.budgets),
            amounts=np.array([compiled.budget.amount for compiled in policy.budgets], dtype=np.float64),
            contacts=np.array([np.count_nonzero(first[:, columns]) for columns in places], dtype=np.int64),
            expected_value=np.array([_known(value[:, columns]).sum() for columns in places], dtype=np.float64),
            expected_cost=np.array([_known(cost[:, columns]).sum() for columns in places], dtype=np.float64),
            budget_use=np.array(uses, dtype=np.float64),
            funnel=Funnel.of(decisions),
            forensics=Forensics.of(decisions, segments),
        )

    def __add__(self, other: Outcome) -> Outcome:
        assert (self.channels, self.budgets) == (other.channels, other.budgets), "outcomes of different banks"
        return replace(
            self,
            contacts=self.contacts + other.contacts,
            expected_value=self.expected_value + other.expected_value,
            expected_cost=self.expected_cost + other.expected_cost,
            budget_use=self.budget_use + other.budget_use,
            funnel=self.funnel + other.funnel,
            forensics=self.forensics + other.forensics,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides, and how their decisions differ; comparisons of parts add up.

    Attributes:
        channels: Channels of either side.
        offers: Offers of either side, then `nothing`; k in all.
        moves: Decisions by first offer today (row) and with the change (column), shape (channels, k, k).
        customers_moved: Customers whose first offer changes in at least one channel.
    """

    today: Outcome
    changed: Outcome
    channels: tuple[str, ...]
    offers: tuple[str, ...]
    moves: Counts
    customers_moved: int

    def __add__(self, other: Comparison) -> Comparison:
        assert (self.channels, self.offers) == (other.channels, other.offers), "comparisons of different banks"
        return replace(
            self,
            today=self.today + other.today,
            changed=self.changed + other.changed,
            moves=self.moves + other.moves,
            customers_moved=self.customers_moved + other.customers_moved,
        )

    @property
    def decisions_moved(self) -> int:
        """Number of decisions whose first offer changes."""
        return int(self.moves.sum() - np.trace(self.moves, axis1=1, axis2=2).sum())


def compare(
    today: Scenario,
    changed: Scenario,
    features: FeatureTable,
    features_changed: FeatureTable | None = None,
    *,
    context: DecisionContext,
    segments: Sequence[str] = (),
) -> Iterator[tuple[Comparison, pa.Table]]:
    """Decide for the same customers on both sides, some thousands at a time.

    Nothing is written or logged. Both sides use the same draws, so that only the change makes a difference.

    Args:
        today: The bank as it is.
        changed: The bank with the change.
        features: At least one customer, with the columns that today's decider and the segments name.
        features_changed: The same customers with the columns of the changed decider; None if `features` has them.
        context: Time and seed of the draws.
        segments: Features whose groups are counted.

    Yields:
        The comparison of a chunk, and its decisions whose first offer changes (see `moved_offers`).

    Raises:
        DataError: A feature is missing, or a segment has no groups.
    """
    others = features if features_changed is None else features_changed
    tables = (
        _needed(features, today.decider, segments),
        _needed(others, changed.decider, segments),
    )
    for start in range(0, len(features), CUSTOMERS_PER_CHUNK):
        rows = np.arange(start, min(start + CUSTOMERS_PER_CHUNK, len(features)))
        was, will_be = (
            side.decider.decide(table.take(rows), replace(context, prices=side.prices, remaining=side.remaining))
            for side, table in zip((today, changed), tables, strict=True)
        )
        yield _compared(was, will_be, segments)


def _needed(features: FeatureTable, decider: Decider, segments: Sequence[str]) -> FeatureTable:
    return features.select(dict.fromkeys((*decider.features, *segments)))


def _compared(was: Decisions, will_be: Decisions, segments: Sequence[str]) -> tuple[Comparison, pa.Table]:
    channels = tuple(dict.fromkeys((*was.channels, *will_be.channels)))
    names = [offer.name for side in (was, will_be) for offer, _ in side.policy.candidates.pairs]
    offers = (*dict.fromkeys(names), NOTHING)
    first, second = (_first_offers(side, channels, offers) for side in (was, will_be))
    moved = first != second
    size = len(offers)
    place = np.arange(len(channels)) * size * size + first * size + second
    comparison = Comparison(
        today=Outcome.of(was, segments),
        changed=Outcome.of(will_be, segments),
        channels=channels,
        offers=offers,
        moves=np.bincount(place.reshape(-1), minlength=len(channels) * size * size).reshape(-1, size, size),
        customers_moved=int(moved.any(axis=1).sum()),
    )
    return comparison, moved_offers(was, channels, offers, first, second)


def moved_offers(
    was: Decisions,
    channels: tuple[str, ...],
    offers: tuple[str, ...],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> pa.Table:
    """Return the decisions whose first offer changes: customer_id, channel, was, is.

    Args:
        was: Today's decisions, for the customer ids.
        channels: The c channels.
        offers: Names of the offers.
        first: Position of each decision's first offer today, shape (n, c).
        second: The same with the change, shape (n, c).
    """
    rows, places = np.nonzero(first != second)
    named = {"channel": (places, channels), "was": (first[rows, places], offers), "is": (second[rows, places], offers)}
    columns: dict[str, pa.Array] = {CUSTOMER_ID: pa.array(was.features.customer_ids[rows].tolist(), pa.string())}
    for name, (codes, words) in named.items():
        encoded = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words, pa.string()))
        columns[name] = encoded
    return pa.table(columns)


def _first_offers(decisions: Decisions, channels: tuple[str, ...], offers: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the position of each decision's first offer, shape (n, c)."""
    candidates = decisions.policy.candidates
    numbers = np.array([offers.index(offer.name) for offer, _ in candidates.pairs], dtype=np.intp)
    found = np.full((len(decisions), len(channels)), len(offers) - 1, dtype=np.intp)
    for place, channel in enumerate(channels):
        columns = candidates.by_channel[channel]
        first = decisions.ranking.rank[:, columns] == PRESENTED
        rows, at = np.nonzero(first)
        found[rows, place] = numbers[columns[at]]
    return found


def _known(numbers: Array) -> Array:
    """Replace unknown numbers by 0: offers that are not sales need no score."""
    return np.nan_to_num(numbers, nan=0.0)
