"""Outcomes of offers in the event log: events that any customer can have, with their worth, less those undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.offer import Offer
from domain.outcome import CountsAs
from expressions.types import Array

DAY: Final = np.timedelta64(24 * 3600 * 1_000_000, "us")


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeEvents:
    """Outcome events in the order of the log, without those that were undone.

    Attributes:
        customer_ids: Shape (n,), Arrow strings.
        occurred_at: Shape (n,), datetime64[us], UTC.
        value: Shape (n,), in the bank's currency; NaN where no offer says it.
        slot: Shape (n,): of the events of one slot and customer, one counts within `window`; -1 if each counts.
        window: Shape (n,), timedelta64[us].
        of_offer: Offer -> mask of its events, shape (n,).
    """

    customer_ids: pa.Array
    occurred_at: NDArray[np.datetime64]
    value: Array
    slot: NDArray[np.int64]
    window: NDArray[np.timedelta64]
    of_offer: Mapping[str, NDArray[np.bool_]]


def outcome_types(offers: Sequence[Offer]) -> tuple[str, ...]:
    """Return the event types that `outcome_events` reads."""
    declared = [offer.counts_as for offer in offers if offer.counts_as is not None]
    return tuple(dict.fromkeys(name for one in declared for name in (*one.types, *one.reversed_by)))


def longest_reversal(offers: Sequence[Offer]) -> np.timedelta64:
    """Return how long it takes until every outcome can no longer be undone."""
    declared = [offer.counts_as for offer in offers if offer.counts_as is not None]
    return max((one.reversed_within_days for one in declared if one.reversed_by), default=0) * DAY


def window_days(offer: Offer) -> int:
    """Return the days after an offer in which events count for it."""
    declared = offer.counts_as
    within = None if declared is None else declared.within_days
    return offer.response_window_days if within is None else within


def products_of(offer: Offer) -> tuple[str, ...]:
    """Return the product families of an offer's outcome; empty for any."""
    assert offer.counts_as is not None, "an offer with an outcome"
    if offer.counts_as.products is not None:
        return offer.counts_as.products
    return () if offer.product is None else (offer.product,)


