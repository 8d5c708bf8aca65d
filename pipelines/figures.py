"""The flow that keeps figures over time, which the console shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from features.responses import responses
from pipelines.steps import StepResult
from serving.batch.part import OFFERS, REJECTIONS, part_file
from serving.figures.calibration import calibration
from serving.figures.daily_responses import KEYS, SCHEMA, added_up, daily_responses
from serving.figures.files import OfferFigures, RunFigures, add_run, write_daily_responses, write_offers
from serving.figures.head_to_head import HeadToHead
from serving.figures.offer_counts import OfferCounts
from serving.figures.reach import Reach
from serving.service.engine import outbound_channels
from serving.what_if.logged import logged_outcomes
from wiring.components import Components, reload_components

CUSTOMER_AND_CHANNEL = ("customer_id", "channel")


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
    write_offers(folder, _offers(components, decided["as_of"], Path(decided["folder"])))
    whole: Mapping[str, Any] = next((row for row in decided["stages"] if row["stage"] == "all"), {})
    run = RunFigures(
        folder=Path(decided["folder"]).name,
        as_of=decided["as_of"],
        versions={"bank": components.bank.digest, "policy": components.policy.digest, **decided["models"]},
        customers=decided["customers"],
        decisions=decided["decisions"],
        share_with_offer=whole.get("share_with_offer"),
        expected_value=whole.get("expected_value"),
    )
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
        found = responses(told, bank.vocabulary, bank.offers, until)
        parts.append(daily_responses(found, stages, bank.offers, outbound, components.calendar))
    return added_up(pa.concat_tables(parts), KEYS)


def _offers(components: Components, as_of: str, folder: Path) -> OfferFigures:
    offers = list(dict.fromkeys(offer.name for offer in components.bank.offers))
    rules = [rule.name for rule in components.policy.rules]
    counts, meetings, reach, scores = [], [], [], []
    for bucket in range(components.log.buckets):
        file = part_file(folder, OFFERS, part_name(bucket))
        if file.exists():  # a bucket without customers has none
            ranked = pq.read_table(file, columns=[*CUSTOMER_AND_CHANNEL, "offer", "rank", "propensity", "value"])
            rejections = pq.read_table(part_file(folder, REJECTIONS, part_name(bucket)))
            counts.append(OfferCounts.of(offers, rules, ranked, rejections))
            meetings.append(HeadToHead.of(offers, ranked))
            reach.append(Reach.of(offers, ranked, rejections))
            scores.append(_worth(ranked))
    return OfferFigures(
        as_of=as_of,
        offers=reduce(add, counts).rows() if counts else [],
        head_to_head=reduce(add, meetings).rows() if meetings else [],
        reach=reduce(add, reach).to_json(_mean_worth(scores)) if reach else {},
        calibration=_calibration(components),
    )


def _calibration(components: Components) -> list[dict[str, Any]]:
    bank = components.bank
    if bank.vocabulary.contacts is None:
        return []
    return calibration(logged_outcomes(components.decision_log, components.log, bank, components.latest()))


def _worth(ranked: pa.Table) -> pa.Table:
    """Return number and sum of propensity x value of the ranked decisions for each offer."""
    expected = pc.multiply(ranked["propensity"], ranked["value"])
    table = pa.table({"offer": ranked["offer"].cast(pa.string()), "worth": expected})
    return table.group_by("offer").aggregate([("worth", "sum"), ("worth", "count")])


def _mean_worth(parts: Sequence[pa.Table]) -> dict[str, float]:
    """Return what a ranked decision for each offer brings on average."""
    sums = pa.concat_tables(parts).group_by("offer").aggregate([("worth_sum", "sum"), ("worth_count", "sum")])
    rows = sums.to_pylist()
    return {row["offer"]: row["worth_sum_sum"] / row["worth_count_sum"] for row in rows if row["worth_count_sum"]}
