"""Experience: scores and complaints by touchpoint and stage, and what follows a complaint."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pyarrow as pa

from domain.estimate import NORMAL
from domain.journey import Stage
from features.building.journeys import STAGES
from features.kernel.arrays import BoolArray, Int64Array
from features.kernel.columns import MISSING, SCALE
from features.kernel.timeline import Timeline
from journeys.figure import Row, Rows, hide_small, ratio
from journeys.histories import ALL, DAY, AnalyticsContext, Histories
from journeys.settings import COMPLAINT_OPENED, COMPLAINT_RESOLVED, CSAT, NPS, PRODUCT_OPENED
from journeys.tally import Key, first_of_each, tally

PROMOTER, DETRACTOR, BEST_NPS = 9, 6, 10
"""Net promoter score: answers of 9 and 10, less answers of 0 to 6, as a share of all."""
SATISFIED, BEST_CSAT = 4, 5
LATEST, BEFORE = "latest", "before"
_PERIODS = (LATEST, BEFORE)
_HOUR = 3_600_000_000
BANDS = ("within 2 days", "3 to 7 days", "8 to 14 days", "later", "not resolved")
_BAND_ENDS = np.array([2, 7, 14])
ANSWERS = ("satisfied", "dissatisfied", "no answer")
_COUNTED = (
    "contacts",
    "nps_answers",
    "promoters",
    "detractors",
    "csat_answers",
    "csat_points",
    "complaints",
    "resolved",
    "resolution_hours",
)


def count_experience_map(histories: Histories) -> pa.Table:
    """Count contacts, answers and complaints of the latest period and the one before, by stage and touchpoint.

    An answer or complaint belongs to the customer's last touchpoint before it, if that is recent enough, and to the
    channel it came in, or else to that of the touchpoint.
    """
    context, columns = histories.context, histories.columns
    touched = histories.of_types(context.analytics.touchpoints_of(context.vocabulary))
    nps, scores = _scores(histories, NPS, BEST_NPS)
    csat, points = _scores(histories, CSAT, BEST_CSAT)
    complaints = histories.of_group(COMPLAINT_OPENED)
    resolved_at = _resolved(histories, complaints)
    hours = np.where(resolved_at >= 0, (resolved_at - columns.occurred[complaints]) // _HOUR, 0)
    blocks: list[tuple[Int64Array, dict[str, Int64Array | BoolArray]]] = [
        (touched, {"contacts": np.ones(len(touched), dtype=np.int64)}),
        (
            nps,
            {
                "nps_answers": np.ones(len(nps), dtype=np.int64),
                "promoters": scores >= PROMOTER,
                "detractors": scores <= DETRACTOR,
            },
        ),
        (csat, {"csat_answers": np.ones(len(csat), dtype=np.int64), "csat_points": points}),
        (
            complaints,
            {
                "complaints": np.ones(len(complaints), dtype=np.int64),
                "resolved": resolved_at >= 0,
                "resolution_hours": hours,
            },
        ),
    ]
    rows = np.concatenate([block for block, _ in blocks])
    about = np.concatenate([touched, *(_touchpoint_before(histories, block, touched) for block, _ in blocks[1:])])
    measures = {
        name: np.concatenate([counted.get(name, np.zeros(len(block), dtype=np.int64)) for block, counted in blocks])
        for name in _COUNTED
    }
    age = (context.today - histories.day[rows] - 1) // context.analytics.period_days
    recent = np.flatnonzero((age >= 0) & (age < len(_PERIODS)))
    rows, about, age = rows[recent], about[recent], age[recent]
    measures = {name: numbers[recent] for name, numbers in measures.items()}
    parts = []
    for grouping, group in _groupings(histories, rows, about).items():
        for stage in (histories.stage(columns.customer[rows], histories.day[rows]), _one(ALL, len(rows))):
            keys = {
                "period": Key(age, _PERIODS),
                "grouping": _one(grouping, len(rows)),
                "group": group,
                "stage": stage,
            }
            parts.append(tally(keys, {**measures, "customers": first_of_each(columns.customer[rows], keys)}))
    return pa.concat_tables(parts)


def finish_experience_map(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show scores with 95 % intervals and whether a place is a pain point or an opportunity.

    A pain point's net promoter score is below the bank's with its whole interval; an opportunity's above. Each score
    is shown if it has enough answers, whatever the others have.
    """
    found = {tuple(row[name] for name in _CELL): row for row in counts.to_pylist()}
    smallest, rows = context.analytics.smallest_cell, Rows()
    for row in found.values():
        if row["period"] == LATEST:
            before = found.get((BEFORE, *(row[name] for name in _CELL[1:])))
            rows.append(
                {
                    **{name: row[name] for name in (*_CELL[1:], "customers", "contacts")},
                    **_shown(row, found[LATEST, ALL, ALL, ALL], smallest),
                    **_shown_before(before, smallest),
                }
            )
    return hide_small(rows, smallest, ["contacts", *_SCORES])


