"""The funnel of every product's sub-journey, and where journeys break."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.kernel.arrays import BoolArray, Int64Array, spread
from features.kernel.timeline import Timeline
from journeys.figure import NOTE, Row, Rows, hide_small, ratio
from journeys.histories import ALL, DAY, AnalyticsContext, Histories, first_days
from journeys.passages import Passages, passages_of
from journeys.settings import ACTIVITY
from journeys.tally import Key, first_of_each, tally

_HOUR = 3_600_000_000
SAME_CHANNEL, SILENT = "same channel", "silent"
"""What a customer does after a broken journey who does not go on in another channel."""


def count_funnel(histories: Histories) -> pa.Table:
    """Count journeys by the month in which they began and by the steps they reached: all, by channel, by segment.

    A journey's channel is that of its first event. It counts at each step that it reached.
    """
    passages, names = histories.once(passages_of), _step_names(histories.context)
    waits = _hours_to_next(histories, passages, len(names))
    owner, step = spread(np.zeros_like(passages.reached), passages.reached + 1)
    went_on = step < passages.reached[owner]
    stopped = ~went_on & passages.broken[owner]
    parts = []
    for grouping, group in _groupings(histories, passages).items():
        keys = {
            "product": passages.product.take(owner),
            "month": Key.of_months(passages.month).take(owner),
            "grouping": Key(np.zeros(len(owner), dtype=np.int64), (grouping,)),
            "group": group.take(owner),
            "step": Key(step, names),
        }
        measures = {
            "journeys": None,
            "went_on": went_on,
            "stopped": stopped,
            "under_way": ~went_on & passages.under_way[owner],
            "hours_to_next": waits[owner, step],
            "customers": first_of_each(passages.customer[owner], keys),
        }
        parts.append(tally(keys, measures))
    return pa.concat_tables(parts)


def finish_funnel(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show the share that reaches each step, the drop-off among journeys that have ended, and the month before."""
    steps = _step_names(context)
    found = {_cell(row): row for row in counts.to_pylist()}
    smallest, rows = context.analytics.smallest_cell, Rows()
    for row in sorted(found.values(), key=lambda row: (*(row[name] for name in _CELL[:-1]), steps.index(row["step"]))):
        begun = found[_cell(row, step=steps[0])]
        before = found.get(_cell(row, month=_month_before(row["month"])))
        begun_before = found.get(_cell(row, month=_month_before(row["month"]), step=steps[0]))
        is_last, ended = row["step"] == steps[-1], row["journeys"] - row["under_way"]
        is_known = begun_before is not None and begun_before["customers"] >= smallest
        rows.append(
            {
                **{name: value for name, value in row.items() if name != "hours_to_next"},
                "share": ratio(row["journeys"], begun["journeys"]),
                "drop_off": None if is_last else ratio(row["stopped"], ended),
                "days_to_next": ratio(row["hours_to_next"], 24 * row["went_on"])
                if row["went_on"] >= smallest
                else None,
                "share_before": ratio(before["journeys"] if before else 0, begun_before["journeys"])
                if is_known and begun_before
                else None,
                **_young(row["month"], context),
            }
        )
    hidden = ["journeys", "went_on", "stopped", "under_way", "share", "drop_off", "days_to_next", "share_before"]
    return hide_small(rows, smallest, hidden)


def count_broken_journeys(histories: Histories) -> pa.Table:
    """Count broken journeys by month, step and channel of their last event, and by what followed.

    What follows is the customer's next activity in another channel within `pause_days`, and after how many hours;
    without one, `same channel` if there was any activity, else `silent`.
    """
    passages, names = histories.once(passages_of), _step_names(histories.context)
    broken = np.flatnonzero(passages.broken)
    last, customer = passages.last[broken], passages.customer[broken]
    channel = histories.channel(last)
    following, hours = _what_followed(histories, last, customer, channel)
    keys = {
        "product": passages.product.take(broken),
        "month": Key.of_months(histories.month[last]),
        "step": Key(passages.reached[broken], names),
        "channel": channel,
        "then": following,
    }
    tried = (histories.columns.occurred[last] - passages.begun[broken]) // _HOUR
    marks = first_of_each(customer, keys)
    return tally(keys, {"journeys": None, "hours_tried": tried, "hours_until": hours, "customers": marks})


