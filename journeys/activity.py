"""Activity: active customers, retention, products held together, channel switches, referrals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.kernel.arrays import BoolArray, Int64Array
from journeys.figure import NOTE, Row, Rows, hide_small, ratio
from journeys.histories import DAY, AnalyticsContext, Histories
from journeys.settings import ACTIVITY, PRODUCT_CLOSED, PRODUCT_OPENED, REFERRAL
from journeys.tally import Key, first_of_each, tally


def count_active_customers(histories: Histories) -> pa.Table:
    """Count customers with any activity, by local day and by month."""
    rows = histories.of_group(ACTIVITY)
    parts = []
    for grain, key in (("day", Key.of_days(histories.day[rows])), ("month", Key.of_months(histories.month[rows]))):
        keys = {"grain": Key(np.zeros(len(rows), dtype=np.int64), (grain,)), "period": key}
        parts.append(tally(keys, {"customers": _news(histories, rows, key.codes), "activities": None}))
    return pa.concat_tables(parts)


def finish_active_customers(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show active customers beside those of a week or a month before; the month that is not over is noted."""
    this_month, smallest = str(np.datetime64(context.this_month, "M")), context.analytics.smallest_cell
    found = {(row["grain"], row["period"]): row["customers"] for row in counts.to_pylist()}
    rows = (
        {
            **row,
            "customers_before": _of_enough(found.get((row["grain"], _before(row["grain"], row["period"]))), smallest),
            NOTE: "not over" if row["period"] == this_month else None,
        }
        for row in counts.to_pylist()
    )
    return hide_small(rows, smallest, ["activities", "customers_before"])


def count_retention(histories: Histories) -> pa.Table:
    """Count active customers by the month of their first activity and the months since."""
    rows = histories.of_group(ACTIVITY)
    rows = rows[_news(histories, rows, histories.month[rows])]
    customer, month = histories.columns.customer[rows], histories.month[rows]
    starts = np.flatnonzero(np.append(True, customer[1:] != customer[:-1])[: len(customer)])
    began = np.zeros(histories.customer_count, dtype=np.int64)
    began[customer[starts]] = month[starts]
    cohort = began[customer]
    keys = {"cohort": Key.of_months(cohort), "months_since": Key.of_numbers(month - cohort)}
    return tally(keys, {"customers": None})


