"""The flow that keeps figures over time, which the console shows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import flow

from features.journey.lifecycle import stage_history
from pipelines.bucket_work import part_name
from pipelines.steps import StepResult
from serving.figures.daily_responses import KEYS, SCHEMA, added_up, daily_responses
from serving.figures.files import add_run, write_daily_responses
from serving.service.engine import outbound_channels
from wiring.components import Components, reload_components


@flow(name="keep-figures", timeout_seconds=3600)
def keep_figures(bank_folder: str, decided: StepResult) -> StepResult:
    """Count responses by day, and note the run; `decided` is the result of `decide_for_everybody`."""
    components = reload_components(bank_folder)
    until = components.latest()
    counted = _responses(components)
    write_daily_responses(components.places.figures, counted, until)
    whole: dict[str, Any] = next((row for row in decided["stages"] if row["stage"] == "all"), {})
    run = {
        "folder": decided["folder"].rsplit("/", 1)[-1],
        "as_of": decided["as_of"],
        "versions": {"bank": components.bank.digest, "policy": components.policy.digest, **decided["models"]},
        "customers": decided["customers"],
        "decisions": decided["decisions"],
        "share_with_offer": whole.get("share_with_offer"),
        "expected_value": whole.get("expected_value"),
    }
    add_run(components.places.figures, run)
    return {"days": len(counted["day"].unique()), "rows": len(counted)}


def _responses(components: Components) -> pa.Table:
    """Count bucket by bucket, so that memory is bounded."""
    bank, log, until = components.bank, components.log, components.latest()
    contacts, outbound = bank.vocabulary.contacts, outbound_channels(bank.policy)
    if contacts is None:
        return SCHEMA.empty_table()
    types = pa.array([contacts.presented, contacts.accepted])
    parts = []
    for bucket in range(log.buckets):
        events = log.read_bucket(bucket)
        told = events.filter(pc.is_in(events["type"].cast(pa.string()), value_set=types))
        file = components.places.stage_history / f"{part_name(bucket)}.parquet"
        stages = (
            pq.read_table(file)
            if file.exists()
            else stage_history(events, until, bank.features, bank.journey, components.calendar)
        )
        parts.append(
            daily_responses(told, stages, bank.vocabulary, bank.offers, outbound, components.calendar, until=until)
        )
    return added_up(pa.concat_tables(parts), KEYS)
