"""Results of the bank's trials, from the event log: planned before they start, judged while they run and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.bank import Bank
from decisioning.experiments.trials import judge_trial, trial_size
from decisioning.experiments.triggered import judge_triggered
from decisioning.off_policy.verdict import Verdict, Word
from decisioning.policies.assignment import arms_of, trial_arms
from decisioning.policies.draws import Arm, Arms, Hashes, hashes_of, mixed
from decisioning.policies.trial import Trial
from domain.offer import Offer
from events.log import EventLog
from expressions.types import Array
from features.moments import utc_microseconds
from features.outcomes import OutcomeEvents, longest_reversal, outcome_events, outcome_types, value_by_customer
from serving.assignment import customers_before, units_in_log
from serving.trial_replays import Replays
from serving.trial_report import DAY, OfferGain, TrialReport, TriggeredReport

MOST_REPLAYED: Final = 100_000
"""Customers whose decisions are replayed; of more, as many are drawn by a hash, households together."""

REST: Final = "rest"
"""Arm of the customers outside a slice."""

LOOKBACK: Final = timedelta(days=90)
"""Period before a trial whose outcomes explain noise; long, because outcomes are rare."""


Replay = Callable[[Trial, Sequence[str], NDArray[np.intp], datetime, datetime], Replays]
"""Replays decisions of a trial: its customers, the position of the arm of each, since when and until when."""

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
    outcomes = _outcomes(log, bank.offers, until)
    found = [_report(log, bank, outcomes, trial, until, replay=replay) for trial in bank.policy.trials]
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
    outcomes = _outcomes(log, bank.offers, until)
    trial = replace(
        part,
        arms={arm: share, REST: 1.0 - share},
        control=REST,
        starts=since.astimezone(bank.time_zone).date(),
        ends=until.astimezone(bank.time_zone).date(),
        expected_gain=max(part.expected_gain, 1e-9),
    )

    def assigned(units: Hashes, arms: Arms, day: date) -> Array:
        inside = trial_arms(units, arms, part, bank.policy.control.salt, day) == 0.0
        return np.where(inside, 0.0, np.where(arms == Arm.STANDARD, 1.0, np.nan))

    return _report(log, bank, outcomes, trial, until, assigned)


def _report(
    log: EventLog,
    bank: Bank,
    outcomes: OutcomeEvents,
    trial: Trial,
    until: datetime,
    assigned: Callable[[Hashes, Arms, date], Array] | None = None,
    replay: Replay | None = None,
) -> TrialReport:
    starts = datetime.combine(trial.starts, time(), bank.time_zone)
    ends = datetime.combine(trial.ends + DAY, time(), bank.time_zone)
    begin = min(starts, until)
    customers = customers_before(log, begin)
    units = units_in_log(log, bank, customers.to_pylist(), begin)
    control = bank.policy.control
    standard = arms_of(units, control, trial.starts)
    if assigned is None:
        arms = trial_arms(units, standard, trial, control.salt, trial.starts)
    else:
        arms = assigned(units, standard, trial.starts)
    inside = np.flatnonzero(~np.isnan(arms))
    taking, units = customers.take(pa.array(inside)), units[inside]
    before = value_by_customer(outcomes, taking, utc_microseconds(begin - LOOKBACK), utc_microseconds(begin))
    needed = _needed(trial, outcomes, taking, begin)
    passed = (min(until, ends) - starts) // DAY
    if passed < 1 or not len(inside):
        return TrialReport(trial, len(inside), needed, max(passed, 0), None)
    wait = timedelta(microseconds=int(longest_reversal(bank.offers).astype(np.int64)))
    window = timedelta(days=max(offer.response_window_days for offer in bank.offers))
    last = min(until - wait, ends + window)
    names = np.array(list(trial.arms))[arms[inside].astype(np.intp)]
    known: dict[str, Any] = {
        "arm": names,
        "shares": trial.arms,
        "control": trial.control,
        "days": passed,
        "expected_gain": trial.expected_gain,
        "unit": units,
    }
    period = utc_microseconds(starts), utc_microseconds(max(last, starts))
    offers = [
        OfferGain(offer.name, one.arm, one.gain)
        for offer in bank.offers
        if offer.counts_as is not None
        for one in judge_trial(value_by_customer(_outcomes(log, [offer], until), taking, *period), **known).arms
    ]
    known |= {
        "outcome": value_by_customer(outcomes, taking, *period),
        "before": before,
        "smallest_gain": trial.smallest_gain,
        "guardrails": {name: _counts(log, name, taking, starts, min(until, ends)) for name in trial.guardrails},
        "is_over": last >= ends + window,
    }
    triggered = None
    if replay is not None:
        triggered = _triggered(replay, trial, taking, arms[inside].astype(np.intp), known, (starts, min(until, ends)))
    return TrialReport(trial, len(inside), needed, passed, judge_trial(**known), tuple(offers), triggered)


def _triggered(
    replay: Replay,
    trial: Trial,
    customers: pa.Array,
    arm: NDArray[np.intp],
    known: Mapping[str, Any],
    period: tuple[datetime, datetime],
) -> TriggeredReport:
    """Replay decisions of a period, and judge by the customers for whom some would have differed."""
    order = np.argsort(mixed(known["unit"] ^ hashes_of([f"{trial.salt}/replayed"])), kind="stable")
    rows = np.sort(order[:MOST_REPLAYED])
    replays = replay(trial, customers.take(pa.array(rows)).to_pylist(), arm[rows], *period)
    drawn = {name: known[name][rows] for name in ("arm", "unit", "outcome", "before")}
    guardrails = {name: counts[rows] for name, counts in known["guardrails"].items()}
    result = judge_triggered(
        triggered=replays.triggered, unknown=replays.unknown, **{**known, **drawn, "guardrails": guardrails}
    )
    return TriggeredReport(result, replays.replayed, replays.lost)


def _outcomes(log: EventLog, offers: Sequence[Offer], until: datetime) -> OutcomeEvents:
    return outcome_events(log.read_types(outcome_types(offers)), offers, until)


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
