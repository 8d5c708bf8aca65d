"""Head to head: which offer wins where two are ranked for the same customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from serving.figures.small_cells import hidden_cells


class HeadToHeadRow(TypedDict):
    """An offer, and the customers for whom it won over each other one; None where the number is hidden."""

    offer: str
    customers: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class HeadToHead:
    """Customers for whom an offer won over another in some channel; those of different customers can be added.

    Attributes:
        offers: The k offers.
        wins: Shape (k, k), customers for whom the offer of the row was first and that of the column behind it.
    """

    offers: tuple[str, ...]
    wins: NDArray[np.int64]

    @classmethod
    def of(cls, offers: Sequence[str], ranked: pa.Table) -> HeadToHead:
        """Count the decisions of a part.

        Args:
            offers: Names of the catalogue's offers.
            ranked: Columns customer_id, channel, rank and offer of `decisioning.reporting.tables.ranked_offers`.
        """
        names = pa.array(offers, pa.string())
        customer, channel = (
            ranked[name].cast(pa.string()).combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
            for name in ("customer_id", "channel")
        )
        offer = pc.index_in(ranked["offer"].cast(pa.string()), value_set=names).to_numpy().astype(np.int64)
        rank = ranked["rank"].to_numpy()
        decision = customer * (channel.max(initial=0) + 1) + channel
        first = rank == 1
        order = np.argsort(decision[first], kind="stable")
        decided, winners = decision[first][order], offer[first][order]
        behind = np.flatnonzero(~first)
        at = np.searchsorted(decided, decision[behind])
        k = len(offers)
        cells = np.unique(customer[behind] * k * k + winners[at] * k + offer[behind]) % (k * k)
        return cls(tuple(offers), np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64))

    def __add__(self, other: HeadToHead) -> HeadToHead:
        assert self.offers == other.offers, "counts of different catalogues do not add up"
        return replace(self, wins=self.wins + other.wins)

    def rows(self) -> list[HeadToHeadRow]:
        """Return a row per offer that meets others."""
        both = self.wins + self.wins.T
        met = np.flatnonzero(both.sum(axis=1))
        wins = self.wins[np.ix_(met, met)]
        hidden = hidden_cells(wins, possible=~np.eye(len(met), dtype=bool))
        return [
            {
                "offer": self.offers[one],
                "customers": {
                    self.offers[other]: None if hidden[row, column] else int(wins[row, column])
                    for column, other in enumerate(met.tolist())
                    if row != column
                },
            }
            for row, one in enumerate(met.tolist())
        ]