_COMPARED = ("contacts", "nps", "csat", "complaints", "days_to_resolve")
"""Shown beside those of the period before."""

_CELL = ("period", "grouping", "group", "stage")
_SCORES = (
    "nps",
    "nps_low",
    "nps_high",
    "nps_answers",
    "csat",
    "csat_answers",
    "complaints",
    "resolved",
    "days_to_resolve",
    "verdict",
    *(f"{name}_before" for name in _COMPARED),
)


def _shown_before(row: Row | None, smallest: int) -> Row:
    """Return the numbers of the period before; None where nothing is known, or of too few."""
    if row is None:
        return {f"{name}_before": None for name in _COMPARED}
    contacts = None if 0 < row["customers"] < smallest else row["contacts"]
    shown = {**_shown(row, row, smallest), "contacts": contacts}
    return {f"{name}_before": shown[name] for name in _COMPARED}


def _shown(row: Row, bank: Row, smallest: int) -> Row:
    score, of_bank, answers = _nps(row, smallest), _nps(bank, smallest), row["nps_answers"]
    low = high = verdict = None
    if score is not None:
        # of the mean of answers that are 100, 0 or -100
        spread = (row["promoters"] + row["detractors"]) / answers * 100**2 - score**2
        error = NORMAL * sqrt(max(spread, 0.0) / answers)
        low, high = score - error, score + error
        if of_bank is not None and row is not bank:
            verdict = "pain point" if high < of_bank else "opportunity" if low > of_bank else "as the bank"
    few_answers, few_complaints = row["csat_answers"] < smallest, row["complaints"] < smallest
    return {
        "nps": score,
        "nps_low": low,
        "nps_high": high,
        "nps_answers": None if 0 < answers < smallest else answers,
        "csat": None if few_answers else ratio(row["csat_points"], row["csat_answers"]),
        "csat_answers": None if few_answers and row["csat_answers"] else row["csat_answers"],
        "complaints": None if few_complaints and row["complaints"] else row["complaints"],
        "resolved": None if few_complaints and row["complaints"] else row["resolved"],
        "days_to_resolve": None if row["resolved"] < smallest else ratio(row["resolution_hours"], 24 * row["resolved"]),
        "verdict": verdict,
    }


def _nps(row: Row, smallest: int) -> float | None:
    if row["nps_answers"] < smallest:
        return None
    return ratio(100 * (row["promoters"] - row["detractors"]), row["nps_answers"])


def count_moments_of_truth(histories: Histories) -> pa.Table:
    """Count complaints old enough to see what followed, by time to their resolution and the answer about it."""
    context, columns = histories.context, histories.columns
    days = context.analytics.followed_days
    rows = histories.of_group(COMPLAINT_OPENED)
    rows = rows[histories.day[rows] + days <= context.today]
    customer, at = columns.customer[rows], columns.occurred[rows]
    end = at + days * DAY
    resolved_at = _resolved(histories, rows)
    resolved = (resolved_at >= 0) & (resolved_at <= end)
    waited = (resolved_at - at) // DAY
    band = np.where(resolved, np.searchsorted(_BAND_ENDS, waited), len(BANDS) - 1)
    csat, points = _scores(histories, CSAT, BEST_CSAT)
    place, answered = _first_within(histories, csat, customer, np.where(resolved, resolved_at, end), end)
    satisfied = answered & (points[place] >= SATISFIED) if len(csat) else answered
    later = histories.stages.at(customer, histories.day[rows] + days).stage
    lost = np.isin(later, [STAGES.values.index(stage.value) for stage in (Stage.DORMANT, Stage.LOST)])
    _, opened = _first_within(histories, histories.of_group(PRODUCT_OPENED), customer, at, end)
    nps, scores = _scores(histories, NPS, BEST_NPS)
    place, recommended = _first_within(histories, nps, customer, np.where(resolved, resolved_at, at), end)
    score = scores[place] if len(nps) else np.zeros(len(rows), dtype=np.int64)
    keys = {
        "resolved": Key(band, BANDS),
        "answer": Key(np.where(answered, np.where(satisfied, 0, 1), 2), ANSWERS),
    }
    measures = {
        "complaints": None,
        "dormant_or_lost": lost,
        "opened_product": opened,
        "nps_answers": recommended,
        "promoters": recommended & (score >= PROMOTER),
        "detractors": recommended & (score <= DETRACTOR),
        "customers": first_of_each(customer, keys),
    }
    return tally(keys, measures)


