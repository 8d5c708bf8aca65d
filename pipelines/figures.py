"""The flow that keeps figures over time, which the console shows."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import flow

from features.bucket.work import part_name
from features.journey.lifecycle import stage_history
from pipelines.steps import StepResult
from serving.batch.part import OFFERS, REJECTIONS, part_file
from serving.figures.daily_responses import KEYS, SCHEMA, added_up, daily_responses
from serving.figures.files import add_run, write_daily_responses, write_offers
from serving.figures.offer_counts import OfferCounts
from serving.service.engine import outbound_channels
from wiring.components import Components, reload_components


@flow(name="keep-figures", timeout_seconds=3600)
def keep_figures(bank_folder: str, decided: StepResult) -> StepResult:
    """Count responses by day and decisions by offer, and note the run.

    Args:
        bank_folder: The bank's folder.
        decided: Result of `pipelines.deciding.decide_for_everybody`.
    """
    components = reload_components(bank_folder)
    folder = components.places.figures
    responses = _responses(components)
    write_daily_responses(folder, responses, components.latest())
    write_offers(folder, decided["as_of"], _offers(components, Path(decided["folder"])))
    whole: dict[str, Any] = next((row for row in decided["stages"] if row["stage"] == "all"), {})
    run = {
        "folder": Path(decided["folder"]).name,
        "as_of": decided["as_of"],
        "versions": {"bank": components.bank.digest, "policy": components.policy.digest, **decided["models"]},
        "customers": decided["customers"],
        "decisions": decided["decisions"],
        "share_with_offer": whole.get("share_with_offer"),
        "expected_value": whole.get("expected_value"),
    }
    add_run(folder, run)
    return {"days": len(responses["day"].unique()), "rows": len(responses)}


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
        stages = pq.read_table(file) if file.exists() else stage_history(events, until, bank.feature_definitions)
        parts.append(
            daily_responses(told, stages, bank.vocabulary, bank.offers, outbound, components.calendar, until=until)
        )
    return added_up(pa.concat_tables(parts), KEYS)


def _offers(components: Components, folder: Path) -> list[dict[str, Any]]:
    offers = list(dict.fromkeys(offer.name for offer in components.bank.offers))
    rules = [rule.name for rule in components.policy.rules]
    parts = []
    for bucket in range(components.log.buckets):
        file = part_file(folder, OFFERS, part_name(bucket))
        if file.exists():  # a bucket without customers has none
            ranked = pq.read_table(file, columns=["offer", "rank", "propensity"])
            rejections = pq.read_table(
                part_file(folder, REJECTIONS, part_name(bucket)), columns=["offer", "first_failed"]
            )
            parts.append(OfferCounts.of(offers, rules, ranked, rejections))
    return reduce(add, parts).rows() if parts else []
