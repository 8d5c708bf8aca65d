"""Forensics of a whole run: which factor decides, how much choice there is, and which customers get which offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.arbitration.channel_slots import layout_of
from decisioning.engine import Decisions
from decisioning.reporting.factor_ablation import FACTORS, Counts, ablate_factors
from decisioning.reporting.groups import ALL, groupings_of


@dataclass(frozen=True, slots=True)
class Forensics:
    """Counts of customers; the counts of parts of a bank can be added.

    Attributes:
        offers: The k offers of the catalogue.
        channels: The c decided channels.
        groupings: Shape (g,), what each group is a value of: `all`, `stage`, a feature.
        groups: Shape (g,), names of the groups.
        compared: Customers with something to offer whose offers are ranked by priority; control arms excluded.
        decided: Shape (c,), those of them with something to offer in the channel.
        changed: Shape (f,), those of them whose best offer over all channels changes without a factor.
        changed_in_channel: Shape (f, c), the same for the first candidate of each channel, before exploration.
        customers: Shape (g,), customers of each group.
        choices: Shape (g, k + 1), customers by number of different allowed offers over all channels.
        reach: Shape (g, k), customers for whom the offer was ranked in at least one channel.
        first_places: Shape (k,), decisions in which the offer was ranked first.
        ranked: Shape (k,), decisions in which it was ranked.
    """

    offers: tuple[str, ...]
    channels: tuple[str, ...]
    groupings: tuple[str, ...]
    groups: tuple[str, ...]
    compared: int
    decided: Counts
    changed: Counts
    changed_in_channel: Counts
    customers: Counts
    choices: Counts
    reach: Counts
    first_places: Counts
    ranked: Counts

    @classmethod
    def of(cls, decisions: Decisions, segments: Iterable[str] = ()) -> Forensics:
        """Compute the counts for the decided channels.

        Args:
            decisions: Decisions for n customers.
            segments: Features to group by, beside the stage; see `decisioning.reporting.groups`.

        Raises:
            DataError: If a segment is not a feature of the decisions, or has no groups.
        """
        policy = decisions.policy
        names = [offer.name for offer, _ in policy.candidates.pairs]
        offers = tuple(dict.fromkeys(names))
        begins = np.array([names.index(offer) for offer in offers], dtype=np.intp)
        allowed = decisions.allowed & layout_of(policy, decisions.channels).asked
        rank = decisions.ranking.rank
        choices = _by_offer(allowed, begins).sum(axis=1)
        reached = _by_offer(rank > 0, begins)
        parted = groupings_of(decisions.features, policy.names.catalogue, segments)
        dropped = ablate_factors(decisions, allowed)
        return cls(
            offers=offers,
            channels=decisions.channels,
            groupings=tuple(grouping.feature for grouping in parted for _ in grouping.names),
            groups=tuple(name for grouping in parted for name in grouping.names),
            compared=dropped.compared,
            decided=dropped.decided,
            changed=dropped.changed,
            changed_in_channel=dropped.changed_in_channel,
            customers=np.concatenate([_count(group.members, len(group.names)) for group in parted]),
            choices=np.concatenate(
                [_pairs(group.members, choices, len(group.names), len(offers) + 1) for group in parted]
            ),
            reach=np.concatenate([_members(group.members, reached, len(group.names)) for group in parted]),
            first_places=_sums(rank == 1, begins),
            ranked=_sums(rank > 0, begins),
        )

    def __add__(self, other: Forensics) -> Forensics:
        mine, its = ((one.offers, one.channels, one.groupings, one.groups) for one in (self, other))
        assert mine == its, "forensics of different banks do not add up"
        return replace(
            self,
            compared=self.compared + other.compared,
            decided=self.decided + other.decided,
            changed=self.changed + other.changed,
            changed_in_channel=self.changed_in_channel + other.changed_in_channel,
            customers=self.customers + other.customers,
            choices=self.choices + other.choices,
            reach=self.reach + other.reach,
            first_places=self.first_places + other.first_places,
            ranked=self.ranked + other.ranked,
        )

    def to_arrow(self) -> dict[str, pa.Table]:
        """Return all tables by name: `winners`, `optionality`, `reached`, `concentration`."""
        tables = (self.winners, self.optionality, self.reached, self.concentration)
        return {table.__name__: table() for table in tables}

    def winners(self) -> pa.Table:
        """Return how often the winner changes: a row per factor left out and channel; `all` is over all channels."""
        compared = (self.compared, *self.decided.tolist())
        changed = np.column_stack([self.changed, self.changed_in_channel]).tolist()
        rows = [
            {"dropped": factor, "channel": channel, "customers": among, "changed": count, "share": _share(count, among)}
            for factor, counts in zip(FACTORS, changed, strict=True)
            for channel, among, count in zip((ALL, *self.channels), compared, counts, strict=True)
        ]
        return pa.Table.from_pylist(rows, _WINNERS)

    def optionality(self) -> pa.Table:
        """Return how much choice there is: a row per non-empty group."""
        rows = []
        for row in np.flatnonzero(self.customers).tolist():
            total, histogram = int(self.customers[row]), self.choices[row].tolist()
            offers = sum(number * customers for number, customers in enumerate(histogram))
            rows.append(
                {
                    **self._group(row),
                    "customers": total,
                    "none": _share(histogram[0], total),
                    "one": _share(sum(histogram[1:2]), total),
                    "two_or_more": _share(sum(histogram[2:]), total),
                    "mean_offers": offers / total,
                    "histogram": histogram,
                }
            )
        return pa.Table.from_pylist(rows, _OPTIONALITY)

    def reached(self) -> pa.Table:
        """Return who is reached: a row per offer and non-empty group."""
        rows = [
            {
                **self._group(row),
                "offer": offer,
                "customers": int(self.customers[row]),
                "reached": int(reached),
                "share": _share(int(reached), int(self.customers[row])),
            }
            for row in np.flatnonzero(self.customers).tolist()
            for offer, reached in zip(self.offers, self.reach[row], strict=True)
        ]
        return pa.Table.from_pylist(rows, _REACHED)

    def concentration(self) -> pa.Table:
        """Return how unequally decisions fall on offers: Gini of first places and of all ranks."""
        rows = [
            {
                "of": name,
                "offers": len(self.offers),
                "without_any": int((counts == 0).sum()),
                "largest_share": _share(int(counts.max(initial=0)), int(counts.sum())),
                "gini": gini(counts),
            }
            for name, counts in (("first places", self.first_places), ("all ranked", self.ranked))
        ]
        return pa.Table.from_pylist(rows, _CONCENTRATION)

    def _group(self, row: int) -> dict[str, str]:
        return {"grouping": self.groupings[row], "group": self.groups[row]}


def gini(counts: Counts) -> float | None:
    """Return the Gini coefficient: 0 if all are equal, (k - 1) / k if one of k has all, None if all are 0.

    Half the mean absolute difference over the mean (Gini 1912), computed from the sorted counts.

    Example:
        >>> gini(np.array([5, 5, 5])), gini(np.array([0, 0, 0, 12])), gini(np.array([0]))
        (0.0, 0.75, None)
    """
    total = float(counts.sum())
    if not total:
        return None
    k = len(counts)
    return float(((2.0 * np.arange(1, k + 1) - k - 1.0) * np.sort(counts)).sum() / (k * total))


def _by_offer(candidates: NDArray[np.bool_], begins: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return for each offer, whose candidates are adjacent, whether any of them is set: shape (n, k)."""
    if not len(begins):
        return np.zeros((len(candidates), 0), dtype=np.bool_)
    return np.logical_or.reduceat(candidates, begins, axis=1)


