"""Effects: what the holdout and the arms realised for each assigned customer, and each offer of what it promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.experiments.power import LARGEST_USEFUL, Z
from decisioning.outcomes.groups import GroupOutcome, compare_groups
from decisioning.outcomes.realised import Realisation
from decisioning.policies.assignment import arms_of, counted_since
from decisioning.policies.draws import Arm, Arms
from domain.errors import DataError
from domain.estimate import NORMAL
from domain.offer import OfferClass
from events.log import EventLog
from features.moments import utc_microseconds
from features.outcomes import (
    OutcomeEvents,
    longest_reversal,
    outcome_events,
    outcome_types,
    value_by_customer,
)
from records.decision_log import DecisionLog
from serving.assignment import customers_before, units_in_log
from serving.promises import promises_of

PROGRAMME: Final = "programme"
"""Everybody who is not held out: what the bank does, whichever arm chooses it."""

LOOKBACK: Final = np.timedelta64(90, "D").astype("timedelta64[us]")
"""Period before the comparison whose outcomes explain noise; long, because outcomes are rare."""

LONGEST: Final = timedelta(days=366)
LONGEST_WAIT_DAYS: Final = 3_650
"""Nobody waits longer for an answer: the groups are too small."""


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """Groups of assigned customers compared over a period of one drawing.

    Attributes:
        since: First moment that counts.
        until: First moment that does not count any more.
        groups: The control group first: the holdout, or the standard arm.
        readable_from: About when an effect of 20 % of what customers gain and lose would show; None for never.
    """

    since: datetime
    until: datetime
    groups: tuple[GroupOutcome, ...]
    readable_from: datetime | None

    @property
    def is_readable(self) -> bool:
        """Whether the period was long enough to look at who is ahead."""
        return self.readable_from is not None and self.readable_from <= self.until

    def sentence(self, currency: str) -> str:
        """Say what the comparison tells, or when it will."""
        control = self.groups[0]
        period = f"from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
        if not self.is_readable:
            at = self.readable_from
            return f"{period}: cannot tell before {'the groups are larger' if at is None else f'about {at:%Y-%m-%d}'}"
        parts = []
        for one in self.groups[1:]:
            assert one.gain is not None, "groups beside the control have a gain"
            word = "tells no difference of" if one.gain.low <= 0.0 <= one.gain.high else "differs by"
            parts.append(
                f"{one.group} {word} {one.gain.value:+,.2f} {currency} a customer"
                f" ({one.gain.low:+,.2f} to {one.gain.high:+,.2f}) from {control.group}"
            )
        return f"{period}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Effects:
    """What is known of the effects of a bank's offers.

    Attributes:
        as_of: Moment of the knowledge.
        currency: Of every amount.
        comparisons: Holdout against programme, and arms against the standard arm.
        offers: Offer -> what its impressions realised.
        notes: What could not be compared, and why.
    """

    as_of: datetime
    currency: str
    comparisons: tuple[ArmComparison, ...]
    offers: dict[str, Realisation]
    notes: tuple[str, ...]

    @property
    def alarms(self) -> tuple[str, ...]:
        """Offers that do not earn what was promised, one sentence each."""
        return tuple(
            f"{name} realised {one.ratio.value:.2f} of its expected value ({one.ratio.low:.2f} to {one.ratio.high:.2f})"
            for name, one in self.offers.items()
            if one.is_off
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "comparisons": [
                {
                    "since": one.since.isoformat(),
                    "until": one.until.isoformat(),
                    "readable_from": None if one.readable_from is None else one.readable_from.isoformat(),
                    "is_readable": one.is_readable,
                    "sentence": one.sentence(self.currency),
                    "groups": [asdict(group) for group in one.groups],
                }
                for one in self.comparisons
            ],
            "offers": [{"offer": name, **asdict(one), "alarm": one.is_off} for name, one in self.offers.items()],
            "alarms": list(self.alarms),
            "notes": list(self.notes),
        }


def effects_of(
    log: EventLog, decision_log: DecisionLog, bank: Bank, until: datetime, since: datetime | None = None
) -> Effects:
    """Compare the groups of the drawing in force, and realised with expected value.

    Args:
        log: Event log.
        decision_log: Decisions, whose first one says since when arms have had an effect.
        bank: The bank.
        until: Moment of the last knowledge.
        since: Start of the comparison instead of the first decision; wash-outs still do not count.

    Raises:
        DataError: No offer declares what it counts as.
    """
    types = outcome_types(bank.offers)
    if not types:
        raise DataError(
            "no offer says what it counts as",
            expected="`counts_as` in offers.yaml: events that any customer can have",
        )
    outcomes = outcome_events(log.read_types(types), bank.offers, until)
    found, notes = [], []
    first = since or decision_log.first_moment()
    matured = until - timedelta(microseconds=int(longest_reversal(bank.offers).astype(np.int64)))
    if first is None:
        notes.append("nothing was decided yet, so that no arm can differ")
    else:
        for months, control in _drawings(bank):
            start = _counting_from(bank, until, months, first)
            if start >= matured:
                notes.append(
                    f"{control.label}: outcomes count from {start:%Y-%m-%d} on, and those after "
                    f"{matured:%Y-%m-%d} can still be undone"
                )
                continue
            compared = _compared(log, bank, outcomes, control, start, matured)
            if compared is not None:
                found.append(compared)
    chosen = [offer for offer in bank.offers if offer.offer_class is not OfferClass.MANDATORY]
    silent = [offer.name for offer in chosen if offer.counts_as is None]
    if silent:
        notes.append(f"without `counts_as`, the effect of {', '.join(silent)} is not measured")
    realised = {
        name: one.realised
        for name, one in promises_of(log, decision_log, bank, until, outcomes).items()
        if one.realised is not None
    }
    return Effects(until, bank.identity.currency, tuple(found), realised, tuple(notes))


def _drawings(bank: Bank) -> list[tuple[int, Arm]]:
    """Return the months and the control group of each comparison that the bank's shares allow."""
    control = bank.policy.control
    shares = {name: value for name, value in asdict(control).items() if name.endswith("_share") and value > 0.0}
    found = []
    if shares.pop("holdout_share", 0.0):
        found.append((control.holdout_months, Arm.HOLDOUT))
    if shares:
        found.append((control.arms_months, Arm.STANDARD))
    return found


