"""Stages: sizes and flows over time, the months between, time in stage, and what precedes dormancy and loss."""

from __future__ import annotations

from collections import defaultdict
from math import exp, log, sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.estimate import NORMAL
from domain.journey import Stage
from events.vocabulary import ATTRIBUTES_TYPE
from features.building.journeys import STAGES
from features.journey.lifecycle import GRID_BEGINS, NO_STAGE
from features.kernel.arrays import Int64Array, spread
from journeys.figure import Row, Rows, hide_small, ratio
from journeys.histories import ALL, NONE, AnalyticsContext, Histories, first_days, months_of
from journeys.tally import Key, first_of_each, tally

TARGETS = (Stage.DORMANT.value, Stage.LOST.value)
"""Stages that a bank would rather prevent."""
_STILL = "still there"
_NAMES = (*STAGES.values, NONE)


def count_stage_flows(histories: Histories) -> pa.Table:
    """Count the customers who enter a stage at each midnight of the grid; new customers come from `none`."""
    changes = histories.stages
    keys = {
        "day": Key.of_days(changes.day),
        "from_stage": Key(np.where(changes.previous == NO_STAGE, len(STAGES.values), changes.previous), _NAMES),
        "to_stage": Key(changes.stage, _NAMES),
    }
    return tally(keys, {"customers": None})


