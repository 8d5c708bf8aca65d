"""Results of the bank's trials, from the event log: planned before they start, judged while they run and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.experiments.design import TrialOutcomes
from decisioning.experiments.trials import trial_result, trial_size
from decisioning.experiments.triggered import triggered_result
from decisioning.off_policy.verdict import Verdict, Word
from decisioning.policies.assignment import arms_of, trial_arms
from decisioning.policies.draws import Arm, Arms, Hashes, hashes_of, mixed
from decisioning.policies.trial import Trial
from events.log import EventLog
from expressions.types import Array
from features.moments import utc_microseconds
from features.outcomes import OutcomeEvents, longest_reversal, outcome_events, outcome_types, value_by_customer
from serving.assignment import customers_before, units_in_log
from serving.trial_replays import AssignedCustomers, Replays
from serving.trial_report import DAY, OfferGain, TrialReport, TriggeredReport

MOST_REPLAYED: Final = 100_000
"""Customers whose decisions are replayed; of more, as many are drawn by a hash, households together."""

REST: Final = "rest"
"""Arm of the customers outside a slice."""

LOOKBACK: Final = timedelta(days=90)
"""Period before a trial whose outcomes explain noise; long, because outcomes are rare."""


Replay = Callable[[AssignedCustomers], Replays]
"""Replays the decisions of a trial's customers."""

Assign = Callable[[Hashes, Arms], Array]
"""Returns the position of each customer's arm, NaN outside the trial."""

SlowArms = Callable[[Trial], str | None]
"""Says which arm of a trial is too slow; None for none."""


def trial_reports(
    log: EventLog, bank: Bank, until: datetime, slow: SlowArms = lambda _: None, replay: Replay | None = None
) -> list[TrialReport]:
    """Report on every trial of the bank's policy.

    Args:
        log: Event log.
        bank: The bank; its offers say what they count as.
        until: Moment of the last knowledge.
        slow: Guardrail of latency, which the event log does not tell.
        replay: Replays decisions, to find the customers whose decisions would have differed; None to do without.
    """
    if not bank.policy.trials:
        return []
    judge, salt = _Judge.of(log, bank, until), bank.policy.control.salt
    assign = {one.name: partial(trial_arms, trial=one, salt=salt, day=one.starts) for one in bank.policy.trials}
    found = [judge.report(one, assign[one.name], replay) for one in bank.policy.trials]
    return [_stopped_if_slow(one, slow) for one in found]


def _stopped_if_slow(report: TrialReport, slow: SlowArms) -> TrialReport:
    why = None if report.result is None else slow(report.trial)
    if why is None or report.result is None:
        return report
    return replace(report, result=replace(report.result, verdict=Verdict(Word.STOP, why)))


