"""A bank's events and stages, for tests of its journey figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from config.bank import Bank
from config.reading import load_bank
from domain.event import Event
from events.fingerprints import bucket_of
from events.schema import SCHEMA, table_of
from features.calendar import Calendar
from features.journey.lifecycle import stage_history
from journeys.figures import bucket_counts, finished_figures
from journeys.histories import AnalyticsContext, Histories
from tests.features.demo import random_log

DEMO = load_bank(Path(__file__).parents[2] / "banks" / "demo")
ORDER = [(name, "ascending") for name in ("customer_id", "occurred_at", "event_id")]
AS_OF = datetime(2026, 7, 16, tzinfo=DEMO.time_zone)


@dataclass(frozen=True)
class JourneyBank:
    """Events and stages of all customers, and what figures depend on."""

    events: pa.Table
    stages: pa.Table
    context: AnalyticsContext

    def figures(self, buckets: int = 3) -> dict[str, pa.Table]:
        """Computed bucket by bucket, as the flow does."""
        of_events = bucket_of(self.events["customer_id"].combine_chunks(), buckets)
        of_stages = bucket_of(self.stages["customer_id"].combine_chunks(), buckets)
        parts = []
        for bucket in range(buckets):
            events = self.events.filter(pa.array(of_events == bucket))
            stages = self.stages.filter(pa.array(of_stages == bucket))
            parts.append(bucket_counts(Histories(events, stages, self.context)))
        return finished_figures(parts, self.context)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.figures()[name].to_pylist()


def bank_of_events(
    events: Sequence[Event] | pa.Table, *, bank: Bank = DEMO, as_of: datetime = AS_OF, **analytics: Any
) -> JourneyBank:
    """A bank with these events; every cell is shown unless `smallest_cell` says otherwise."""
    table = (events if isinstance(events, pa.Table) else table_of(events)).sort_by(ORDER)
    calendar = Calendar(bank.time_zone)
    visible = SCHEMA.empty_table() if not len(table) else table
    stages = stage_history(visible, as_of, bank.feature_definitions)
    settings = replace(bank.analytics, **{"smallest_cell": 1, **analytics})
    return JourneyBank(visible, stages, AnalyticsContext(bank.vocabulary, bank.journey, settings, calendar, as_of))


def random_bank(seed: int, customers: int = 200, events: int = 12_000, **analytics: Any) -> JourneyBank:
    """A bank where everything happens at random: repeated, late, out of order, at the same time."""
    return bank_of_events(random_log(DEMO.vocabulary, customers, events, seed), **analytics)
