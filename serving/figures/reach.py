"""Who gets no offer, or only unlikely ones, and which rule stands between them and another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from decisioning.reporting.tables import RULES_KEY
from serving.figures.small_cells import SMALLEST

UNLIKELY: Final = 0.02
"""A customer whose offers are all accepted with a lower probability than this is under-served."""

_WORD: Final = 64
Counts = NDArray[np.int64]


class LoosenedRule(TypedDict):
    """What loosening a rule would bring to under-served customers; counts that are too small are None.

    Attributes:
        rule: Its name.
        never: Customers without any offer whom this rule alone keeps from at least one.
        unlikely: The same of those whose every offer is unlikely.
        offer: The offer that would bring most.
        would_get_it: Customers who would get it.
        gain: What that is worth, if they accept as others do.
    """

    rule: str
    never: int | None
    unlikely: int | None
    offer: str
    would_get_it: int
    gain: float


class ReachCounts(TypedDict, total=False):
    """Customers, those without any offer, those with unlikely ones only, and the rules in between."""

    customers: int
    never: int
    unlikely: int
    rules: list[LoosenedRule]


@dataclass(frozen=True, slots=True)
class Reach:
    """Counts of customers by what the best of their offers is; those of different customers can be added.

    Attributes:
        rules: The r rules.
        offers: The k offers.
        customers: All customers with a candidate.
        never: Those without any offer in any channel.
        unlikely: Those whose every offer is unlikely.
        never_by_rule: Shape (r, k), of `never`, those whom only this rule keeps from this offer.
        unlikely_by_rule: Shape (r, k), the same of `unlikely`.
        never_by_any: Shape (r,), of `never`, those whom this rule alone keeps from at least one offer.
        unlikely_by_any: Shape (r,), the same of `unlikely`.
    """

    rules: tuple[str, ...]
    offers: tuple[str, ...]
    customers: int
    never: int
    unlikely: int
    never_by_rule: Counts
    unlikely_by_rule: Counts
    never_by_any: Counts
    unlikely_by_any: Counts

    @classmethod
    def of(cls, offers: Sequence[str], ranked: pa.Table, rejections: pa.Table) -> Reach:
        """Count the decisions of a part.

        Args:
            offers: Names of the catalogue's offers.
            ranked: Columns customer_id and propensity of `decisioning.reporting.tables.ranked_offers`.
            rejections: Columns customer_id, offer and failed_0, ... of `decisioning.reporting.tables.rejections`, with
                its metadata.
        """
        rules = tuple(json.loads((rejections.schema.metadata or {})[RULES_KEY]))
        ids = pa.concat_arrays(
            [table["customer_id"].cast(pa.string()).combine_chunks() for table in (ranked, rejections)]
        ).dictionary_encode()
        customer = ids.indices.to_numpy().astype(np.int64)
        here, there = customer[: len(ranked)], customer[len(ranked) :]
        size = len(ids.dictionary)
        # an offer that needs no score is what the customer gets, whatever its probability
        propensity = ranked["propensity"].to_numpy(zero_copy_only=False).astype(np.float64)
        best = np.full(size, -1.0)
        np.maximum.at(best, here, np.where(np.isnan(propensity), 1.0, propensity))
        never, unlikely = best < 0.0, (best >= 0.0) & (best < UNLIKELY)
        rule, alone = _only_rule(rejections, len(rules))
        offer = pc.index_in(rejections["offer"].cast(pa.string()), value_set=pa.array(offers, pa.string())).to_numpy()
        found = [
            _by_rule(
                there[alone & group[there]],
                rule[alone & group[there]],
                offer[alone & group[there]],
                len(rules),
                len(offers),
            )
            for group in (never, unlikely)
        ]
        return cls(
            rules,
            tuple(offers),
            size,
            int(never.sum()),
            int(unlikely.sum()),
            found[0][0],
            found[1][0],
            found[0][1],
            found[1][1],
        )

    def __add__(self, other: Reach) -> Reach:
        assert (self.rules, self.offers) == (other.rules, other.offers), "counts of different banks do not add up"
        return replace(
            self,
            customers=self.customers + other.customers,
            never=self.never + other.never,
            unlikely=self.unlikely + other.unlikely,
            never_by_rule=self.never_by_rule + other.never_by_rule,
            unlikely_by_rule=self.unlikely_by_rule + other.unlikely_by_rule,
            never_by_any=self.never_by_any + other.never_by_any,
            unlikely_by_any=self.unlikely_by_any + other.unlikely_by_any,
        )

    def to_json(self, margins: Mapping[str, float]) -> ReachCounts:
        """Return the counts, and for each rule what loosening it would bring to at least `SMALLEST` customers.

        Smaller counts are None.

        Args:
            margins: Offer -> what one decision for it brings on average: propensity x value of its ranked decisions.
        """
        scores = np.array([margins.get(offer, 0.0) for offer in self.offers])
        rows: list[LoosenedRule] = []
        for at in np.argsort(-(self.never_by_any + self.unlikely_by_any), kind="stable").tolist():
            gained = self.never_by_rule[at] + self.unlikely_by_rule[at]
            if not gained.any():
                continue
            # a customer gets one offer more, not all that the rule keeps away: the one that brings most on average
            best = int(np.argmax(np.where(gained > 0, scores, -1.0)))
            if gained[best] >= SMALLEST:
                rows.append(
                    {
                        "rule": self.rules[at],
                        "never": _shown(int(self.never_by_any[at])),
                        "unlikely": _shown(int(self.unlikely_by_any[at])),
                        "offer": self.offers[best],
                        "would_get_it": int(gained[best]),
                        "gain": float(gained[best] * scores[best]),
                    }
                )
        return {"customers": self.customers, "never": self.never, "unlikely": self.unlikely, "rules": rows}


def _shown(count: int) -> int | None:
    return None if 0 < count < SMALLEST else count


def _only_rule(rejections: pa.Table, rules: int) -> tuple[Counts, NDArray[np.bool_]]:
    """Return the rule of each rejected candidate, and whether it is the only one that failed; shape (n,) each."""
    rule, failed = np.zeros(len(rejections), dtype=np.int64), np.zeros(len(rejections), dtype=np.int64)
    for word in range((rules + _WORD - 1) // _WORD):
        bits = rejections[f"failed_{word}"].to_numpy().astype(np.uint64)
        failed += np.bitwise_count(bits).astype(np.int64)
        lowest = bits & (~bits + np.uint64(1))
        set_here = lowest > 0
        # a power of two is exact as a float
        rule[set_here] = word * _WORD + np.log2(lowest[set_here].astype(np.float64)).astype(np.int64)
    return rule, failed == 1


def _by_rule(customer: Counts, rule: Counts, offer: NDArray[Any], rules: int, offers: int) -> tuple[Counts, Counts]:
    """Count customers by rule and offer, and by rule, each once."""
    cells = np.unique(customer * rules * offers + rule * offers + offer.astype(np.int64)) % (rules * offers)
    lines = np.unique(customer * rules + rule) % rules
    return (
        np.bincount(cells, minlength=rules * offers).reshape(rules, offers).astype(np.int64),
        np.bincount(lines, minlength=rules).astype(np.int64),
    )
