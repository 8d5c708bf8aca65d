"""Simulated customers behave like a bank's customers."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.simulation.demo_bank import ZONE, Simulated

CONSENTS = {"email": "consent_email", "push": "consent_push", "call_centre": "consent_call"}
REASONS = {"documents_renewal": "documents_due", "card_terms": "card_terms_due", "payment_deferral": "hardship"}


def test_nobody_is_mailed_pushed_or_called_without_consent(simulated: Simulated) -> None:
    history: dict[str, list[tuple[datetime, dict[str, bool]]]] = defaultdict(list)
    for row in simulated.rows("customers").to_pylist():
        given = {channel: row[consent] for channel, consent in CONSENTS.items()}
        history[row["customer"]].append((datetime.fromisoformat(row["valid_from"]).replace(tzinfo=ZONE), given))
    contacts = simulated.rows("contact_history")
    outbound = contacts.filter(
        pc.and_(pc.equal(contacts["event"], "offer_presented"), pc.is_in(contacts["channel"], pa.array(list(CONSENTS))))
    )
    assert len(outbound) > 1000
    for row in outbound.to_pylist():
        at = datetime.fromisoformat(row["at"])
        known = [given for since, given in history[row["customer_id"]] if since <= at]
        assert known[-1][row["channel"]], row


def test_care_is_offered_only_to_those_whose_file_gives_a_reason(simulated: Simulated) -> None:
    history: dict[str, list[tuple[datetime, dict[str, object]]]] = defaultdict(list)
    for row in simulated.rows("customers").to_pylist():
        history[row["customer"]].append((datetime.fromisoformat(row["valid_from"]).replace(tzinfo=ZONE), row))
    contacts = simulated.rows("contact_history")
    of_care = pc.is_in(contacts["offer"], pa.array(list(REASONS)))
    seen = set()
    for row in contacts.filter(pc.and_(pc.equal(contacts["event"], "offer_presented"), of_care)).to_pylist():
        at = datetime.fromisoformat(row["at"])
        known = [file for since, file in history[row["customer_id"]] if since <= at]
        assert known[-1][REASONS[row["offer"]]], row
        seen.add(row["offer"])
    assert seen == REASONS.keys()


def test_acceptance_rates_are_those_of_a_bank(simulated: Simulated) -> None:
    report = simulated.report
    assert 0.035 <= report.acceptance_rate <= 0.065
    for offer, presented in report.presented.items():
        noise = 3 * np.sqrt(0.05 / max(presented, 1))
        assert 0.01 - noise <= report.accepted[offer] / max(presented, 1) <= 0.15 + noise, offer


def test_customers_leave_fall_quiet_and_some_come_back(simulated: Simulated) -> None:
    report = simulated.report
    assert report.happenings["LEFT"] == report.left > 0
    assert 0.02 * report.customers < report.quiet < 0.25 * report.customers
    monthly = simulated.truth("needs_and_hazards").select(["customer_id", "as_of", "quiet"]).sort_by("as_of")
    quiet: dict[str, list[bool]] = defaultdict(list)
    for row in monthly.to_pylist():
        quiet[row["customer_id"]].append(row["quiet"])
    returned = [states for states in quiet.values() if any(a and not b for a, b in pairwise(states))]
    assert len(returned) > 5


def test_whoever_left_does_nothing_afterwards(simulated: Simulated) -> None:
    core = simulated.rows("core_banking")
    ends = core.filter(pc.equal(core["kind"], "LEFT"))
    left = dict(zip(ends["client"].to_pylist(), ends["booked_at"].to_pylist(), strict=True))
    later = core.filter(pc.is_in(core["client"], pa.array(list(left))))
    assert all(row["booked_at"] <= left[row["client"]] for row in later.select(["client", "booked_at"]).to_pylist())
    for row in simulated.rows("contact_history").to_pylist():
        if row["customer_id"] in left:
            assert datetime.fromisoformat(row["at"]) <= left[row["customer_id"]]


def test_a_product_is_never_closed_more_often_than_opened(simulated: Simulated) -> None:
    core = simulated.rows("core_banking")
    held: dict[tuple[str, str], int] = defaultdict(int)
    moves = core.filter(pc.is_in(core["kind"], pa.array(["OPEN", "CLOSE"]))).sort_by("booked_at")
    for row in moves.select(["client", "product", "kind"]).to_pylist():
        if row["client"] is not None:
            held[row["client"], row["product"]] += 1 if row["kind"] == "OPEN" else -1
            assert held[row["client"], row["product"]] >= 0, row
    assert min(held.values()) >= 0
    assert max(held.values()) <= 2


def test_every_customer_has_attributes_before_anything_happens(simulated: Simulated) -> None:
    customers = simulated.rows("customers")
    first = customers.group_by("customer").aggregate([("valid_from", "min")])
    known = dict(zip(first["customer"].to_pylist(), first["valid_from_min"].to_pylist(), strict=True))
    core = simulated.rows("core_banking")
    earliest = core.group_by("client").aggregate([("booked_at", "min")])
    for client, at in zip(earliest["client"].to_pylist(), earliest["booked_at_min"].to_pylist(), strict=True):
        if client is not None:
            assert known[client] <= at.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def test_attributes_change_over_time(simulated: Simulated) -> None:
    customers = simulated.rows("customers")
    assert len(customers) > pc.count_distinct(customers["customer"]).as_py()


def test_complaints_are_opened_and_resolved(simulated: Simulated) -> None:
    happenings = simulated.report.happenings
    assert 0 < happenings["complaint_resolved"] <= happenings["complaint_opened"]


def test_surveys_are_answered_on_their_scales(simulated: Simulated) -> None:
    touches = simulated.rows("touchpoints")
    for event, low, high in (("nps_answer", 0, 10), ("csat_answer", 1, 5)):
        scores = touches.filter(pc.equal(touches["event"], event))["score"]
        assert len(scores) > 50
        assert low <= pc.min(scores).as_py() < pc.max(scores).as_py() <= high


def test_recommendation_follows_latent_satisfaction(simulated: Simulated) -> None:
    truth = simulated.truth("needs_and_hazards").group_by("customer_id").aggregate([("satisfaction", "mean")])
    satisfaction = dict(zip(truth["customer_id"].to_pylist(), truth["satisfaction_mean"].to_pylist(), strict=True))
    touches = simulated.rows("touchpoints")
    answers = touches.filter(pc.equal(touches["event"], "nps_answer")).select(["customer", "score"]).to_pylist()
    pairs = np.array([(satisfaction[a["customer"]], a["score"]) for a in answers if a["customer"] in satisfaction])
    assert 0.3 < np.corrcoef(pairs.T)[0, 1] < 0.9


def test_looks_at_a_product_tell_of_the_need_but_not_all(simulated: Simulated) -> None:
    truth = simulated.truth("needs_and_hazards").group_by("customer_id").aggregate([("need_investment", "mean")])
    need = dict(zip(truth["customer_id"].to_pylist(), truth["need_investment_mean"].to_pylist(), strict=True))
    touches = simulated.rows("touchpoints")
    views = touches.filter(
        pc.and_(pc.equal(touches["event"], "product_viewed"), pc.equal(touches["product"], "investment"))
    )
    looked = set(views["customer"].to_pylist())
    pairs = np.array([(level, customer in looked) for customer, level in need.items()])
    assert 0.1 < np.corrcoef(pairs.T)[0, 1] < 0.7
