"""What customers answered to the offers put to them."""

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
    """Impressions of offers, in the order of their time, with what came of each.

    Attributes:
        customer_ids: Shape (n,), object array of str.
        presented_at: Shape (n,), datetime64[us], UTC: the moment as of which features are taken.
        offer: Shape (n,), object array of str, each an offer of the catalogue.
        channel: Shape (n,), object array of str; None where the log has none.
        decision_id: Shape (n,), object array of str or None.
        accepted: Shape (n,), bool: accepted within the offer's response window.
        answered_at: Shape (n,), datetime64[us], of the first acceptance; NaT without one.
        known_at: Shape (n,), datetime64[us]: `presented_at` plus the response window, when "no" is final.
        matured: Shape (n,), bool: that moment has come.
        counts: What was left out or not matched: `retired_offer`, `without_offer` (impressions), `unmatched`
            (acceptances without an impression before them), `late` (acceptances after the window).
    """

    customer_ids: NDArray[np.object_]
    presented_at: NDArray[np.datetime64]
    offer: NDArray[np.object_]
    channel: NDArray[np.object_]
    decision_id: NDArray[np.object_]
    accepted: NDArray[np.bool_]
    answered_at: NDArray[np.datetime64]
    known_at: NDArray[np.datetime64]
    matured: NDArray[np.bool_]
    counts: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def moments(self) -> Moments:
        """Whose features are wanted, as of when, to learn from these impressions."""
        return Moments(self.customer_ids, self.presented_at)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Responses:
        """Keep rows by position or mask; the counts stay those of the whole."""
        return Responses(
            customer_ids=self.customer_ids[rows],
            presented_at=self.presented_at[rows],
            offer=self.offer[rows],
            channel=self.channel[rows],
            decision_id=self.decision_id[rows],
            accepted=self.accepted[rows],
            answered_at=self.answered_at[rows],
            known_at=self.known_at[rows],
            matured=self.matured[rows],
            counts=self.counts,
        )


def responses(events: pa.Table, vocabulary: Vocabulary, offers: tuple[Offer, ...], until: datetime) -> Responses:
    """Match impressions with their acceptances, as the vocabulary's `contacts` say.

    An acceptance belongs to the latest impression of the same offer to the same customer at or before it, of the
    same decision where attribution is by `decision_id`. It counts within the response window, its end included,
    and only if it was available before `until`.

    Args:
        events: Log rows of the contact types, any order; columns customer_id, occurred_at, available_at, type,
            channel, properties, decision_id.
        vocabulary: Its `contacts` name the event types and the attribution.
        offers: The catalogue; impressions of other offers are retired and counted.
        until: What is known of the world.

    Raises:
        DataError: If the bank's vocabulary has no contacts.
    """
    contacts = vocabulary.contacts
    if contacts is None:
        raise DataError("this bank's vocabulary has no contacts", remedy="fill `contacts` in events.yaml")
    known = pc.less(events.column("available_at"), pa.scalar(until, events.column("available_at").type))
    visible = events.filter(known)
    presented, answers = _of(visible, contacts.presented, contacts), _of(visible, contacts.accepted, contacts)
    windows = {offer.name: offer.response_window_days for offer in offers}
    current = np.array([name in windows for name in presented.offer], dtype=bool)
    nameless = np.array([name is None for name in presented.offer], dtype=bool)
    counts = {"retired_offer": int((~current & ~nameless).sum()), "without_offer": int(nameless.sum())}
    presented = presented.take(current)
    days = np.array([windows[str(name)] for name in presented.offer], dtype=np.int64)
    known_at = presented.occurred_at + days * _DAY

    impression = _latest_before(presented, answers, by_decision=contacts.attribution == "decision_id")
    matched = impression >= 0
    in_time = matched.copy()
    in_time[matched] = answers.occurred_at[matched] <= known_at[impression[matched]]
    counts |= {"unmatched": int((~matched).sum()), "late": int((matched & ~in_time).sum())}
    answered_at = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[us]")
    # answers are in the order of time: written backwards, the first of several stays
    answered_at[impression[in_time][::-1]] = answers.occurred_at[in_time][::-1]
    return Responses(
        customer_ids=presented.customer_ids,
        presented_at=presented.occurred_at,
        offer=presented.offer,
        channel=presented.channel,
        decision_id=presented.decision_id,
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

    def take(self, rows: NDArray[np.bool_]) -> _Contacts:
        return _Contacts(
            self.customer_ids[rows],
            self.occurred_at[rows],
            self.offer[rows],
            self.channel[rows],
            self.decision_id[rows],
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
    )


def _objects(column: pa.ChunkedArray) -> NDArray[np.object_]:
    values = np.empty(len(column), dtype=object)
    values[:] = column.cast(pa.string()).to_pylist()
    return values


def _latest_before(presented: _Contacts, answers: _Contacts, *, by_decision: bool) -> NDArray[np.int64]:
    """Position of the impression that each answer belongs to; -1 for none."""
    total = len(presented.offer)
    keys: dict[tuple[object, ...], int] = {}

    def key_of(contacts: _Contacts) -> NDArray[np.int64]:
        decisions = contacts.decision_id if by_decision else [None] * len(contacts.offer)
        tuples = zip(contacts.customer_ids, contacts.offer, decisions, strict=True)
        # without a decision there is nothing to match by: a key of its own that no other row shares
        return np.array(
            [
                keys.setdefault(key if not by_decision or key[2] is not None else (object(),), len(keys))
                for key in tuples
            ],
            dtype=np.int64,
        )

    impression_keys, answer_keys = key_of(presented), key_of(answers)
    order = np.lexsort((presented.occurred_at, impression_keys))
    times = np.unique(np.concatenate([presented.occurred_at, answers.occurred_at]))
    width = len(times) + 1
    places = impression_keys[order] * width + np.searchsorted(times, presented.occurred_at[order])
    wanted = answer_keys * width + np.searchsorted(times, answers.occurred_at)
    position = np.searchsorted(places, wanted, side="right") - 1
    found = np.full(len(answer_keys), -1, dtype=np.int64)
    if total:
        same = (position >= 0) & (impression_keys[order][position] == answer_keys)
        found[same] = order[position[same]]
    return found
