"""Decide for everybody: online states to ranked offers, bucket by bucket."""

from __future__ import annotations

import os
from datetime import datetime
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from prefect import flow

from decisioning.funnel import Funnel
from decisioning.summary import Summary
from events.segments import empty_table
from features.compute import compute_features
from features.moments import Moments
from features.state import features_from_states
from features.table import FeatureTable
from pipelines.artefacts import keep_table
from pipelines.bucket_moments import customers_in
from pipelines.bucket_work import part_name
from pipelines.feature_build import definitions_digest
from pipelines.plain import from_plain, to_plain
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from serving.batch import OFFERS, decide_part, part_file
from wiring.parts import SEED, Parts, parts_anew, parts_of
from wiring.progress import progress_of


@flow(name="decide-for-everybody", timeout_seconds=4 * 3600)
def decide_for_everybody(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Rank offers for every customer and channel with the champions, and sum up per stage and rule."""
    parts = parts_anew(bank_folder)
    until = parts.midnight(parts.moment(as_of))
    versions = parts.decider(num_threads=os.cpu_count() or 1).versions
    code = code_digest("decisioning", "serving", "models")
    run = digest_of(parts.log.digest(), until, versions, definitions_digest(parts), code)
    folder = parts.places.decisions / f"{until:%Y-%m-%d}-{run}"
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
                )
            )
            progress(bucket + 1, parts.log.buckets)
    decided = [result for result in results if result["customers"]]
    stages = reduce(add, [from_plain(Summary, result["summary"]) for result in decided]).to_arrow().to_pylist()
    rules = reduce(add, [from_plain(Funnel, result["funnel"]) for result in decided]).to_arrow().to_pylist()
    keep_table("decisions", f"Decisions of {parts.name} as of {until}, per stage", stages)
    keep_table("funnel", f"What the rules of {parts.name} cost", rules)
    totals = {
        name: sum(result[name] for result in decided) for name in ("customers", "decisions", "offers", "recomputed")
    }
    return {**totals, "stages": stages, "rules": rules, "folder": str(folder), "as_of": until.isoformat()}


@kept_step("decide-for-bucket", timeout_seconds=3600)
def decide_bucket(key: str, bank_folder: str, bucket: int, as_of: datetime, folder: str) -> StepResult:
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
    )
    return {
        "customers": result.customers,
        "decisions": result.decisions,
        "offers": result.offers,
        "recomputed": recomputed,
        "funnel": to_plain(result.funnel),
        "summary": to_plain(result.summary),
    }


def current_features(parts: Parts, bucket: int, midnight: datetime) -> tuple[FeatureTable, int]:
    """Read a bucket's customers from the online store.

    Who is not there as of this midnight (a run for an earlier moment, say) is computed from the log, which gives the
    same numbers.

    Returns:
        Features in the order of the bucket, and for how many customers they had to be computed.
    """
    bank = parts.bank
    customers = customers_in(parts.log.read_bucket(bucket, ["customer_id"]))
    read = parts.online.read(list(customers), midnight)
    tables = []
    if len(read.states):
        nothing = empty_table()  # the states are of this very midnight
        tables.append(features_from_states(read.states, nothing, midnight, bank.features, bank.journey, parts.calendar))
    rest = np.array([*read.missing, *read.stale], dtype=object)
    if len(rest) or not tables:
        events = parts.log.read_bucket(bucket)
        moments = Moments.at(rest, midnight)
        tables.append(compute_features(events, moments, bank.features, bank.journey, parts.calendar))
    return FeatureTable.concatenate(tables), len(rest)
