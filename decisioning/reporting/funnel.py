"""The funnel of all candidates through the rules: how many each rule rejects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.rules import NOWHERE
from decisioning.policies.verdicts import PASSED, only_failing

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