def finish_moments_of_truth(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show the shares of customers who left or bought after a complaint, and whether they would recommend the bank."""
    rows = [
        {
            "resolved": row["resolved"],
            "answer": row["answer"],
            "customers": row["customers"],
            "complaints": row["complaints"],
            "share_dormant_or_lost": ratio(row["dormant_or_lost"], row["complaints"]),
            "share_opened_product": ratio(row["opened_product"], row["complaints"]),
            "nps": _nps(row, context.analytics.smallest_cell),
        }
        for row in counts.to_pylist()
    ]
    rows.sort(key=lambda row: (BANDS.index(row["resolved"]), ANSWERS.index(row["answer"])))
    hidden = ["complaints", "share_dormant_or_lost", "share_opened_product", "nps"]
    return hide_small(rows, context.analytics.smallest_cell, hidden)


def _scores(histories: Histories, group: str, best: int) -> tuple[Int64Array, Int64Array]:
    """Return the events of a survey with a whole answer on its scale, and the answers."""
    rows = histories.of_group(group)
    amount = histories.columns.amount[rows]
    usable = (amount != MISSING) & (amount % SCALE == 0) & (amount >= 0) & (amount <= best * SCALE)
    return rows[usable], amount[usable] // SCALE


def _resolved(histories: Histories, complaints: Int64Array) -> Int64Array:
    """Return when each complaint's customer next got one resolved, microseconds UTC; -1 if not yet."""
    rows = histories.of_group(COMPLAINT_RESOLVED)
    never = np.full(len(complaints), -1, dtype=np.int64)
    if not len(rows):
        return never
    columns = histories.columns
    customer = columns.customer[complaints]
    place = histories.timeline(rows).position(customer, columns.occurred[complaints] + 1)
    inside = np.minimum(place, len(rows) - 1)
    found = (place < len(rows)) & (columns.customer[rows[inside]] == customer)
    return np.where(found, columns.occurred[rows[inside]], never)


def _touchpoint_before(histories: Histories, rows: Int64Array, touched: Int64Array) -> Int64Array:
    """Return the position of the last touchpoint before each event; -1 if there is none recent enough."""
    if not len(touched):
        return np.full(len(rows), -1, dtype=np.int64)
    columns, longest = histories.columns, histories.context.analytics.touchpoint_days * DAY
    last = touched[np.maximum(np.searchsorted(touched, rows) - 1, 0)]
    waited = columns.occurred[rows] - columns.occurred[last]
    found = (last < rows) & (columns.customer[last] == columns.customer[rows]) & (waited <= longest)
    return np.where(found, last, -1)


def _first_within(
    histories: Histories, rows: Int64Array, customer: Int64Array, after: Int64Array, until: Int64Array
) -> tuple[Int64Array, BoolArray]:
    """Find each customer's first of some events after a moment and at or before another; places among these events."""
    if not len(rows):
        return np.zeros(len(customer), dtype=np.int64), np.zeros(len(customer), dtype=bool)
    columns = histories.columns
    place = Timeline(columns.customer[rows], columns.occurred[rows]).position(customer, after + 1)
    inside = np.minimum(place, len(rows) - 1)
    found: BoolArray = (
        (place < len(rows)) & (columns.customer[rows[inside]] == customer) & (columns.occurred[rows[inside]] <= until)
    )
    return inside, found


def _groupings(histories: Histories, rows: Int64Array, about: Int64Array) -> dict[str, Key]:
    """Return each event's group: all, the type of its touchpoint, and its channel or else that of the touchpoint."""
    known = about >= 0
    types, channels = histories.type(np.maximum(about, 0)), histories.channel(rows)
    through = histories.channel(np.maximum(about, 0))
    missing = len(channels.names) - 1
    return {
        ALL: _one(ALL, len(rows)),
        "touchpoint": Key(np.where(known, types.codes, len(types.names) - 1), types.names),
        "channel": Key(np.where((channels.codes == missing) & known, through.codes, channels.codes), channels.names),
    }


def _one(name: str, rows: int) -> Key:
    return Key(np.zeros(rows, dtype=np.int64), (name,))
