"""Counts of a run: decisions per lifecycle stage, and the funnel of all candidates through the rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.rules import NOWHERE
from decisioning.policies.verdicts import PASSED, only_failing
from expressions.types import Array, Category

NO_STAGE = "none"
TOP = 3
"""How many offers a summary lists per stage."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums per stage over customers' best candidates; summaries of parts of a bank can be added.

    Attributes:
        stages: The s stages, including `none` for customers without a stage.
        offers: The k offers of the catalogue.
        customers: Shape (s,), customers in the stage.
        best_offers: Shape (s, k), customers whose best candidate is of the offer.
        valued: Shape (s,), those of them whose best candidate has a priority: mandatory offers and offers in the order
            of the catalogue need none.
        priority: Shape (s,), sum of the priorities over customers whose best candidate has one.
        expected_value: Shape (s,), sum of propensity x value over them, in the bank's currency.
    """

    stages: tuple[str, ...]
    offers: tuple[str, ...]
    customers: NDArray[np.int64]
    best_offers: NDArray[np.int64]
    valued: NDArray[np.int64]
    priority: Array
    expected_value: Array

    @classmethod
    def of(cls, decisions: Decisions) -> Summary:
        """Compute the summary of some decisions."""
        stages, stage = _stages(decisions)
        offers = tuple(dict.fromkeys(offer.name for offer, _ in decisions.policy.candidates.pairs))
        offer_of = np.array([offers.index(offer.name) for offer, _ in decisions.policy.candidates.pairs], dtype=np.intp)
        rows = np.flatnonzero(decisions.best >= 0)
        best, size = decisions.best[rows], len(stages)
        best_offers = np.zeros((size, len(offers)), dtype=np.int64)
        np.add.at(best_offers, (stage[rows], offer_of[best]), 1)
        scores = decisions.scores
        known = ~np.isnan(scores.priority[rows, best])
        rows, best = rows[known], best[known]
        gain = scores.propensity[rows, best] * scores.value[rows, best]
        return cls(
            stages,
            offers,
            np.bincount(stage, minlength=size).astype(np.int64),
            best_offers,
            np.bincount(stage[rows], minlength=size).astype(np.int64),
            _sums(stage[rows], scores.priority[rows, best], size),
            _sums(stage[rows], gain, size),
        )

    def __add__(self, other: Summary) -> Summary:
        assert (self.stages, self.offers) == (other.stages, other.offers), "summaries of different banks do not add up"
        return Summary(
            self.stages,
            self.offers,
            self.customers + other.customers,
            self.best_offers + other.best_offers,
            self.valued + other.valued,
            self.priority + other.priority,
            self.expected_value + other.expected_value,
        )

    def to_arrow(self) -> pa.Table:
        """Return a table with a row per stage that has customers, and a last one for `all`."""
        shown = [position for position, count in enumerate(self.customers) if count]
        groups = [*((self.stages[position], [position]) for position in shown), ("all", shown)]
        return pa.Table.from_pylist([self._row(name, members) for name, members in groups], _SCHEMA)

    def _row(self, name: str, members: list[int]) -> dict[str, object]:
        customers = int(self.customers[members].sum())
        counts = self.best_offers[members].sum(axis=0)
        offered, valued = int(counts.sum()), int(self.valued[members].sum())
        top = [int(position) for position in np.argsort(-counts, kind="stable")[:TOP] if counts[position]]
        return {
            "stage": name,
            "customers": customers,
            "with_offer": offered,
            "share_with_offer": offered / customers if customers else None,
            "mean_priority": float(self.priority[members].sum()) / valued if valued else None,
            "expected_value": float(self.expected_value[members].sum()),
            "top_offers": ", ".join(f"{self.offers[offer]} {counts[offer] / offered:.0%}" for offer in top),
        }


_SCHEMA = pa.schema(
    {
        "stage": pa.string(),
        "customers": pa.int64(),
        "with_offer": pa.int64(),
        "share_with_offer": pa.float64(),
        "mean_priority": pa.float64(),
        "expected_value": pa.float64(),
        "top_offers": pa.string(),
    }
)


def _stages(decisions: Decisions) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    kind = decisions.features.schema.get("stage")
    if not isinstance(kind, Category):
        return (NO_STAGE,), np.zeros(len(decisions), dtype=np.intp)
    codes = decisions.features.columns["stage"]
    return (*kind.values, NO_STAGE), np.where(np.isnan(codes), len(kind.values), codes).astype(np.intp)


def _sums(groups: NDArray[np.intp], numbers: Array, size: int) -> Array:
    return np.asarray(np.bincount(groups, numbers, minlength=size), dtype=np.float64)


Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts for every rule, in the order in which rules are checked; funnels of parts of a bank can be added.

    Attributes:
        rules: Names of the rules.
        kinds: Kinds of the rules.
        rejected: Candidates for which the rule is the first that failed.
        rejected_alone: Candidates that no other rule rejects, and that would be allowed without this one.
        customers_lost: Customers whose last candidate the rule rejected.
        candidates: Number of candidates, over all customers.
        customers: Number of customers.
    """

    rules: tuple[str, ...]
    kinds: tuple[str, ...]
    rejected: Counts
    rejected_alone: Counts
    customers_lost: Counts
    candidates: int
    customers: int

    @classmethod
    def of(cls, decisions: Decisions) -> Funnel:
        """Compute the counts for the decided channels."""
        rules = decisions.policy.rules
        by_channel = decisions.policy.candidates.by_channel
        asked = np.sort(np.concatenate([NOWHERE, *(by_channel[channel] for channel in decisions.channels)]))
        first = decisions.first_failed[:, asked]
        alone = only_failing(decisions.counting)[:, asked]
        furthest = np.where(first == PASSED, len(rules), first).max(axis=1, initial=-1)
        return cls(
            tuple(rule.name for rule in rules),
            tuple(rule.kind for rule in rules),
            _count(first[first != PASSED], len(rules)),
            _count(first[alone], len(rules)),
            _count(furthest[(furthest >= 0) & (furthest < len(rules))], len(rules)),
            first.size,
            len(decisions),
        )

    def __add__(self, other: Funnel) -> Funnel:
        assert self.rules == other.rules, "funnels of different policies do not add up"
        return Funnel(
            self.rules,
            self.kinds,
            self.rejected + other.rejected,
            self.rejected_alone + other.rejected_alone,
            self.customers_lost + other.customers_lost,
            self.candidates + other.candidates,
            self.customers + other.customers,
        )

    @property
    def allowed(self) -> int:
        """Number of candidates that passed all rules."""
        return self.candidates - int(self.rejected.sum())

    def to_arrow(self) -> pa.Table:
        """Return a table with a row per rule: candidates that came in, were rejected, and are left."""
        gone = np.cumsum(self.rejected)
        return pa.table(
            {
                "rule": self.rules,
                "kind": self.kinds,
                "candidates_asked": self.candidates - gone + self.rejected,
                "candidates_rejected": self.rejected,
                "candidates_rejected_alone": self.rejected_alone,
                "candidates_left": self.candidates - gone,
                "customers_lost": self.customers_lost,
                "customers_left": self.customers - np.cumsum(self.customers_lost),
            }
        )


def _count(positions: NDArray[np.integer], rules: int) -> Counts:
    return np.bincount(positions.astype(np.int64), minlength=rules).astype(np.int64)