def finish_broken_journeys(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show how long customers tried before they stopped, and how long it took until they went on elsewhere."""
    rows, whole = counts.to_pylist(), dict[tuple[str, ...], int]()
    for row in rows:
        place = tuple(str(row[name]) for name in ("product", "month", "step", "channel"))
        whole[place] = whole.get(place, 0) + row["journeys"]
    shown = []
    for row in rows:
        place = tuple(str(row[name]) for name in ("product", "month", "step", "channel"))
        before = whole.get((row["product"], _month_before(row["month"]), row["step"], row["channel"]), 0)
        shown.append(
            {
                **{name: value for name, value in row.items() if not name.startswith("hours_")},
                "share": ratio(row["journeys"], whole[place]),
                "days_tried": ratio(row["hours_tried"], 24 * row["journeys"]),
                "days_until": None if row["then"] == SILENT else ratio(row["hours_until"], 24 * row["journeys"]),
                # a small number of journeys cannot be of many customers
                "stopped_before": before if not 0 < before < context.analytics.smallest_cell else None,
                **_young(row["month"], context),
            }
        )
    hidden = ["journeys", "share", "days_tried", "days_until", "stopped_before"]
    return hide_small(shown, context.analytics.smallest_cell, hidden)


_CELL = ("product", "month", "grouping", "group", "step")


def _cell(row: Row, **other: str) -> tuple[str, ...]:
    return tuple(other.get(name, str(row[name])) for name in _CELL)


def _step_names(context: AnalyticsContext) -> tuple[str, ...]:
    return tuple(name for name, _ in context.analytics.steps_of(context.vocabulary))


def _groupings(histories: Histories, passages: Passages) -> dict[str, Key]:
    found = {
        ALL: Key(np.zeros(len(passages.customer), dtype=np.int64), (ALL,)),
        "channel": histories.channel(passages.first),
    }
    if histories.context.analytics.segment is not None:
        found["segment"] = histories.segment.take(passages.customer)
    return found


def _hours_to_next(histories: Histories, passages: Passages, steps: int) -> Int64Array:
    """Return the whole hours from reaching each step to the next one that was reached, shape (n, steps)."""
    hours = np.zeros((len(passages.customer), max(steps, 1)), dtype=np.int64)
    same = passages.level_passage[1:] == passages.level_passage[:-1]
    at = histories.columns.occurred[passages.levels]
    hours[passages.level_passage[:-1][same], passages.level_step[:-1][same]] = ((at[1:] - at[:-1]) // _HOUR)[same]
    return hours


def _what_followed(
    histories: Histories, last: Int64Array, customer: Int64Array, channel: Key
) -> tuple[Key, Int64Array]:
    """Return the channel in which each customer went on, and whole hours until then."""
    columns, pause = histories.columns, histories.context.analytics.pause_days * DAY
    names = (*columns.channel.names, SAME_CHANNEL, SILENT)
    stayed, silent = len(names) - 2, len(names) - 1
    rows = histories.of_group(ACTIVITY)
    rows = rows[columns.channel.codes[rows] >= 0]
    if not len(rows):
        return Key(np.full(len(last), silent, dtype=np.int64), names), np.zeros(len(last), dtype=np.int64)
    who, at, own = columns.customer[rows], columns.occurred[rows], columns.channel.codes[rows].astype(np.int64)
    # the activity after each one that is of another customer or in another channel
    changes = np.flatnonzero((who[1:] != who[:-1]) | (own[1:] != own[:-1])) + 1
    other = np.append(changes, len(rows))[np.searchsorted(changes, np.arange(len(rows)), side="right")]

    def within(place: Int64Array) -> BoolArray:
        inside = np.minimum(place, len(rows) - 1)
        found: BoolArray = (
            (place < len(rows)) & (who[inside] == customer) & (at[inside] - columns.occurred[last] <= pause)
        )
        return found

    following = Timeline(who, at).position(customer, columns.occurred[last] + 1)
    active, inside = within(following), np.minimum(following, len(rows) - 1)
    elsewhere = np.where(active & (own[inside] == channel.codes), other[inside], following)
    moved = within(elsewhere)
    place = np.minimum(np.where(moved, elsewhere, following), len(rows) - 1)
    codes = np.where(moved, own[place], np.where(active, stayed, silent))
    hours = np.where(active, (at[place] - columns.occurred[last]) // _HOUR, 0)
    return Key(codes, names), hours


def _month_before(month: str) -> str:
    return str(np.datetime64(month, "M") - 1)


def _young(month: str, context: AnalyticsContext) -> Row:
    """Note a month whose journeys may still go on."""
    next_month = int(np.datetime64(month, "M").astype(np.int64)) + 1
    settled = date(1970, 1, 1) + timedelta(
        days=int(first_days(np.array([next_month]))[0]) + context.analytics.pause_days
    )
    if context.calendar.day_of(settled) <= context.today:
        return {NOTE: None}
    return {NOTE: f"too young: complete on {settled}"}
