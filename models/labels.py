"""Churn labels: what became of customers after a moment, when that is known, and whether there are enough of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, ModelError, nearest
from events.vocabulary import Vocabulary
from expressions.types import Array
from features.calendar import MICROSECONDS_PER_DAY, Calendar
from features.moments import Moments, utc_microseconds
from features.responses import Responses, responses
from models.settings import ChurnLabel, Training

__all__ = ["Responses", "anchors", "churn_known_at", "churn_labels", "churn_types", "responses"]


def churn_types(label: ChurnLabel, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the event types that the label is computed from.

    Raises:
        DataError: If the vocabulary has no such group or type.
    """
    if label.kind == "inactivity":
        if label.group is None or label.group not in vocabulary.groups:
            raise DataError(
                "the churn label's group is not in the vocabulary",
                got=repr(label.group),
                expected=nearest(label.group or "", vocabulary.groups),
                remedy="correct `churn.group` in models.yaml",
            )
        return vocabulary.groups[label.group]
    for name in label.types:
        if name not in vocabulary.types:
            raise DataError(
                "an event type of the churn label is not in the vocabulary",
                got=repr(name),
                expected=nearest(name, vocabulary.types),
                remedy="correct `churn.types` in models.yaml",
            )
    if not label.types:
        raise DataError("the churn label names no event types", remedy="fill `churn.types` in models.yaml")
    return label.types


def churn_known_at(as_of: NDArray[np.datetime64], label: ChurnLabel) -> NDArray[np.datetime64]:
    """Return when the label of an anchor is complete: at the end of its horizon, in days of exactly 24 hours."""
    return _days_after(as_of, label.lead_days + label.horizon_days)


def _days_after(as_of: NDArray[np.datetime64], days: int) -> NDArray[np.datetime64]:
    microseconds = as_of.astype("datetime64[us]").astype(np.int64) + days * MICROSECONDS_PER_DAY
    return microseconds.astype("datetime64[us]")


def churn_labels(
    events: pa.Table, moments: Moments, label: ChurnLabel, vocabulary: Vocabulary, until: datetime
) -> Array:
    """Compute for every moment whether the customer churned in `(as_of + lead, as_of + lead + horizon]`.

    Days are exactly 24 hours, counted from `as_of`. Only events that were available before `until` count.

    Args:
        events: Columns customer_id, occurred_at, available_at and type of the log, in any order; event types that the
            label does not use are ignored.
        moments: Anchors, in any order.
        label: Definition of churn.
        vocabulary: Vocabulary with the event types of the label's group.
        until: Time of the last knowledge; labels that are complete only later are not mature.

    Returns:
        Shape (n,): 1.0 churned, 0.0 not, NaN not mature.

    Raises:
        DataError: If the label names a group or type that the vocabulary does not have.
    """
    counts = _counts_in_windows(_visible(events, churn_types(label, vocabulary), until), moments, label)
    happened = counts > 0
    churned = happened if label.kind == "event" else ~happened
    mature = churn_known_at(moments.as_of, label) <= utc_microseconds(until)
    return np.where(mature, churned.astype(np.float64), np.nan)


def anchors(
    first_occurred: datetime, until: datetime, training: Training, label: ChurnLabel, calendar: Calendar
) -> NDArray[np.datetime64]:
    """Return the moments for which churn is labelled: local midnights of a fixed grid, up to the last mature label.

    The grid does not move with `until`, so features computed for an anchor can be reused.

    Returns:
        Shape (k,), datetime64[us] UTC, ascending, `anchors_every_days` local days apart counted from 1970-01-01; none
        is before the first event plus `history_days`. It may be empty.
    """
    latest = until - timedelta(days=label.lead_days + label.horizon_days)
    earliest = first_occurred + timedelta(days=training.history_days)
    if latest < earliest:
        return np.empty(0, dtype="datetime64[us]")
    first, last = calendar.day_index(np.array([_microseconds(earliest), _microseconds(latest)], dtype=np.int64))
    every = training.anchors_every_days
    days = np.arange(first + -first % every, last + 1, every, dtype=np.int64)
    midnights = calendar.beginning(days)
    return midnights[midnights >= _microseconds(earliest)].astype("datetime64[us]")


def _microseconds(moment: datetime) -> int:
    return int(utc_microseconds(moment).astype(np.int64))


def _visible(events: pa.Table, types: tuple[str, ...], until: datetime) -> pa.Table:
    wanted = pc.is_in(events.column("type").cast(pa.string()), value_set=pa.array(types, pa.string()))
    known = pc.less(events.column("available_at"), pa.scalar(until, events.column("available_at").type))
    return events.select(["customer_id", "occurred_at"]).filter(pc.and_(wanted, known))


def _counts_in_windows(events: pa.Table, moments: Moments, label: ChurnLabel) -> NDArray[np.int64]:
    # an event's place is customer * (distinct times + 1) + rank of its time, so one sorted array serves
    # all customers; ranks instead of microseconds keep the product within 64 bits for any log
    distinct = pc.unique(events.column("customer_id"))
    customers = pc.index_in(events.column("customer_id"), value_set=distinct).to_numpy().astype(np.int64)
    asked = pc.index_in(pa.array(moments.customer_ids, pa.string()), value_set=distinct)
    asked_customers = asked.fill_null(len(distinct)).to_numpy(zero_copy_only=False).astype(np.int64)
    times = events.column("occurred_at").to_numpy().astype("datetime64[us]")
    ranked, ranks = np.unique(times, return_inverse=True)
    width = len(ranked) + 1
    places = np.sort(customers * width + ranks)

    def events_up_to(upper: NDArray[np.datetime64]) -> NDArray[np.int64]:
        before = asked_customers * width + np.searchsorted(ranked, upper, side="right")
        counts: NDArray[np.int64] = np.searchsorted(places, before, side="left").astype(np.int64)
        return counts

    opening, closing = _days_after(moments.as_of, label.lead_days), churn_known_at(moments.as_of, label)
    counts: NDArray[np.int64] = events_up_to(closing) - events_up_to(opening)
    return counts


LEAST_OF_EACH = 20
"""Minimum rows of each outcome; with fewer, a model would only learn noise."""


def check_labels(y: Array, meaning: str) -> None:
    """Reject labels of a single class, or with too few rows of one.

    Args:
        y: Labels, 1.0 and 0.0, shape (n,).
        meaning: What 1.0 means, such as `churned`.

    Raises:
        ModelError: If there are too few rows of either outcome.
    """
    positives = int(y.sum())
    negatives = len(y) - positives
    if min(positives, negatives) < LEAST_OF_EACH:
        raise ModelError(
            f"too few rows to learn who {meaning}",
            got=f"{positives} who {meaning} and {negatives} who have not, among {len(y)}",
            expected=f"at least {LEAST_OF_EACH} of each",
            remedy="check the label's definition in models.yaml, or bring more history",
        )
