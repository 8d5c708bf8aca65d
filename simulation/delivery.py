"""Tables as the bank's systems deliver them, one for each source, in order of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulation.columns import amounts, customer_ids, decision_ids, instants, names, numbered, wall_clock, with_offset
from simulation.journal import Columns
from simulation.market import (
    ANSWERS,
    BOOKINGS,
    CHANNELS,
    INCOME_BANDS,
    LEVELS,
    PREFERRED_CHANNELS,
    PRODUCT_NAMES,
    REGIONS,
    SEGMENTS,
    TOUCHPOINTS,
    IntArray,
)
from simulation.world import World


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The delivery of one source.

    Attributes:
        table: All rows, in order.
        days: Day of delivery of each row.
    """

    table: pa.Table
    days: IntArray


def core_banking(world: World) -> SourceFiles:
    """Return bookings, in order of delivery."""
    rows = _kept(world, world.journal.bookings.columns(), "delivered")
    table = pa.table(
        {
            "booking_id": numbered("B", np.arange(len(rows["at"])), 9),
            "client": customer_ids(rows["customer"]),
            "booked_at": instants(rows["at"]),
            "delivered_at": instants(rows["delivered"]),
            "kind": names(rows["kind"], BOOKINGS),
            "amount": amounts(rows["amount"]),
            "product": names(rows["product"], PRODUCT_NAMES),
            "channel": names(rows["channel"], CHANNELS),
        }
    )
    return SourceFiles(table, world.clock.day_of(rows["delivered"]))


def touchpoints(world: World) -> SourceFiles:
    """Return touchpoints, in local time without an offset."""
    rows = _kept(world, world.journal.touches.columns(), "at")
    table = pa.table(
        {
            "id": numbered("T", np.arange(len(rows["at"])), 9),
            "customer": customer_ids(rows["customer"]),
            "time": wall_clock(world.clock.local(rows["at"])),
            "event": names(rows["kind"], TOUCHPOINTS),
            "channel": names(rows["channel"], CHANNELS),
            "product": names(rows["product"], PRODUCT_NAMES),
            "score": amounts(rows["score"]),
        }
    )
    return SourceFiles(table, world.clock.day_of(rows["at"]))


def contact_history(world: World) -> SourceFiles:
    """Return presented offers with the probability of their choice, and the responses, each citing its decision."""
    rows = _kept(world, world.contacts.answers.contacts.columns(), "at")
    local = world.clock.local(rows["at"])
    offers = tuple(offer.name for offer in world.offers)
    families = tuple(offer.product or "" for offer in world.offers)
    family = names(rows["offer"], families)
    table = pa.table(
        {
            "id": numbered("K", np.arange(len(rows["at"])), 9),
            "customer_id": customer_ids(rows["customer"]),
            "at": with_offset(local, rows["at"]),
            "event": names(rows["kind"], ANSWERS),
            "channel": names(rows["channel"], CHANNELS),
            "family": pc.if_else(pc.equal(family, ""), None, family),
            "decision": decision_ids(rows["decision"]),
            "offer": names(rows["offer"], offers),
            "chance": amounts(rows["selection_probability"].round(6)),
        }
    )
    return SourceFiles(table, world.clock.day_of(rows["at"]))


def customers(world: World) -> SourceFiles:
    """Return attributes of customers, a row for each change."""
    rows = world.attributes.records.columns()
    order = np.lexsort((rows["customer"], rows["day"]))
    rows = {name: values[order] for name, values in rows.items()}
    words = {"region": REGIONS, "segment": SEGMENTS, "risk_tolerance": LEVELS, "income_band": INCOME_BANDS}
    words["preferred_channel"] = PREFERRED_CHANNELS
    columns: dict[str, pa.Array] = {
        "customer": customer_ids(rows["customer"]),
        "valid_from": wall_clock(world.clock.local(world.clock.midnights[rows["day"]])),
    }
    for name, values in rows.items():
        if name in words:
            columns[name] = names(values, words[name])
        elif values.dtype == np.bool_:
            columns[name] = names(values.astype(np.int8), ("false", "true"))
        elif name not in ("customer", "day"):
            columns[name] = pa.array(values)
    return SourceFiles(pa.table(columns), rows["day"].astype(np.int64))


def _kept(world: World, rows: Columns, delivered: str) -> Columns:
    """Drop rows delivered after the end or dated after the customer left; sort the rest by delivery."""
    last = world.state.left_at[rows["customer"]]
    kept = np.flatnonzero((rows[delivered] < world.clock.end) & (rows["at"] < world.clock.end) & (rows["at"] <= last))
    keys: list[NDArray[Any]] = [rows[name][kept] for name in ("kind", "customer", "at")]
    if delivered != "at":
        keys.append(rows[delivered][kept])
    order = kept[np.lexsort(keys)]
    return {name: values[order] for name, values in rows.items()}
