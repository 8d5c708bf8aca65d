"""Counts of a batch run by offer: who is ranked and wins, with which propensities, and which rules keep it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Counts = NDArray[np.int64]

BINS: Final = (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 1.0)
"""Edges of the bins of propensities; acceptance is rare, so they are narrower below."""


class OfferRow(TypedDict):
    """Decisions of a run about an offer.

    Attributes:
        offer: Its name.
        ranked: Decisions in which it is ranked.
        first: Decisions in which it is ranked first.
        propensities: Ranked offers by bin of propensity.
        rejected: Rule -> candidates whose first failed rule it is, most first.
    """

    offer: str
    ranked: int
    first: int
    propensities: list[int]
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True)
class OfferCounts:
    """Counts of decisions of a run; the counts of parts of a bank can be added.

    Attributes:
        offers: The k offers of the catalogue.
        rules: The r rules, in the order in which they are checked.
        ranked: Shape (k,), decisions in which the offer is ranked.
        first: Shape (k,), decisions in which it is ranked first.
        propensities: Shape (k, b), ranked offers by bin of propensity.
        rejected: Shape (k, r), candidates whose first failed rule it is.
    """

    offers: tuple[str, ...]
    rules: tuple[str, ...]
    ranked: Counts
    first: Counts
    propensities: Counts
    rejected: Counts

    @classmethod
    def of(cls, offers: Sequence[str], rules: Sequence[str], ranked: pa.Table, rejections: pa.Table) -> OfferCounts:
        """Count the decisions of a part.

        Args:
            offers: Names of the catalogue's offers.
            rules: Names of the policy's rules.
            ranked: Table of `decisioning.reporting.tables.ranked_offers`; columns offer, rank and propensity.
            rejections: Table of `decisioning.reporting.tables.rejections`; columns offer and first_failed.
        """
        k, names = len(offers), pa.array(offers, pa.string())
        offer = _positions(ranked["offer"], names)
        is_first = pc.equal(ranked["rank"], 1).to_numpy(zero_copy_only=False).astype(bool)
        propensity = ranked["propensity"].to_numpy(zero_copy_only=False).astype(np.float64)
        bins = np.clip(np.searchsorted(BINS, propensity, side="right") - 1, 0, len(BINS) - 2)
        scored = ~np.isnan(propensity)
        rejected_offer = _positions(rejections["offer"], names)
        rule = _positions(rejections["first_failed"], pa.array(rules, pa.string()))
        return cls(
            tuple(offers),
            tuple(rules),
            _count(offer, k),
            _count(offer[is_first], k),
            _count(offer[scored] * (len(BINS) - 1) + bins[scored], k * (len(BINS) - 1)).reshape(k, -1),
            _count(rejected_offer * len(rules) + rule, k * len(rules)).reshape(k, len(rules)),
        )

    def __add__(self, other: OfferCounts) -> OfferCounts:
        assert (self.offers, self.rules) == (other.offers, other.rules), "counts of different banks do not add up"
        return replace(
            self,
            ranked=self.ranked + other.ranked,
            first=self.first + other.first,
            propensities=self.propensities + other.propensities,
            rejected=self.rejected + other.rejected,
        )

    def rows(self) -> list[OfferRow]:
        """Return a row per offer."""
        return [
            {
                "offer": offer,
                "ranked": int(self.ranked[at]),
                "first": int(self.first[at]),
                "propensities": self.propensities[at].tolist(),
                "rejected": {
                    self.rules[rule]: int(self.rejected[at, rule])
                    for rule in np.argsort(-self.rejected[at], kind="stable").tolist()
                    if self.rejected[at, rule]
                },
            }
            for at, offer in enumerate(self.offers)
        ]


def _positions(column: pa.ChunkedArray, names: pa.Array) -> NDArray[np.int64]:
    found = pc.index_in(column.cast(pa.string()), value_set=names)
    positions: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return positions


def _count(positions: NDArray[np.int64], size: int) -> Counts:
    return np.bincount(positions, minlength=size).astype(np.int64)
