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
from pipelines.steps import MADE_FROM, StepResult, code_digest, digest_of, do, kept_step, made_from
from serving.batch.part import OFFERS as RANKED
from serving.batch.part import REJECTIONS, part_file
from serving.figures.calibration import CalibrationRow, calibration
from serving.figures.daily_responses import KEYS, SCHEMA, added_up, daily_responses
from serving.figures.files import (
    DAILY_RESPONSES,
    OFFERS,
    OfferFigures,
    RunFigures,
    add_run,
    write_daily_responses,
    write_offers,
)
from serving.figures.head_to_head import HeadToHead
from serving.figures.offer_counts import OfferCounts
from serving.figures.reach import Reach
from serving.service.engine import outbound_channels
from serving.what_if.logged import logged_outcomes
from storage.atomic import replace_text
from wiring.components import Components, components_of, reload_components

CUSTOMER_AND_CHANNEL = ("customer_id", "channel")


@flow(name="keep-figures", timeout_seconds=3600)
def keep_figures(bank_folder: str, decided: StepResult) -> StepResult:
    """Count responses by day and decisions by offer, and note the run.

    Args:
        bank_folder: The bank's folder.
        decided: Result of `pipelines.deciding.decide_for_everybody`.
    """
    components = reload_components(bank_folder)
    folder, run_folder = components.places.figures, Path(decided["folder"])
    # what came of decisions is in the log, too
    code = code_digest("features", "serving", "decisioning")
    key = digest_of(components.log.digest(), components.bank.digest, run_folder.name, code)
    there = all((folder / name).exists() for name in (DAILY_RESPONSES, OFFERS))
    counted = do(
        count_figures,
        key=key,
        present=there and made_from(folder) == key,
        bank_folder=bank_folder,
        as_of=decided["as_of"],
        decided=str(run_folder),
    )
    whole: Mapping[str, Any] = next((row for row in decided["stages"] if row["stage"] == "all"), {})
    run = RunFigures(
        folder=run_folder.name,
        as_of=decided["as_of"],
        versions={"bank": components.bank.digest, "policy": components.policy.digest, **decided["models"]},
        customers=decided["customers"],
        decisions=decided["decisions"],
        share_with_offer=whole.get("share_with_offer"),
        expected_value=whole.get("expected_value"),
    )
    add_run(folder, run)
    return counted


@kept_step("count-figures", timeout_seconds=3600)
def count_figures(key: str, bank_folder: str, as_of: str, decided: str) -> StepResult:
    """Count responses by day, and the decisions of a run by offer; last comes the key of what they were made from.

    Args:
        key: Digest of log, bank, run and code.
        bank_folder: The bank's folder.
        as_of: Moment of the run.
        decided: Folder of the run.
    """
    components = components_of(bank_folder)
    folder, responses = components.places.figures, _responses(components)
    write_daily_responses(folder, responses, components.latest())
    write_offers(folder, _offers(components, as_of, Path(decided)))
    replace_text(folder / MADE_FROM, key)
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
        file = part_file(folder, RANKED, part_name(bucket))
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
        reach=reduce(add, reach).to_json(_mean_worth(scores)) if reach else None,
        calibration=_calibration(components),
    )


def _calibration(components: Components) -> list[CalibrationRow]:
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