def _counting_from(bank: Bank, until: datetime, months: int, first: datetime) -> datetime:
    day = max(counted_since(until.astimezone(bank.time_zone).date(), months), (until - LONGEST).date())
    return max(datetime.combine(day, time(), bank.time_zone), first)


def _compared(
    log: EventLog, bank: Bank, outcomes: OutcomeEvents, control: Arm, since: datetime, until: datetime
) -> ArmComparison | None:
    customers = customers_before(log, since)
    units = units_in_log(log, bank, customers.to_pylist(), since)
    arms = arms_of(units, bank.policy.control, since.astimezone(bank.time_zone).date())
    start, end = utc_microseconds(since), utc_microseconds(until)
    scores = value_by_customer(outcomes, customers, start, end)
    before = value_by_customer(outcomes, customers, start - LOOKBACK, start)
    groups, rows = _groups(arms, control)
    if not (groups[rows] == control.label).any() or len(set(groups[rows].tolist())) < 2:
        return None
    found = compare_groups(scores[rows], groups[rows], control.label, unit=units[rows], before=before[rows])
    moved = value_by_customer(replace(outcomes, value=np.abs(outcomes.value)), customers, start, end)[rows].mean()
    return ArmComparison(since, until, found, _readable_from(found, float(moved), since, until))


def _groups(arms: Arms, control: Arm) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the name of each customer's group, and which customers are compared."""
    labels = np.array([arm.label for arm in Arm], dtype=object)[arms]
    if control is Arm.HOLDOUT:
        return np.where(arms == Arm.HOLDOUT, control.label, PROGRAMME).astype(object), np.ones(len(arms), dtype=bool)
    return labels, arms != Arm.HOLDOUT


def _readable_from(groups: Sequence[GroupOutcome], base: float, since: datetime, until: datetime) -> datetime | None:
    """Return when the noise would be small enough for an effect of 20 %: it falls with the square root of time.

    Args:
        groups: What was compared.
        base: Mean of what was gained and lost, without its sign, because gains and losses may cancel.
        since: Start of the period.
        until: Its end.
    """
    errors = [(one.gain.high - one.gain.low) / (2.0 * NORMAL) for one in groups[1:] if one.gain is not None]
    needed = LARGEST_USEFUL * base / Z
    if not errors or not np.isfinite(errors).all() or not needed > 0.0:
        return None
    wait = (max(errors) / needed) ** 2 * (until - since) / timedelta(days=1)
    return since + timedelta(days=wait) if wait < LONGEST_WAIT_DAYS else None
