"""Tonight's contacts as a table that channels can deliver: who, where, when, with what."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from decisioning.plan.contact_options import ContactOptions
from decisioning.policies.compiled import CompiledPolicy

CONTACTS = "contacts"
"""Folder of a run's contacts, a file a part."""

PLAN = "plan.json"
"""In a run's folder, written when its contacts are all there: prices, what is used of budgets, counts of contacts."""

SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "channel": pa.string(),
        "contact_at": pa.timestamp("us", "UTC"),
        "offer": pa.string(),
        "treatment": pa.string(),
        "slot": pa.string(),
        "priority_before_prices": pa.float64(),
        "plan_probability": pa.float64(),
        "decision_id": pa.string(),
    }
)


def planned_contacts(
    policy: CompiledPolicy,
    offers: pa.Table,
    customers: NDArray[np.object_],
    wishes: ContactOptions,
    chosen: NDArray[np.int32],
) -> pa.Table:
    """List the contacts of a part, in the order of its customers.

    Args:
        policy: Whose candidates the wishes name.
        offers: Of `decisioning.reporting.tables.ranked_offers`, for the same customers: where their decisions' ids are.
        customers: Shape (n,), ids.
        wishes: Of these customers.
        chosen: Shape (n,), which of a customer's contacts is made; -1 for none.
    """
    first = offers.filter(pc.equal(offers["rank"], 1)).to_pylist()
    decided = {(row["customer_id"], row["channel"]): (row["decision_id"], row["as_of"]) for row in first}
    rows = []
    for place in np.flatnonzero(chosen >= 0).tolist():
        which = int(chosen[place])
        probability = wishes.probabilities[place, which]
        offer, treatment = policy.candidates.pairs[int(wishes.candidates[place, which])]
        decision_id, as_of = decided[str(customers[place]), treatment.channel]
        rows.append(
            {
                "customer_id": str(customers[place]),
                "channel": treatment.channel,
                "contact_at": contact_time(policy, treatment.channel, as_of),
                "offer": offer.name,
                "treatment": treatment.message,
                "slot": treatment.slot,
                "priority_before_prices": float(wishes.gains[place, which]),
                "plan_probability": None if np.isnan(probability) else float(probability),
                "decision_id": decision_id,
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)


def contact_time(policy: CompiledPolicy, channel: str, as_of: datetime) -> datetime:
    """Say when an outbound contact goes out that is decided at a moment: at its channel's hour, or at once after it."""
    local = as_of.astimezone(policy.time_zone)
    hour = policy.policy.outbound[channel]
    return as_of if local.hour >= hour else local.replace(hour=hour, minute=0, second=0, microsecond=0)