def finish_retention(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show the share of each cohort that is active in a later month; nobody active is a row with 0."""
    found = {(row["cohort"], int(row["months_since"])): row["customers"] for row in counts.to_pylist()}
    rows = []
    for cohort in sorted({cohort for cohort, _ in found}):
        size = found[cohort, 0]
        for since in range(context.this_month - int(np.datetime64(cohort, "M").astype(np.int64)) + 1):
            customers = found.get((cohort, since), 0)
            is_over = np.datetime64(cohort, "M") + since < np.datetime64(context.this_month, "M")
            row: Row = {
                "cohort": cohort,
                "months_since": since,
                "cohort_customers": size,
                "customers": customers,
                "share": ratio(customers, size),
                NOTE: None if is_over else "not over",
            }
            rows.append(row)
    smallest = context.analytics.smallest_cell
    return hide_small(hide_small(rows, smallest, ["share"]), smallest, ["share", "customers"], "cohort_customers")


def count_cross_sell(histories: Histories) -> pa.Table:
    """Count customers who hold two products at the end, and those who opened one next after the other.

    A product is held if it was opened more often than closed. A product beside itself counts its holders.
    """
    columns, products = histories.columns, histories.columns.product.names
    both = _held_together(histories, histories.context.today)
    both_before = _held_together(histories, histories.context.today - histories.context.analytics.period_days)
    opened = histories.of_group(PRODUCT_OPENED)
    opened = opened[columns.product.codes[opened] >= 0]
    customer, product = columns.customer[opened], columns.product.codes[opened].astype(np.int64)
    follows = np.flatnonzero((customer[1:] == customer[:-1]) & (product[1:] != product[:-1]))
    pair = {"product": Key(product[follows], products), "other": Key(product[follows + 1], products)}
    waited = (columns.occurred[opened[follows + 1]] - columns.occurred[opened[follows]]) // DAY
    marks = first_of_each(customer[follows], pair)
    first, second = np.nonzero(both | both_before)
    nothing = np.zeros(len(first), dtype=np.int64)
    names = ("customers", "customers_before", "opened_next", "days_to_next", "openings_next")
    held = both[first, second], both_before[first, second]
    matrix = tally(
        {"product": Key(first, products), "other": Key(second, products)},
        dict(zip(names, (*held, nothing, nothing, nothing), strict=True)),
    )
    zeros = np.zeros(len(follows), dtype=np.int64)
    sequence = tally(pair, dict(zip(names, (zeros, zeros, marks, waited, zeros + 1), strict=True)))
    return pa.concat_tables([matrix, sequence])


def _held_together(histories: Histories, day: int) -> Int64Array:
    """Return how many customers hold two products when a day begins; shape (products, products)."""
    columns = histories.columns
    held = np.zeros((histories.customer_count, len(columns.product.names)), dtype=np.int64)
    for group, change in ((PRODUCT_OPENED, 1), (PRODUCT_CLOSED, -1)):
        rows = histories.of_group(group)
        rows = rows[(columns.product.codes[rows] >= 0) & (histories.day[rows] < day)]
        np.add.at(held, (columns.customer[rows], columns.product.codes[rows]), change)
    holds = (held > 0).astype(np.int64)
    both: Int64Array = holds.T @ holds
    return both


def finish_cross_sell(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show the share of a product's holders who hold the other, and who did a period before."""
    rows, smallest = counts.to_pylist(), context.analytics.smallest_cell
    holders, before = (
        {row["product"]: row[name] for row in rows if row["product"] == row["other"]}
        for name in ("customers", "customers_before")
    )
    shown = []
    for row in rows:
        next_shown = row["opened_next"] == 0 or row["opened_next"] >= smallest
        shown.append(
            {
                "product": row["product"],
                "other": row["other"],
                "customers": row["customers"],
                "share": ratio(row["customers"], holders.get(row["product"], 0)),
                "share_before": None
                if 0 < row["customers_before"] < smallest
                else ratio(row["customers_before"], before.get(row["product"], 0)),
                "opened_next": row["opened_next"] if next_shown else None,
                "days_to_next": ratio(row["days_to_next"], row["openings_next"]) if next_shown else None,
                NOTE: None if next_shown else f"next: fewer than {smallest} customers",
            }
        )
    return hide_small(shown, smallest, ["share", "share_before"])


def count_channel_switches(histories: Histories) -> pa.Table:
    """Count pairs of activities one after the other, by month of the second and by their channels."""
    columns, longest = histories.columns, histories.context.analytics.switch_days * DAY
    rows = histories.of_group(ACTIVITY)
    rows = rows[columns.channel.codes[rows] >= 0]
    customer, at = columns.customer[rows], columns.occurred[rows]
    pairs = np.flatnonzero((customer[1:] == customer[:-1]) & (at[1:] - at[:-1] <= longest))
    channel = columns.channel.codes[rows].astype(np.int64)
    keys = {
        "month": Key.of_months(histories.month[rows[pairs + 1]]),
        "from_channel": Key(channel[pairs], columns.channel.names),
        "to_channel": Key(channel[pairs + 1], columns.channel.names),
    }
    return tally(keys, {"moves": None, "customers": first_of_each(customer[pairs], keys)})


def finish_channel_switches(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show where customers go next, as a share of all who were active in a channel."""
    rows, whole = counts.to_pylist(), dict[tuple[str, str], int]()
    for row in rows:
        place = row["month"], row["from_channel"]
        whole[place] = whole.get(place, 0) + row["moves"]
    this_month, smallest = str(np.datetime64(context.this_month, "M")), context.analytics.smallest_cell
    shares = {
        (row["month"], row["from_channel"], row["to_channel"]): ratio(
            row["moves"], whole[row["month"], row["from_channel"]]
        )
        for row in rows
        if row["customers"] >= smallest
    }
    shown = (
        {
            **row,
            "share": ratio(row["moves"], whole[row["month"], row["from_channel"]]),
            "share_before": shares.get((_before("month", row["month"]), row["from_channel"], row["to_channel"])),
            NOTE: "not over" if row["month"] == this_month else None,
        }
        for row in rows
    )
    return hide_small(shown, smallest, ["moves", "share", "share_before"])


def count_referral(histories: Histories) -> pa.Table:
    """Count referrals by month and channel."""
    rows = histories.of_group(REFERRAL)
    keys = {"month": Key.of_months(histories.month[rows]), "channel": histories.channel(rows)}
    return tally(keys, {"referrals": None, "customers": first_of_each(histories.columns.customer[rows], keys)})


def finish_referral(counts: pa.Table, context: AnalyticsContext) -> Rows:
    """Show referrals and the customers who made them, beside the referrals of the month before."""
    this_month, smallest = str(np.datetime64(context.this_month, "M")), context.analytics.smallest_cell
    found = {
        (row["month"], row["channel"]): row["referrals"] for row in counts.to_pylist() if row["customers"] >= smallest
    }
    rows = (
        {
            **row,
            "referrals_before": found.get((_before("month", row["month"]), row["channel"])),
            NOTE: "not over" if row["month"] == this_month else None,
        }
        for row in counts.to_pylist()
    )
    return hide_small(rows, smallest, ["referrals", "referrals_before"])


def _before(grain: str, period: str) -> str:
    """Return the period to compare with: the month before, or the same day of the week before.

    Example:
        >>> _before("month", "2026-01"), _before("day", "2026-01-05")
        ('2025-12', '2025-12-29')
    """
    return str(np.datetime64(period, "M") - 1) if grain == "month" else str(np.datetime64(period, "D") - 7)


def _of_enough(customers: int | None, smallest: int) -> int | None:
    return None if customers is None or customers < smallest else customers


def _news(histories: Histories, rows: Int64Array, unit: NDArray[np.integer]) -> BoolArray:
    """Mark the first of each customer's events in each unit of time; events are in order of customer and time."""
    customer = histories.columns.customer[rows]
    marks = np.ones(len(rows), dtype=bool)
    marks[1:] = (customer[1:] != customer[:-1]) | (unit[1:] != unit[:-1])
    return marks
