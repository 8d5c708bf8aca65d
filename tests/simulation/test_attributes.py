"""Attributes on file: refusals, preferences and duties, as the customers' source delivers them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.compute as pc

from tests.simulation.demo_bank import Simulated


def deliveries(simulated: Simulated) -> list[dict[str, Any]]:
    """Return rows of the customers' source, by customer and day."""
    order = [("customer", "ascending"), ("valid_from", "ascending")]
    rows: list[dict[str, Any]] = simulated.rows("customers").sort_by(order).to_pylist()
    return rows


def test_some_refuse_automated_decisions_and_about_half_say_where_they_like_to_be_met(simulated: Simulated) -> None:
    last = {row["customer"]: row for row in deliveries(simulated)}.values()
    assert 0.02 < np.mean([row["refuses_automated_decisions"] for row in last]) < 0.045
    preferred = [row["preferred_channel"] for row in last]
    assert 0.4 < preferred.count(None) / len(preferred) < 0.5
    shares = {channel: preferred.count(channel) / len(preferred) for channel in set(preferred) - {None}}
    assert shares.keys() == {"app", "web", "email", "push", "branch", "call_centre"}
    assert max(shares, key=lambda channel: shares[channel]) == "app"
    assert min(shares.values()) > 0.02


def test_who_names_a_channel_likes_it_more_than_others_do(simulated: Simulated) -> None:
    preferred = {row["customer"]: row["preferred_channel"] for row in deliveries(simulated)}
    traits = simulated.truth("customers")
    ids = traits["customer_id"].to_pylist()
    for channel in ("app", "email", "call_centre"):
        liking = traits[f"affinity_{channel}"].to_numpy()
        named = np.array([preferred[customer] == channel for customer in ids])
        margin = 2.58 * np.sqrt(liking[named].var() / named.sum() + liking[~named].var() / (~named).sum())
        assert liking[named].mean() - liking[~named].mean() > margin, channel


def test_a_customer_is_delivered_once_a_day_at_most(simulated: Simulated) -> None:
    for before, after in pairwise(deliveries(simulated)):
        assert (before["customer"], before["valid_from"]) != (after["customer"], after["valid_from"])


def test_duties_fall_due_and_are_done(simulated: Simulated) -> None:
    for duty in ("documents_due", "card_terms_due"):
        steps = [
            (before[duty], after[duty])
            for before, after in pairwise(deliveries(simulated))
            if before["customer"] == after["customer"] and before[duty] != after[duty]
        ]
        assert steps.count((False, True)) >= steps.count((True, False)) > 0, duty


def test_whoever_is_brought_comes_after_whoever_brings_them(simulated: Simulated) -> None:
    traits = simulated.truth("customers").select(["customer_id", "arrived_at", "referred_by"]).to_pylist()
    arrived = {row["customer_id"]: row["arrived_at"] for row in traits}
    brought = [row for row in traits if row["referred_by"] is not None]
    assert brought
    assert all(row["arrived_at"] > arrived[row["referred_by"]] for row in brought)
    put = simulated.truth("presentations")
    accepted = put.filter(pc.and_(pc.equal(put["offer"], "recommend_a_friend"), put["accepted"]))
    assert {row["referred_by"] for row in brought} <= set(accepted["customer_id"].to_pylist())
    assert len(arrived) == simulated.report.customers == 2000 + len(brought)
