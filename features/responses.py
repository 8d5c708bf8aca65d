"""Responses: impressions of offers matched with the customers' acceptances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError
from domain.offer import Offer
from events.vocabulary import ContactEvents, Vocabulary
from features.moments import Moments, utc_microseconds

_DAY = np.timedelta64(24 * 3600 * 1_000_000, "us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """Impressions of offers in time order, each with its outcome.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        presented_at: Shape (n,), datetime64[us], UTC: the moment as of which features are taken.
        offer: Shape (n,), object array of str, each an offer of the catalogue.
        channel: Shape (n,), object array of str; None where the log has none.
        decision_id: Shape (n,), object array of str or None.
        selection_probability: Shape (n,): with what probability the offer was chosen; NaN where no source records it.
        accepted: Shape (n,), bool: accepted within the offer's response window.
        answered_at: Shape (n,), datetime64[us], time of the first acceptance; NaT without one.
        known_at: Shape (n,), datetime64[us]: `presented_at` plus the response window, when "no" is final.
        matured: Shape (n,), bool: whether that moment has passed.
        counts: Rows left out or not matched: `retired_offer`, `without_offer` (impressions), `unmatched`
            (acceptances without an earlier impression), `late` (acceptances after the window).
    """

    customer_ids: NDArray[np.object_]
    presented_at: NDArray[np.datetime64]
    offer: NDArray[np.object_]
    channel: NDArray[np.object_]
    decision_id: NDArray[np.object_]
    selection_probability: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    answered_at: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    matured: NDArray[np.bool_]
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def moments(self) -> Moments:
        """Customers and moments whose features are needed to learn from these impressions."""
        return Moments(self.customer_ids, self.presented_at)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Responses:
        """Return the rows at some positions or under a mask; the counts stay those of the whole."""
        return Responses(
            customer_ids=self.customer_ids[rows],
            presented_at=self.presented_at[rows],
            offer=self.offer[rows],
            channel=self.channel[rows],
            decision_id=self.decision_id[rows],
            selection_probability=self.selection_probability[rows],
            accepted=self.accepted[rows],
            answered_at=self.answered_at[rows],
            known_at=self.known_at[rows],
            matured=self.matured[rows],
            counts=self.counts,
        )


def responses(events: pa.Table, vocabulary: Vocabulary, offers: tuple[Offer, ...], until: datetime) -> Responses:
    """Match impressions with their acceptances, as declared in the vocabulary's `contacts`.

    An acceptance belongs to the latest impression of the same offer to the same customer at or before it; with
    attribution by `decision_id`, also of the same decision. It counts up to and including the end of the response
    window, and only if it was available before `until`.

    Args:
        events: Log rows of the contact types, in any order; columns customer_id, occurred_at, available_at, type,
            channel, properties, decision_id.
        vocabulary: Its `contacts` name the event types and the attribution.
        offers: The catalogue; impressions of other offers are counted as retired.
        until: Time of the last knowledge.

    Raises:
        DataError: If the bank's vocabulary has no contacts.
    """
    contacts = vocabulary.contacts
    if contacts is None:
        raise DataError("this bank's vocabulary has no contacts", remedy="fill `contacts` in events.yaml")
    known = pc.less(events.column("available_at"), pa.scalar(until, events.column("available_at").type))
    visible = events.filter(known)
    presented, answers = _of(visible, contacts.presented, contacts), _of(visible, contacts.accepted, contacts)
    place = pc.index_in(
        pa.array(presented.offer, pa.string()), value_set=pa.array([offer.name for offer in offers], pa.string())
    )
    position = place.fill_null(-1).to_numpy(zero_copy_only=False)
    nameless = _missing(presented.offer)
    counts = {"retired_offer": int(((position < 0) & ~nameless).sum()), "without_offer": int(nameless.sum())}
    presented = presented.take(position >= 0)
    windows = np.array([offer.response_window_days for offer in offers], dtype=np.int64)
    known_at = presented.occurred_at + windows[position[position >= 0]] * _DAY

    impression = _latest_before(presented, answers, by_decision=contacts.attribution == "decision_id")
    matched = impression >= 0
    in_time = matched.copy()
    in_time[matched] = answers.occurred_at[matched] <= known_at[impression[matched]]
    counts |= {"unmatched": int((~matched).sum()), "late": int((matched & ~in_time).sum())}
    answered_at = np.full(len(known_at), np.datetime64("NaT"), dtype="datetime64[us]")
    # answers are in time order: written backwards, the first of several stays
    answered_at[impression[in_time][::-1]] = answers.occurred_at[in_time][::-1]
    return Responses(
        customer_ids=presented.customer_ids,
        presented_at=presented.occurred_at,
        offer=presented.offer,
        channel=presented.channel,
        decision_id=presented.decision_id,
        selection_probability=presented.selection_probability,
        accepted=~np.isnat(answered_at),
        answered_at=answered_at,
        known_at=known_at,
        matured=known_at <= utc_microseconds(until),
        counts=counts,
    )


@dataclass(frozen=True, slots=True)
class _Contacts:
    customer_ids: NDArray[np.object_]
    occurred_at: NDArray[np.datetime64]
    offer: NDArray[np.object_]
    channel: NDArray[np.object_]
    decision_id: NDArray[np.object_]
    selection_probability: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_]) -> _Contacts:
        return _Contacts(
            self.customer_ids[rows],
            self.occurred_at[rows],
            self.offer[rows],
            self.channel[rows],
            self.decision_id[rows],
            self.selection_probability[rows],
        )


def _of(events: pa.Table, event_type: str, contacts: ContactEvents) -> _Contacts:
    chosen = events.filter(pc.equal(events.column("type").cast(pa.string()), event_type))
    order = [("occurred_at", "ascending"), ("customer_id", "ascending")]
    if "event_id" in chosen.column_names:
        order.append(("event_id", "ascending"))
    chosen = chosen.sort_by(order)
    offer = pc.map_lookup(chosen.column("properties"), contacts.offer_property, "first")
    return _Contacts(
        _objects(chosen.column("customer_id")),
        chosen.column("occurred_at").to_numpy().astype("datetime64[us]"),
        _objects(offer),
        _objects(chosen.column("channel")),
        _objects(chosen.column("decision_id")),
        _numbers(chosen.column("properties"), contacts.selection_probability_property),
    )


def _numbers(properties: pa.ChunkedArray, name: str | None) -> NDArray[np.float64]:
    if name is None:
        return np.full(len(properties), np.nan)
    found = pc.map_lookup(properties, name, "first").cast(pa.float64())
    numbers: NDArray[np.float64] = found.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers


def _objects(column: pa.ChunkedArray) -> NDArray[np.object_]:
    values = np.empty(len(column), dtype=object)
    values[:] = column.cast(pa.string()).to_pylist()
    return values


def _latest_before(presented: _Contacts, answers: _Contacts, *, by_decision: bool) -> NDArray[np.int64]:
    """Return the position of the impression that each answer belongs to; -1 for none."""
    shown = len(presented.offer)
    found = np.full(len(answers.offer), -1, dtype=np.int64)
    if not shown:
        return found
    # rows that can match have the same key; within a key the latest impression up to the answer is taken
    keys = _codes(presented.customer_ids, answers.customer_ids)
    for name in ("offer", "decision_id") if by_decision else ("offer",):
        codes = _codes(getattr(presented, name), getattr(answers, name))
        keys = np.unique(keys * (codes.max() + 2) + codes + 1, return_inverse=True)[1]
    ranked, ranks = np.unique(np.concatenate([presented.occurred_at, answers.occurred_at]), return_inverse=True)
    places = keys * len(ranked) + ranks
    order = np.argsort(places[:shown], kind="stable")
    latest = np.searchsorted(places[order], places[shown:], side="right") - 1
    same = (latest >= 0) & (keys[:shown][order][latest] == keys[shown:])
    if by_decision:
        # without a decision id there is nothing to match
        same &= ~_missing(answers.decision_id)
    found[same] = order[latest[same]]
    return found


def _missing(names: NDArray[np.object_]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = pa.array(names, pa.string()).is_null().to_numpy(zero_copy_only=False)
    return missing


def _codes(presented: NDArray[np.object_], answers: NDArray[np.object_]) -> NDArray[np.int64]:
    """Encode the distinct names of both, concatenated, as numbers; -1 for none."""
    encoded = pa.array(np.concatenate([presented, answers]), pa.string()).dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
