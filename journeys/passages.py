"""Product journeys: each customer's way through the steps of a product's funnel, until it is done or broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.arrays import BoolArray, Int64Array
from journeys.histories import DAY, Histories
from journeys.tally import Key


@dataclass(frozen=True, slots=True)
class Passages:
    """The product journeys of some customers; n of them, by customer, product and time.

    A journey begins with a step. It ends with the last step, or breaks after `pause_days` without any step; the next
    step begins another one. It has reached the latest of its steps, and with it all earlier ones.

    Attributes:
        customer: Customer codes.
        product: Product of each journey.
        begun: Its first event, microseconds UTC.
        month: Local month of its first event, counted from January 1970.
        reached: Latest step.
        first: Position of its first event.
        last: Position of its last event.
        converted: Whether it reached the last step.
        under_way: Whether it may still go on.
        levels: Position of the first event at each newly reached step.
        level_passage: Number of the journey of each of these.
        level_step: Step of each of these; a journey's ascend.
    """

    customer: Int64Array
    product: Key
    begun: Int64Array
    month: Int64Array
    reached: Int64Array
    first: Int64Array
    last: Int64Array
    converted: BoolArray
    under_way: BoolArray
    levels: Int64Array
    level_passage: Int64Array
    level_step: Int64Array

    @property
    def broken(self) -> BoolArray:
        """Whether it ended before the last step."""
        return ~(self.converted | self.under_way)


def passages_of(histories: Histories) -> Passages:
    """Find the product journeys among the events of the funnel's steps that carry a product."""
    columns, context = histories.columns, histories.context
    steps = context.analytics.steps_of(context.vocabulary)
    step_of = np.full(len(columns.type.names) + 1, -1, dtype=np.int64)
    for position, (_, types) in enumerate(steps):
        for code, name in enumerate(columns.type.names):
            if name in types:
                step_of[code] = position  # a type of two steps is the later one
    step_of_event = step_of[columns.type.codes]
    rows = np.flatnonzero((step_of_event >= 0) & (columns.product.codes >= 0))
    products = max(len(columns.product.names), 1)
    owner = columns.customer[rows] * products + columns.product.codes[rows]
    order = np.argsort(owner, kind="stable")  # in order of time within each
    rows, owner = rows[order], owner[order]
    at, step = columns.occurred[rows], step_of_event[rows]
    final, pause = len(steps) - 1, context.analytics.pause_days * DAY
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (owner[1:] != owner[:-1]) | (at[1:] - at[:-1] > pause) | (step[:-1] == final)
    passage = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(rows))[: len(starts)] - 1
    # the number of the journey dominates, so the running maximum starts again with each
    level = np.maximum.accumulate(passage * (final + 1) + step) if len(rows) else passage
    rises = np.flatnonzero(np.append(True, level[1:] != level[:-1])[: len(rows)])
    reached = level[ends] % (final + 1) if len(rows) else level
    converted = reached == final
    return Passages(
        customer=columns.customer[rows[starts]],
        product=Key(columns.product.codes[rows[starts]].astype(np.int64), columns.product.names),
        begun=at[starts],
        month=histories.month[rows[starts]],
        reached=reached,
        first=rows[starts],
        last=rows[ends],
        converted=converted,
        under_way=~converted & (context.as_of_utc - at[ends] <= pause),
        levels=rows[rises],
        level_passage=passage[rises],
        level_step=level[rises] % (final + 1) if len(rows) else level,
    )