def _sums(candidates: NDArray[np.bool_], begins: NDArray[np.intp]) -> Counts:
    if not len(begins):
        return np.zeros(0, dtype=np.int64)
    return np.add.reduceat(np.count_nonzero(candidates, axis=0), begins).astype(np.int64)


def _count(members: NDArray[np.intp], size: int) -> Counts:
    return np.bincount(members, minlength=size).astype(np.int64)


def _pairs(members: NDArray[np.intp], numbers: NDArray[np.integer], size: int, width: int) -> Counts:
    return _count(members * width + numbers, size * width).reshape(size, width)


def _members(members: NDArray[np.intp], reached: NDArray[np.bool_], size: int) -> Counts:
    rows, columns = np.nonzero(reached)
    width = reached.shape[1]
    return _count(members[rows] * width + columns, size * width).reshape(size, width)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


_GROUP = (("grouping", pa.string()), ("group", pa.string()))
_WINNERS = pa.schema(
    (
        ("dropped", pa.string()),
        ("channel", pa.string()),
        ("customers", pa.int64()),
        ("changed", pa.int64()),
        ("share", pa.float64()),
    )
)
_OPTIONALITY = pa.schema(
    (
        *_GROUP,
        ("customers", pa.int64()),
        ("none", pa.float64()),
        ("one", pa.float64()),
        ("two_or_more", pa.float64()),
        ("mean_offers", pa.float64()),
        ("histogram", pa.list_(pa.int64())),
    )
)
_REACHED = pa.schema(
    (*_GROUP, ("offer", pa.string()), ("customers", pa.int64()), ("reached", pa.int64()), ("share", pa.float64()))
)
_CONCENTRATION = pa.schema(
    (
        ("of", pa.string()),
        ("offers", pa.int64()),
        ("without_any", pa.int64()),
        ("largest_share", pa.float64()),
        ("gini", pa.float64()),
    )
)