def outcome_events(events: pa.Table, offers: Sequence[Offer], until: datetime) -> OutcomeEvents:
    """Find the outcomes of offers.

    An event has one worth, whichever offers it counts for: that of the first offer that says one.

    Args:
        events: Log rows of `outcome_types`, columns customer_id, occurred_at, available_at, type, product, amount.
        offers: The catalogue.
        until: Time of the last knowledge; events that became available then or later are left out.
    """
    known = events.filter(pc.less(events["available_at"], pa.scalar(until, events["available_at"].type)))
    kind, product = known["type"].cast(pa.string()), known["product"].cast(pa.string())
    amount = known["amount"].fill_null(0.0).to_numpy()
    count = len(known)
    value, window = np.full(count, np.nan), np.zeros(count, dtype="timedelta64[us]")
    slot, undone = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=bool)
    products = product.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    owner = known["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    place = owner.astype(np.int64) * (int(products.max(initial=-1)) + 2) + products + 1
    at = known["occurred_at"].to_numpy().astype("datetime64[us]")
    masks: dict[str, NDArray[np.bool_]] = {}
    for offer in offers:
        declared = offer.counts_as
        if declared is None:
            continue
        there = _within(product, products_of(offer))
        masks[offer.name] = mine = _within(kind, declared.types) & there
        if declared.value is None:
            continue
        new = mine & np.isnan(value)
        value[new] = declared.value * (amount[new] if declared.per == "amount" else 1.0)
        window[new] = window_days(offer) * DAY
        if declared.per == "event":
            slot[new] = products[new] + 1 + (int(products.max(initial=-1)) + 2) * len(masks)
        if declared.reversed_by:
            undone[new] |= _undone(declared, at, place, new, _within(kind, declared.reversed_by) & there)
    kept = np.logical_or.reduce([np.zeros(count, dtype=bool), *masks.values()]) & ~undone
    return OutcomeEvents(
        known["customer_id"].cast(pa.string()).combine_chunks().filter(pa.array(kept)),
        at[kept],
        value[kept],
        slot[kept],
        window[kept],
        {name: mask[kept] for name, mask in masks.items()},
    )


def value_by_customer(
    outcomes: OutcomeEvents, customers: pa.Array, since: np.datetime64, until: np.datetime64
) -> Array:
    """Add up what the outcomes of a period were worth for each customer, 0 for customers without any.

    Args:
        outcomes: Outcomes of these customers and perhaps others.
        customers: Distinct ids, Arrow strings, shape (n,).
        since: Start of the period, microseconds UTC.
        until: Its end, not included.

    Returns:
        Shape (n,).
    """
    position = pc.index_in(outcomes.customer_ids, value_set=customers).fill_null(-1).to_numpy(zero_copy_only=False)
    counts = (outcomes.occurred_at >= since) & (outcomes.occurred_at < until) & (position >= 0)
    rows = np.flatnonzero(counts & np.isfinite(outcomes.value))
    once = rows[outcomes.slot[rows] >= 0]
    block = (outcomes.occurred_at[once] - since) // np.maximum(outcomes.window[once], DAY)
    _, first = np.unique(np.stack([position[once], outcomes.slot[once], block]), axis=1, return_index=True)
    counted = np.concatenate([once[first], rows[outcomes.slot[rows] < 0]])
    total: Array = np.bincount(position[counted], outcomes.value[counted], len(customers)).astype(np.float64)
    return total


def value_after(
    outcomes: OutcomeEvents, offer: Offer, customers: pa.Array, presented_at: NDArray[np.datetime64]
) -> Array:
    """Return what the outcomes of an offer within its window after each impression were worth.

    Args:
        outcomes: Outcomes of all offers.
        offer: The offer, which declares `counts_as`.
        customers: Customer of each impression, Arrow strings, shape (n,).
        presented_at: Moment of each impression, shape (n,).

    Returns:
        Shape (n,): the first event's worth, or the sum where the worth is that of amounts; 0 without an event.
    """
    assert offer.counts_as is not None, "an offer with an outcome"
    mine = outcomes.of_offer[offer.name] & np.isfinite(outcomes.value)
    ids = pa.chunked_array([outcomes.customer_ids.filter(pa.array(mine)), customers]).combine_chunks()
    owner = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    had, asked = owner[: mine.sum()], owner[mine.sum() :]
    ends = presented_at + window_days(offer) * DAY
    first, last = _span(had, outcomes.occurred_at[mine], asked, presented_at, ends)
    order = np.lexsort((outcomes.occurred_at[mine], had))
    sums = np.concatenate([[0.0], np.cumsum(outcomes.value[mine][order])])
    if offer.counts_as.per == "event":
        last = np.minimum(last, first + 1)
    found: Array = sums[last] - sums[first]
    return found


def _span(
    owner: NDArray[np.int64],
    at: NDArray[np.datetime64],
    asked: NDArray[np.int64],
    after: NDArray[np.datetime64],
    until: NDArray[np.datetime64],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each asked owner's events after a moment begin, and where those after another one begin.

    Positions are those of the events in the order of owner and time.
    """
    times, ranks = np.unique(np.concatenate([at, after, until]), return_inverse=True)
    size, n, m = len(times), len(at), len(after)
    keys = np.sort(owner * size + ranks[:n])
    return (
        np.searchsorted(keys, asked * size + ranks[n : n + m], side="right"),
        np.searchsorted(keys, asked * size + ranks[n + m :], side="right"),
    )


def _undone(
    declared: CountsAs,
    at: NDArray[np.datetime64],
    place: NDArray[np.int64],
    mine: NDArray[np.bool_],
    reversal: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which of the events another one of the same customer and product has undone, shape (events,)."""
    ends = at[mine] + declared.reversed_within_days * DAY
    first, last = _span(place[reversal], at[reversal], place[mine], at[mine], ends)
    undone: NDArray[np.bool_] = last > first
    return undone


def _within(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return the rows with one of the names; all rows for no names."""
    if not names:
        return np.ones(len(column), dtype=bool)
    found: NDArray[np.bool_] = pc.is_in(column, value_set=pa.array(names, pa.string())).to_numpy().astype(bool)
    return found
