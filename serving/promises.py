"""Promises: what impressions came to, against the propensity and value of the decisions that they cite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from config.bank import Bank
from decisioning.outcomes.realised import Realisation, realisation
from events.log import EventLog
from features.moments import utc_microseconds
from features.outcomes import OutcomeEvents, longest_reversal, outcome_events, outcome_types, value_after, window_days
from features.responses import responses
from records.decision_log import DecisionLog

LEAST_IMPRESSIONS: Final = 100
"""Matured impressions from which something is said of an offer."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What the impressions of an offer came to.

    Attributes:
        accepted: Acceptances against propensities: the calibration of the model where it decided.
        realised: Realised against expected value; None if the offer does not say what it counts as.
    """

    accepted: Realisation
    realised: Realisation | None


def promises_of(
    log: EventLog,
    decision_log: DecisionLog,
    bank: Bank,
    until: datetime,
    outcomes: OutcomeEvents | None = None,
    since: datetime | None = None,
) -> dict[str, Promise]:
    """Compare what was promised with what came, for each offer with enough impressions whose windows have ended.

    Args:
        log: Event log.
        decision_log: The decisions that impressions cite; only the first offer of each counts.
        bank: The bank.
        until: Moment of the last knowledge.
        outcomes: Outcomes of the bank's offers; None to find them.
        since: First moment of the impressions; None for all.
    """
    contacts = bank.vocabulary.contacts
    if contacts is None:
        return {}
    shown = responses(log.read_types((contacts.presented, contacts.accepted)), bank.vocabulary, bank.offers, until)
    lately = np.ones(len(shown), dtype=bool) if since is None else shown.presented_at >= utc_microseconds(since)
    cited = np.flatnonzero(lately & np.array([one is not None for one in shown.decision_id], dtype=bool))
    row_of = {shown.decision_id[row]: row for row in cited[::-1].tolist()}
    promised = {
        one.decision_id: (one.offer, one.propensity, one.propensity * one.value)
        for one in decision_log.with_ids(sorted(row_of))
        if one.propensity is not None and one.value is not None
    }
    if outcomes is None:
        outcomes = outcome_events(log.read_types(outcome_types(bank.offers)), bank.offers, until)
    wait = timedelta(microseconds=int(longest_reversal(bank.offers).astype(np.int64)))
    rows_of: dict[str | None, list[int]] = {}
    for decision, row in row_of.items():
        if decision in promised and promised[decision][0] == shown.offer[row]:
            rows_of.setdefault(promised[decision][0], []).append(row)
    found = {}
    for offer in bank.offers:
        rows = np.array(rows_of.get(offer.name, ()), dtype=np.intp)
        old = shown.matured[rows]
        if int(old.sum()) < LEAST_IMPRESSIONS:
            continue
        numbers = np.array([promised[shown.decision_id[row]][1:] for row in rows.tolist()])
        ids = shown.customer_ids[rows].astype(str)
        accepted = realisation(shown.accepted[rows][old].astype(float), numbers[old, 0], customer=ids[old])
        realised = None
        old = shown.presented_at[rows] + np.timedelta64(window_days(offer), "D") <= utc_microseconds(until - wait)
        if offer.counts_as is not None and int(old.sum()) >= LEAST_IMPRESSIONS:
            came = value_after(outcomes, offer, pa.array(ids[old], pa.string()), shown.presented_at[rows][old])
            if (numbers[old, 1] >= 0.0).all() and not (came < 0.0).any():  # what prevents a loss promises no event
                realised = realisation(came, numbers[old, 1], customer=ids[old])
        found[offer.name] = Promise(accepted, realised)
    return found
