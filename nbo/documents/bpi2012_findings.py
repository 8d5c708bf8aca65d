"""Findings about the models of the public loan-application log: what they can and cannot predict, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.estimate import Estimate
from models.held_out import MODEL
from models.tracking.run_tables import RunTables
from nbo.documents.claims import claim
from nbo.documents.recorded import Recorded, recorded_churn, recorded_propensity
from pipelines.markdown import table
from pipelines.reporting import last_outcomes
from pipelines.training_population import churn_label
from wiring.components import Components

SYSTEM_USER = 112
"""The log's automatic user, which registers every application."""

_AGES = ((0, 7), (7, 16), (16, 30), (30, 10_000))
"""Bands of days since the application came in; from day 16 on, a limit of 30 days falls into the next 14."""


@dataclass(frozen=True, slots=True)
class Cancellations:
    """Cancellations of applications, one entry each.

    Attributes:
        case: Id of the application.
        by_system: Whether the automatic user wrote the cancellation.
        age_days: Age of the application at that moment.
        hour: Local hour of day.
    """

    case: NDArray[np.object_]
    by_system: NDArray[np.bool_]
    age_days: NDArray[np.float64]
    hour: NDArray[np.int64]

    @classmethod
    def of(cls, source: pa.Table, zone: str) -> Cancellations:
        """Read them from the published log, which names the user of every event; the bank's own log does not."""
        begun = source.group_by("case_id").aggregate([("time", "min")])
        cancelled = source.filter(pc.equal(source["activity"], "A_CANCELLED")).join(begun, "case_id")
        microseconds = pc.subtract(cancelled["time"].cast("int64"), cancelled["time_min"].cast("int64"))
        local = pc.assume_timezone(pc.local_timestamp(cancelled["time"].cast(pa.timestamp("us", zone))), "UTC")
        return cls(
            np.array(cancelled["case_id"].cast("string").to_pylist(), dtype=object),
            np.array(pc.fill_null(pc.equal(cancelled["resource"], SYSTEM_USER), fill_value=False), dtype=bool),
            microseconds.to_numpy() / 86_400e6,
            pc.hour(local).to_numpy(),
        )


def bpi2012_findings(components: Components) -> list[str]:
    """Explain the numbers in sentences, each of which is checked.

    Raises:
        StateError: There is no finished run, or one of the sentences does not hold for it.
    """
    outcomes = last_outcomes(components)
    until = datetime.fromisoformat(outcomes["features"]["as_of"])
    models = outcomes["models"]
    return [
        "### What the models can and cannot predict there",
        "",
        *_churn(components, until, RunTables.of(components.models.store, models["churn"]["run_id"])),
        "",
        *_propensity(components, until, RunTables.of(components.models.store, models["propensity"]["run_id"])),
    ]


def _churn(components: Components, until: datetime, tables: RunTables) -> list[str]:
    source = pq.read_table(
        components.sources / components.bank.sources[0].files[0], columns=["case_id", "resource", "time", "activity"]
    )
    registered = source.filter(pc.equal(source["activity"], "A_SUBMITTED"))["resource"].to_numpy() == SYSTEM_USER
    cancelled = Cancellations.of(source, components.bank.identity.time_zone)
    automatic = cancelled.by_system
    rows = recorded_churn(components, until, ("days_since_submitted", "days_since_activity"))
    by_system = (rows.y == 1.0) & np.isin(rows.moments.customer_ids, cancelled.case[automatic])
    age = rows.features.columns["days_since_submitted"]
    system, people = rows.auc(by_system | (rows.y == 0.0)), rows.auc(~by_system)
    young = rows.auc(age < _AGES[1][1])
    auc, low, high = tables.estimate(MODEL, "auc")
    silence = tables.single_features["days_since_activity"]
    strongest = list(tables.importance)[:4]
    days = churn_label(components).horizon_days
    hours = np.unique(cancelled.hour[automatic])
    return [
        claim(
            f"**Cancellation within {days} days looks easy to predict, AUC {auc:.3f} ({low:.3f} to {high:.3f}), but "
            f"most of that is the bank's own clock.** No feature leaks and the probabilities are calibrated, but of "
            f"the {len(automatic):,} cancellations in the published log {automatic.sum():,} ({automatic.mean():.0%}) "
            f"were written by user {SYSTEM_USER}, which also registers every application and is the system itself: "
            f"none before an application was {cancelled.age_days[automatic].min():.1f} days old, half of them before "
            f"day {np.median(cancelled.age_days[automatic]):.1f}, all between {hours[0]}:00 and {hours[-1] + 1}:00. "
            "After a month, the bank's time limit closes applications that came to nothing.",
            holds=auc > 0.75
            and bool(registered.all())
            and all(check["passed"] for check in tables.checks)
            and float(cancelled.age_days[automatic].min()) > 29.5
            and float(np.median(cancelled.age_days[automatic])) < 32.0
            and len(hours) == 1,
        ),
        "",
        claim(
            f"Of the {rows.y.sum():,.0f} positives among the test rows {by_system.sum():,} are such closings, which "
            f"the model distinguishes from open applications with AUC {_interval(system)}. For cancellations written "
            f"by a person, including those where the customer said no, its AUC is only {_interval(people)}, and for "
            f"applications younger than {_AGES[1][1]} days, when something could still be done, it is "
            f"{_interval(young)}.",
            holds=by_system.sum() > 0.5 * rows.y.sum()
            and system.value > 0.95
            and people.high < 0.7
            and young.high < 0.7,
        ),
        "",
        *table([_age_row(rows, by_system, age, low_age, high_age) for low_age, high_age in _AGES]),
        "",
        claim(
            f"The model has learned clocks: its strongest features all measure how long ago something happened "
            f"({_list(strongest)}), and the days since the customer's last activity alone have AUC {silence:.3f}. "
            "It is right about what will happen, so the forecast of closings is useful for planning work. It is not a "
            "model of customers who are about to leave. For that, leave the closings out of the label (they are "
            "another event type in a bank's own log), and expect little: the log contains the requested amount and "
            "the bank's own steps, and nothing about the applicant.",
            holds=all("days_since" in name or "decayed" in name for name in strongest) and silence > 0.7,
        ),
        "",
        claim(
            f"BG/NBD, with AUC {tables.estimate('bg_nbd', 'auc')[0]:.3f}, says less than these days alone: it models "
            "customers who buy repeatedly, and an application happens once.",
            holds=tables.estimate("bg_nbd", "auc")[2] < silence,
        ),
    ]