def slice_report(log: EventLog, bank: Bank, part: Trial, since: datetime, until: datetime) -> TrialReport:
    """Report on a slice of the standard arm for which something else decides, against the rest of the arm.

    Args:
        log: Event log.
        bank: The bank.
        part: Trial that assigns the slice to its only arm.
        since: When the slice began.
        until: Moment of the last knowledge.
    """
    [arm], share = part.arms, part.slice[1] - part.slice[0]
    trial = replace(
        part,
        arms={arm: share, REST: 1.0 - share},
        control=REST,
        starts=since.astimezone(bank.time_zone).date(),
        ends=until.astimezone(bank.time_zone).date(),
        expected_gain=max(part.expected_gain, 1e-9),
    )

    def assign(units: Hashes, arms: Arms) -> Array:
        inside = trial_arms(units, arms, part, bank.policy.control.salt, trial.starts) == 0.0
        return np.where(inside, 0.0, np.where(arms == Arm.STANDARD, 1.0, np.nan))

    return _Judge.of(log, bank, until).report(trial, assign)


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """What the event log says by a moment, read once for all trials.

    Attributes:
        log: Event log.
        bank: The bank.
        until: Moment of the last knowledge.
        outcomes: Outcomes of all offers.
        by_offer: Offer -> its outcomes alone, which may be those of others, too.
    """

    log: EventLog
    bank: Bank
    until: datetime
    outcomes: OutcomeEvents
    by_offer: Mapping[str, OutcomeEvents]

    @classmethod
    def of(cls, log: EventLog, bank: Bank, until: datetime) -> _Judge:
        events = log.read_types(outcome_types(bank.offers))
        counted = [offer for offer in bank.offers if offer.counts_as is not None]
        by_offer = {offer.name: outcome_events(events, [offer], until) for offer in counted}
        return cls(log, bank, until, outcome_events(events, bank.offers, until), by_offer)

    def report(self, trial: Trial, assign: Assign, replay: Replay | None = None) -> TrialReport:
        """Report on a trial."""
        bank, until = self.bank, self.until
        starts = datetime.combine(trial.starts, time(), bank.time_zone)
        ends = datetime.combine(trial.ends + DAY, time(), bank.time_zone)
        begin = min(starts, until)
        customers = customers_before(self.log, begin)
        units = units_in_log(self.log, bank, customers.to_pylist(), begin)
        arms = assign(units, arms_of(units, bank.policy.control, trial.starts))
        inside = np.flatnonzero(~np.isnan(arms))
        taking, units, arm = customers.take(pa.array(inside)), units[inside], arms[inside].astype(np.intp)
        needed = _needed(trial, self.outcomes, taking, begin)
        passed = (min(until, ends) - starts) // DAY
        if passed < 1 or not len(inside):
            return TrialReport(trial, len(inside), needed, max(passed, 0), None)
        wait = timedelta(microseconds=int(longest_reversal(bank.offers).astype(np.int64)))
        window = timedelta(days=max(offer.response_window_days for offer in bank.offers))
        last = min(until - wait, ends + window)
        known_by = min(until, ends)
        period = utc_microseconds(starts), utc_microseconds(max(last, starts))
        earlier = utc_microseconds(begin - LOOKBACK), utc_microseconds(begin)
        outcomes = TrialOutcomes.of(
            value_by_customer(self.outcomes, taking, *period),
            np.array(list(trial.arms))[arm],
            unit=units,
            before=value_by_customer(self.outcomes, taking, *earlier),
            guardrails={name: _counts(self.log, name, taking, starts, known_by) for name in trial.guardrails},
        )
        offers = [
            OfferGain(name, one.arm, one.gain)
            for name, of_offer in self.by_offer.items()
            for one in trial_result(
                TrialOutcomes(value_by_customer(of_offer, taking, *period), outcomes.arm, outcomes.unit),
                trial.design,
                days=passed,
            ).arms
        ]
        is_over, triggered = last >= ends + window, None
        if replay is not None:
            rows = _drawn(trial, units)
            ids = taking.take(pa.array(rows)).to_pylist()
            replays = replay(AssignedCustomers(trial, ids, arm[rows], starts, known_by))
            differs, unknown, some = replays.triggered, replays.unknown, outcomes.take(rows)
            found = triggered_result(some, trial.design, differs, unknown, days=passed, is_over=is_over)
            triggered = TriggeredReport(found, replays.replayed, replays.lost)
        result = trial_result(outcomes, trial.design, days=passed, is_over=is_over)
        return TrialReport(trial, len(inside), needed, passed, result, tuple(offers), triggered)


def _drawn(trial: Trial, units: Hashes) -> NDArray[np.intp]:
    """Return the rows of the customers whose decisions are replayed."""
    order = np.argsort(mixed(units ^ hashes_of([f"{trial.salt}/replayed"])), kind="stable")
    return np.sort(order[:MOST_REPLAYED])


def _needed(trial: Trial, outcomes: OutcomeEvents, customers: pa.Array, begin: datetime) -> float | None:
    """Return the customers needed, by the outcomes of a period as long as the trial just before it."""
    length = trial.days * DAY
    moments = [utc_microseconds(moment) for moment in (begin - length - LOOKBACK, begin - length, begin)]
    earlier = value_by_customer(outcomes, customers, moments[0], moments[1])
    usual = value_by_customer(outcomes, customers, moments[1], moments[2])
    if len(customers) < 2 or not usual.std() > 0.0:
        return None
    alike = float(np.corrcoef(earlier, usual)[0, 1]) if earlier.std() > 0.0 else 0.0
    control = trial.arms[trial.control]
    other = min(share for name, share in trial.arms.items() if name != trial.control)
    both = control + other
    pair = trial_size(float(usual.std()), trial.expected_gain, (control / both, 1.0 - control / both), min(alike, 0.99))
    return pair / both


def _counts(log: EventLog, kind: str, customers: pa.Array, since: datetime, until: datetime) -> Array:
    events = log.read_types([kind])
    at = events["occurred_at"].cast(pa.int64()).to_numpy()
    first, last = (int(utc_microseconds(moment).astype(np.int64)) for moment in (since, until))
    place = pc.index_in(events["customer_id"].cast(pa.string()), value_set=customers).fill_null(-1).to_numpy()
    inside = place[(at >= first) & (at < last) & (place >= 0)]
    return np.bincount(inside, minlength=len(customers)).astype(np.float64)
