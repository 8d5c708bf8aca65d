"""Planned contacts of a batch run as a table for delivery: who, where, when, with what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from decisioning.plan.contact_options import ContactOptions
from decisioning.policies.compiled import CompiledPolicy

CONTACTS = "contacts"
"""Folder of a run's contacts, one file per part."""

PLAN = "plan.json"
"""File in a run's folder, written when all contacts are: prices, planned use of budgets, numbers of contacts."""

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
    contact_options: ContactOptions,
    chosen: NDArray[np.int32],
    zones: Sequence[str | None],
) -> pa.Table:
    """Return the contacts of a part, in the order of its customers.

    Args:
        policy: Policy with the candidates that the options name.
        offers: `decisioning.reporting.tables.ranked_offers` of the same customers, with their decision ids.
        customers: Customer ids, shape (n,).
        contact_options: Contact options of these customers.
        chosen: Which of a customer's options is chosen, shape (n,); -1 for none.
        zones: Time zone of each customer, None where unknown or not declared.
    """
    first = offers.filter(pc.equal(offers["rank"], 1)).to_pylist()
    decided = {(row["customer_id"], row["channel"]): (row["decision_id"], row["as_of"]) for row in first}
    rows, times = [], policy.names.contact_times
    for place in np.flatnonzero(chosen >= 0).tolist():
        which = int(chosen[place])
        probability = contact_options.probabilities[place, which]
        offer, treatment = policy.candidates.pairs[int(contact_options.candidates[place, which])]
        decision_id, as_of = decided[str(customers[place]), treatment.channel]
        rows.append(
            {
                "customer_id": str(customers[place]),
                "channel": treatment.channel,
                "contact_at": times.contact_at(as_of, policy.policy.outbound[treatment.channel], zones[place]),
                "offer": offer.name,
                "treatment": treatment.message,
                "slot": treatment.slot,
                "priority_before_prices": float(contact_options.gains[place, which]),
                "plan_probability": None if np.isnan(probability) else float(probability),
                "decision_id": decision_id,
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)