def _age_row(rows: Recorded, by_system: NDArray[np.bool_], age: Any, low: float, high: float) -> Mapping[str, Any]:
    here = (age >= low) & (age < high)
    people = here & ~by_system
    return {
        "age of the application": f"{low} to {high} days" if high < 1_000 else f"{low} days and more",
        "rows": int(here.sum()),
        "cancelled": int(rows.y[here].sum()),
        "by the system": int(by_system[here].sum()),
        "AUC": _interval(rows.auc(here)),
        "AUC without the system's": _interval(rows.auc(people)),
        "AUC of silence alone": f"{rows.auc(here, rows.features.columns['days_since_activity']).value:.3f}",
    }


def _propensity(components: Components, until: datetime, tables: RunTables) -> list[str]:
    rows = recorded_propensity(components, until, ("offers_sent_count", "days_since_offer_presented"))
    before = rows.features.columns["offers_sent_count"]
    soon = rows.features.columns["days_since_offer_presented"] < 1 / 24
    replaced = _replaced(rows)
    auc, low, high = tables.estimate(MODEL, "auc")
    simple = tables.estimate("per_offer_logistic", "auc")[0]
    better, worst, best = tables.improvement("per_offer_logistic", "log_loss")
    first, later = rows.auc(before == 0), rows.auc(before > 0)
    return [
        claim(
            f"**Acceptance of an offer is hard to predict, and the model is no better than a plain logistic "
            f"regression.** The model's AUC is {auc:.3f} ({low:.3f} to {high:.3f}), that of the logistic regression "
            f"per offer {simple:.3f}; log loss is better by {better:.4f}, with an interval from {worst:+.4f} to "
            f"{best:+.4f} that includes zero. There is one offer in one channel, so nothing can be learned across "
            "offers, and the log contains neither the rate, nor the term, nor anything about the applicant's means. "
            "The model passes the gate because it beats a constant prediction by more than noise, and the other "
            "baselines on average.",
            holds=abs(auc - simple) < 0.02 and worst < 0 < best and all(check["passed"] for check in tables.checks),
        ),
        "",
        claim(
            f"For the first offer of an application the AUC is {_interval(first)}, barely better than chance. It is "
            f"{_interval(later)} for later ones, where the time since the previous offer is informative: an offer that "
            f"follows another within the hour is accepted in {rows.y[soon].mean():.0%} of cases (likely variants of "
            f"one offer, only one of which can be taken), one that follows later in "
            f"{rows.y[(before > 0) & ~soon].mean():.0%}. Because the response belongs to the latest offer, the "
            f"{replaced.mean():.0%} of tested offers that were replaced by another count as not accepted; it is not "
            "known who will get another offer when the first is sent.",
            holds=first.high < 0.65
            and later.low > first.high
            and rows.y[soon].mean() < 0.5 * rows.y[(before > 0) & ~soon].mean()
            and not rows.y[replaced].any(),
        ),
        "",
        *table(
            [
                {
                    "offers sent before": words,
                    "tested": int(here.sum()),
                    "accepted": f"{rows.y[here].mean():.3f}",
                    "AUC": _interval(rows.auc(here)),
                }
                for words, here in (("none", before == 0), ("one", before == 1), ("two or more", before >= 2))
            ]
        ),
    ]


def _replaced(rows: Recorded) -> NDArray[np.bool_]:
    """Return which offers were followed by another for the same application among the tested rows."""
    latest: dict[str, np.datetime64] = {}
    for customer, moment in zip(rows.moments.customer_ids, rows.moments.as_of, strict=True):
        latest[customer] = max(moment, latest.get(customer, moment))
    last = np.array([latest[customer] for customer in rows.moments.customer_ids])
    return np.asarray(rows.moments.as_of < last)


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
