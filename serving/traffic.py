"""A bank's own traffic: how many offers it presents in a month, how many are accepted, and to whom by arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from config.bank import Bank
from decisioning.experiments.power import ArmPower, arm_powers
from decisioning.experiments.sample_ratio import SampleRatio, sample_ratio
from decisioning.policies.draws import Arm
from events.log import EventLog
from features.moments import utc_microseconds
from features.responses import responses
from serving.assignment import arms_in_log

MONTH: Final = timedelta(days=30)
PAST: Final = timedelta(days=180)
"""Impressions since then give the rate of acceptance, if their windows have ended."""

COMPARED: Final = (
    Arm.STANDARD,
    Arm.RANDOM_OFFER,
    Arm.PROPENSITY_ONLY,
    Arm.NO_LEVERS,
    Arm.RANDOM_PROPENSITY,
)
"""Arms with the same rules, in which therefore the same shares of customers should be presented something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Impressions and acceptances.

    Attributes:
        impressions: Offers presented in the last 30 days.
        rate: Accepted offers for each one presented; None if nothing has matured or nothing was accepted.
        exposed: Customers presented something in the last 30 days, by arm.
    """

    impressions: int
    rate: float | None
    exposed: Mapping[str, int]


def traffic_of(log: EventLog, bank: Bank, until: datetime) -> Traffic:
    """Count the bank's impressions up to a moment; none for a bank whose events have no contacts."""
    contacts = bank.vocabulary.contacts
    if contacts is None:
        return Traffic(impressions=0, rate=None, exposed={})
    found = responses(log.read_types((contacts.presented, contacts.accepted)), bank.vocabulary, bank.offers, until)
    lately = found.presented_at >= utc_microseconds(until - MONTH)
    matured = found.matured & (found.presented_at >= utc_microseconds(until - PAST))
    rate = float(found.accepted[matured].mean()) if matured.any() else 0.0
    customers = sorted(set(found.customer_ids[lately].tolist()))
    arms = np.bincount(arms_in_log(log, bank, customers, until), minlength=len(Arm))
    exposed = {arm.label: int(arms[arm]) for arm in Arm}
    return Traffic(impressions=int(lately.sum()), rate=rate if 0.0 < rate < 1.0 else None, exposed=exposed)


def powers(bank: Bank, traffic: Traffic) -> list[ArmPower]:
    """Return what each arm can tell in a month; the holdout has no impressions, and is left out."""
    if traffic.rate is None:
        return []
    found = arm_powers(bank.policy.control, traffic.rate, float(traffic.impressions))
    return [one for one in found if one.arm != Arm.HOLDOUT.label]


def exposure_ratio(bank: Bank, traffic: Traffic) -> SampleRatio:
    """Compare the exposed customers of the arms with the arms' shares."""
    control = bank.policy.control
    shares = {arm.label: float(getattr(control, f"{arm.label}_share", 0.0)) for arm in Arm}
    shares[Arm.STANDARD.label] = 1.0 - sum(shares.values())
    compared = [arm.label for arm in COMPARED if shares[arm.label] > 0.0]
    whole = sum(shares[name] for name in compared)
    if not whole > 0.0:
        return SampleRatio(0, None)
    exposed = {name: traffic.exposed.get(name, 0) for name in compared}
    return sample_ratio(exposed, {name: shares[name] / whole for name in compared})
