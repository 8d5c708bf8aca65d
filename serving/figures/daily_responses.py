"""Responses by day: how often each offer was presented and accepted, by channel, stage and class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.offer import Offer, OfferClass
from features.calendar import Calendar
from features.responses import Responses


class Group(StrEnum):
    """Groups of contacts whose acceptance rates must not be mixed."""

    INBOUND = "inbound"
    """Presented when the customer came to the bank."""
    OUTBOUND = "outbound"
    """Sent by the bank."""
    MANDATORY = "mandatory"
    """Owed to the customer, in any channel: nobody chose to present it."""


NO_STAGE: Final = "none"

SCHEMA: Final = pa.schema(
    {
        "day": pa.date32(),
        "group": pa.string(),
        "offer": pa.string(),
        "channel": pa.string(),
        "stage": pa.string(),
        "presented": pa.int64(),
        "matured": pa.int64(),
        "accepted": pa.int64(),
    }
)
"""`presented`: impressions; `matured`: those whose response window is over; `accepted`: those of the matured that were
accepted within it. An acceptance rate is `accepted` over `matured`."""

KEYS: Final = ("day", "group", "offer", "channel", "stage")
_COUNTS: Final = ("presented", "matured", "accepted")


def daily_responses(
    found: Responses, stages: pa.Table, offers: Sequence[Offer], outbound: Collection[str], calendar: Calendar
) -> pa.Table:
    """Count impressions and acceptances by local day, group, offer, channel and stage.

    Args:
        found: Responses of some customers.
        stages: `features.journey.lifecycle.stage_history` of the same customers.
        offers: The catalogue.
        outbound: Channels in which the bank contacts customers.
        calendar: The bank's local days.

    Returns:
        A table of `SCHEMA`, ordered by its keys; tables of different customers can be concatenated and added up.
    """
    if not len(found):
        return SCHEMA.empty_table()
    moments = found.presented_at.astype(np.int64)
    mandatory = [offer.name for offer in offers if offer.offer_class == OfferClass.MANDATORY]
    group = np.where(np.isin(found.channel.astype(str), sorted(outbound)), Group.OUTBOUND.value, Group.INBOUND.value)
    group = np.where(np.isin(found.offer.astype(str), mandatory), Group.MANDATORY.value, group)
    days = calendar.day_index(moments) - calendar.day_of(_EPOCH_DAY)
    table = pa.table(
        {
            "day": pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32()),
            "group": pa.array(group.tolist(), pa.string()),
            "offer": pa.array(found.offer.tolist(), pa.string()),
            "channel": pa.array([channel or "" for channel in found.channel.tolist()], pa.string()),
            "stage": pa.array(_stage_at(found, stages), pa.string()),
            "presented": pa.array(np.ones(len(found), dtype=np.int64)),
            "matured": pa.array(found.matured.astype(np.int64)),
            "accepted": pa.array((found.matured & found.accepted).astype(np.int64)),
        }
    )
    return added_up(table, KEYS)


def added_up(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Add up the counts over everything except some keys; rows are ordered by them.

    Example:
        >>> row = {"day": None, "group": "inbound", "offer": "loan", "channel": "app", "stage": "growth"}
        >>> table = pa.Table.from_pylist([{**row, "presented": 3, "matured": 2, "accepted": 1}] * 2, SCHEMA)
        >>> added_up(table, ["offer"]).to_pylist()
        [{'offer': 'loan', 'presented': 6, 'matured': 4, 'accepted': 2}]
    """
    grouped = table.group_by(list(keys)).aggregate([(name, "sum") for name in _COUNTS])
    sums = {name: grouped[f"{name}_sum"].fill_null(0) for name in _COUNTS}  # over no rows a sum is null
    whole = pa.table({**{key: grouped[key] for key in keys}, **sums})
    return whole.sort_by([(key, "ascending") for key in keys]) if keys else whole


def _stage_at(found: Responses, stages: pa.Table) -> list[str]:
    """Return each customer's stage when the offer was presented."""
    if not len(stages):
        return [NO_STAGE] * len(found)
    ids = pa.concat_arrays(
        [pa.array(found.customer_ids.tolist(), pa.string()), stages["customer_id"].cast(pa.string()).combine_chunks()]
    )
    customer = ids.dictionary_encode().indices.to_numpy().astype(np.int64)
    here, known = customer[: len(found)], customer[len(found) :]
    entered = stages["entered_at"].cast(pa.int64()).to_numpy()
    order = np.lexsort((entered, known))
    place = _last_not_after(known[order], entered[order], here, found.presented_at.astype(np.int64))
    names = stages["stage"].to_pylist()
    return [NO_STAGE if at < 0 else names[order[at]] for at in place.tolist()]


def _last_not_after(
    known: NDArray[np.int64], moments: NDArray[np.int64], customer: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the position of the last row of the same customer that is not after a moment; -1 for none."""
    times, ranks = np.unique(np.concatenate([moments, at]), return_inverse=True)
    size = len(times)
    keys = known * size + ranks[: len(moments)]
    found = np.searchsorted(keys, customer * size + ranks[len(moments) :], side="right") - 1
    same = (found >= 0) & (known[np.maximum(found, 0)] == customer)
    return np.where(same, found, -1).astype(np.int64)


_EPOCH_DAY: Final = datetime(1970, 1, 1).date()  # noqa: DTZ001 - a calendar day
