"""Reads the customers behind a journey figure from the event log, bucket by bucket."""

from __future__ import annotations

from datetime import datetime

import pyarrow.parquet as pq

from features.bucket.work import part_name
from features.journey.lifecycle import stage_history
from features.kernel.columns import EVENT_COLUMNS
from journeys.audience import Audience
from journeys.histories import AnalyticsContext, Histories
from wiring.components import Components


def audience_of(components: Components, audience: Audience, as_of: datetime) -> list[str]:
    """Return the ids of the customers of an audience, sorted.

    Args:
        components: The bank's components.
        audience: Whom to find.
        as_of: Moment of the figures.
    """
    bank = components.bank
    found: list[str] = []
    context = AnalyticsContext(bank.vocabulary, bank.journey, bank.analytics, components.calendar, as_of)
    for bucket in range(components.log.buckets):
        events = components.log.read_bucket(bucket, EVENT_COLUMNS)
        file = components.places.stage_history / f"{part_name(bucket)}.parquet"
        stages = pq.read_table(file) if file.exists() else stage_history(events, as_of, bank.feature_definitions)
        found += audience.customers(Histories(events, stages, context))
    return sorted(found)