def finish_stage_flows(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show entries into stages."""
    return hide_small(counts.to_pylist(), context.analytics.smallest_cell, [])


def finish_stage_sizes(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Add up the flows of `count_stage_flows`: a stage has those who have come and not gone."""
    return hide_small(stage_sizes(counts, context), context.analytics.smallest_cell, ["share"])


def stage_sizes(flows: pa.Table, context: AnalyticsContext) -> Rows:
    """Return the number of customers in each stage at every midnight of the grid, small cells included."""
    change: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in flows.to_pylist():
        change[row["day"]][row["to_stage"]] += row["customers"]
        change[row["day"]][row["from_stage"]] -= row["customers"]
    if not change:
        return []
    every, grid_begins = context.journey.evaluate_every_days, context.calendar.day_of(GRID_BEGINS)
    first = int(np.datetime64(min(change), "D").astype(np.int64))
    first -= (first - grid_begins) % every
    used = [stage for stage in STAGES.values if any(stage in moved for moved in change.values())]
    sizes, rows = dict.fromkeys(used, 0), Rows()
    for day in range(first, context.today + 1, every):
        name = str(np.datetime64(day, "D"))
        for stage in used:
            sizes[stage] += change[name][stage] if name in change else 0
        total = sum(sizes.values())
        rows += [
            {"day": name, "stage": stage, "customers": size, "share": ratio(size, total)}
            for stage, size in sizes.items()
        ]
    return rows


def count_stage_months(histories: Histories) -> pa.Table:
    """Count the customers by stage at the beginning of a whole month and at its end."""
    customer, month, begins, ends = _customer_months(histories)
    keys = {
        "month": Key.of_months(month),
        "from_stage": histories.stage(customer, begins),
        "to_stage": histories.stage(customer, ends),
    }
    counts = tally(keys, {"customers": None})
    return counts.filter(pc.not_equal(counts["to_stage"], NONE))


def finish_stage_months(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show the flows of whole months, as a share of the stage that customers come from."""
    rows, whole = counts.to_pylist(), dict[tuple[str, str], int]()
    for row in rows:
        whole[row["month"], row["from_stage"]] = whole.get((row["month"], row["from_stage"]), 0) + row["customers"]
    shown = ({**row, "share": ratio(row["customers"], whole[row["month"], row["from_stage"]])} for row in rows)
    return hide_small(shown, context.analytics.smallest_cell, ["share"])


def count_time_in_stage(histories: Histories) -> pa.Table:
    """Count stays by stage, by what came next (`still there` if nothing did), and by their length in local days."""
    changes, today = histories.stages, histories.context.today
    customer = changes.customer
    followed = np.append(customer[1:] == customer[:-1], False)[: len(customer)]
    days = np.where(followed, np.append(changes.day[1:], 0)[: len(customer)], today) - changes.day
    following = np.where(followed, np.append(changes.stage[1:], 0)[: len(customer)], len(STAGES.values))
    keys = {"stage": Key(changes.stage, _NAMES), "next_stage": Key(following, (*STAGES.values, _STILL))}
    marks = first_of_each(customer, {"stage": keys["stage"]})
    return tally({**keys, "days": Key.of_numbers(days)}, {"stays": None, "customers": marks})


def finish_time_in_stage(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show quartiles of the time in each stage by the product-limit estimate, which counts stays that go on.

    Source: Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.
    """
    stays: dict[str, Rows] = defaultdict(list)
    for row in counts.to_pylist():
        stays[row["stage"]].append(row)
    rows = []
    for stage in (name for name in STAGES.values if name in stays):
        ended = sum(row["stays"] for row in stays[stage] if row["next_stage"] != _STILL)
        quartiles = _quartiles(stays[stage])
        rows.append(
            {
                "stage": stage,
                "customers": sum(row["customers"] for row in stays[stage]),
                "stays_ended": ended,
                "stays_going_on": sum(row["stays"] for row in stays[stage]) - ended,
                **dict(zip(("days_quarter", "days_median", "days_three_quarters"), quartiles, strict=True)),
            }
        )
    hidden = ["stays_ended", "stays_going_on", "days_quarter", "days_median", "days_three_quarters"]
    return hide_small(rows, context.analytics.smallest_cell, hidden)


def _quartiles(stays: Rows) -> list[int | None]:
    """Return the days after which a quarter, half and three quarters have left; None if fewer have left so far."""
    ended, all_stays = defaultdict[int, int](int), defaultdict[int, int](int)
    for row in stays:
        all_stays[int(row["days"])] += row["stays"]
        ended[int(row["days"])] += row["stays"] if row["next_stage"] != _STILL else 0
    at_risk, remaining = sum(all_stays.values()), 1.0
    found: list[int | None] = [None, None, None]
    for days in sorted(all_stays):
        remaining *= 1 - ended[days] / at_risk
        at_risk -= all_stays[days]
        for place, share in enumerate((0.25, 0.5, 0.75)):
            if found[place] is None and remaining <= 1 - share + 1e-12:
                found[place] = days
    return found


def count_before_leaving(histories: Histories) -> pa.Table:
    """Count customer-months by what happened in the month before: how many ended them dormant, or lost.

    A customer-month is a whole month that a customer begins in an earlier stage than the target; it has moved if the
    customer ends it in the target. Event `all` counts every such month.
    """
    customer, month, begins, ends = _customer_months(histories)
    stage, later = histories.stages.at(customer, begins).stage, histories.stages.at(customer, ends).stage
    types = histories.columns.type
    place = np.full(histories.customer_count, -1, dtype=np.int64)
    firsts = np.flatnonzero(np.append(True, customer[1:] != customer[:-1])[: len(customer)])
    place[customer[firsts]] = firsts
    happened = np.zeros((len(types.names) + 1, len(customer)), dtype=bool)
    happened[-1] = True
    happening = np.flatnonzero(types.codes != -1)
    owner = histories.columns.customer[happening]
    offset = histories.month[happening] + 1 - (month[place[owner]] if len(month) else 0)
    rows = place[owner] + offset
    length = np.bincount(customer, minlength=histories.customer_count)[owner] if len(customer) else offset * 0
    usable = (place[owner] >= 0) & (offset >= 0) & (offset < length)
    happened[types.codes[happening[usable]], rows[usable]] = True
    names, parts = (*types.names, ALL), []
    for target in TARGETS:
        wanted = STAGES.values.index(target)
        begin_before = (stage != NO_STAGE) & (stage < wanted)
        kind, at = np.nonzero(happened & begin_before)
        keys = {"target": Key(np.zeros(len(at), dtype=np.int64), (target,)), "event": Key(kind, names)}
        marks = first_of_each(customer[at], {"event": keys["event"]})
        parts.append(tally(keys, {"months": None, "moved": later[at] == wanted, "customers": marks}))
    whole = pa.concat_tables(parts)
    return whole.filter(pc.not_equal(whole["event"], ATTRIBUTES_TYPE))


def finish_before_leaving(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show by how much more often customers move to the target after an event, with a 95 % interval.

    Source of the interval: Katz et al. (1978), of the logarithm of a ratio of two shares.
    """
    rows, every = Rows(), {row["target"]: row for row in counts.to_pylist() if row["event"] == ALL}
    for row in counts.to_pylist():
        whole = every[row["target"]]
        if row["event"] != ALL:
            rows.append({**row, **_relative_risk(row, whole)})
    hidden = ["months", "moved", "share_after", "share_otherwise", "relative_risk", "low", "high"]
    shown = hide_small(rows, context.analytics.smallest_cell, hidden)
    return sorted(shown, key=lambda row: (row["target"], -(row["relative_risk"] or 0), row["event"]))


def _relative_risk(row: Row, whole: Row) -> Row:
    months, moved = row["months"], row["moved"]
    others, others_moved = whole["months"] - months, whole["moved"] - moved
    share, otherwise = ratio(moved, months), ratio(others_moved, others)
    found: Row = {"share_after": share, "share_otherwise": otherwise, "relative_risk": None, "low": None, "high": None}
    if share and otherwise:
        risk = share / otherwise
        error = NORMAL * sqrt(1 / moved - 1 / months + 1 / others_moved - 1 / others)
        found |= {"relative_risk": risk, "low": exp(log(risk) - error), "high": exp(log(risk) + error)}
    return found


def telling_events(rows: Rows, target: str, most: int) -> Rows:
    """Choose events whose relative risk of a stage surely differs from 1; of too many, the largest and the smallest.

    Args:
        rows: Rows of the figure `before_leaving`, the largest risk first.
        target: Stage that customers enter.
        most: Maximum number of rows.
    """
    found = [row for row in rows if row["target"] == target and row["low"] is not None]
    sure = [row for row in found if row["low"] > 1 or row["high"] < 1]
    return sure if len(sure) <= most else [*sure[: most // 2], *sure[-most // 2 :]]


def _customer_months(histories: Histories) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """List whole months of customers, from the one in which they enter their first stage.

    Returns:
        Customer, month, its first local day and that of the next month, by customer and month.
    """
    changes, this_month = histories.stages, histories.context.this_month
    first = np.flatnonzero(np.append(True, changes.customer[1:] != changes.customer[:-1])[: len(changes.customer)])
    begun = months_of(changes.day[first])
    owner, month = spread(begun, np.full(len(begun), this_month, dtype=np.int64))
    customer = changes.customer[first][owner]
    return customer, month, first_days(month), first_days(month + 1)
