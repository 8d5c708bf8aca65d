"""Decide for everybody: online states to ranked offers, bucket by bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path

from prefect import flow

from decisioning.forensics import Forensics
from decisioning.funnel import Funnel
from decisioning.summary import Summary
from pipelines.artefacts import keep_table
from pipelines.bucket_work import part_name
from pipelines.current import current_features
from pipelines.feature_build import definitions_digest
from pipelines.plain import from_plain, to_plain
from pipelines.planning import plan_tonight, prices_for
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from serving.batch import OFFERS, decide_part, keep_circumstances, part_file
from serving.live.budgets import remaining as what_is_left
from wiring.parts import SEED, parts_anew, parts_of
from wiring.progress import progress_of


@flow(name="decide-for-everybody", timeout_seconds=4 * 3600)
def decide_for_everybody(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Rank offers for every customer and channel with the champions, and sum up per stage and rule."""
    parts = parts_anew(bank_folder)
    until = parts.midnight(parts.moment(as_of))
    versions = parts.decider(num_threads=os.cpu_count() or 1).versions
    code = code_digest("decisioning", "serving", "models")
    run = digest_of(parts.log.digest(), until, versions, definitions_digest(parts), code)
    remaining = what_is_left(parts.database, parts.policy, until)
    prices = prices_for(parts, run, parts.places.wishes / f"{until:%Y-%m-%d}-{run}", until, remaining)
    run = digest_of(run, prices) if prices else run
    folder = parts.places.decisions / f"{until:%Y-%m-%d}-{run}"
    if prices:
        keep_circumstances(folder, prices, remaining)
    results: list[StepResult] = []
    with progress_of("decide for everybody") as progress:
        for bucket in range(parts.log.buckets):
            results.append(
                do(
                    decide_bucket,
                    key=digest_of(run, bucket),
                    present=part_file(folder, OFFERS, part_name(bucket)).exists(),
                    bank_folder=bank_folder,
                    bucket=bucket,
                    as_of=until,
                    folder=str(folder),
                    prices=prices,
                    remaining=remaining,
                )
            )
            progress(bucket + 1, parts.log.buckets)
    with_customers = [bucket for bucket, result in enumerate(results) if result["customers"]]
    decided = [results[bucket] for bucket in with_customers]
    plan = plan_tonight(parts, folder, with_customers, until, prices, remaining)
    stages = reduce(add, [from_plain(Summary, result["summary"]) for result in decided]).to_arrow().to_pylist()
    rules = reduce(add, [from_plain(Funnel, result["funnel"]) for result in decided]).to_arrow().to_pylist()
    forensics = reduce(add, [from_plain(Forensics, result["forensics"]) for result in decided])
    keep_table("decisions", f"Decisions of {parts.name} as of {until}, per stage", stages)
    keep_table("funnel", f"What the rules of {parts.name} cost", rules)
    totals = {
        name: sum(result[name] for result in decided) for name in ("customers", "decisions", "offers", "recomputed")
    }
    return {
        **totals,
        "stages": stages,
        "rules": rules,
        "plan": plan,
        **{name: table.to_pylist() for name, table in forensics.to_arrow().items()},
        "folder": str(folder),
        "as_of": until.isoformat(),
    }


@kept_step("decide-for-bucket", timeout_seconds=3600)
def decide_bucket(
    key: str,
    bank_folder: str,
    bucket: int,
    as_of: datetime,
    folder: str,
    prices: Mapping[str, float],
    remaining: Mapping[str, float],
) -> StepResult:
    """Decide for one bucket of customers in all channels."""
    del key
    parts = parts_of(bank_folder)
    features, recomputed = current_features(parts, bucket, as_of)
    if not len(features):
        return {"customers": 0}
    result = decide_part(
        parts.decider(num_threads=os.cpu_count() or 1),
        features,
        folder=Path(folder),
        part=part_name(bucket),
        log=parts.decision_log,
        as_of=as_of,
        seed=SEED,
        prices=prices,
        remaining=remaining,
    )
    return {
        "customers": result.customers,
        "decisions": result.decisions,
        "offers": result.offers,
        "recomputed": recomputed,
        "funnel": to_plain(result.funnel),
        "summary": to_plain(result.summary),
        "forensics": to_plain(result.forensics),
    }
