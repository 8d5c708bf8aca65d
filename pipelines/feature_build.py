"""Build features: past moments for the offline store, the state of last midnight for the online store."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from prefect import flow

from features.compute import compute_features
from features.journey.lifecycle import stage_history
from features.moments import Moments
from features.state import compute_states
from models.inputs import model_inputs
from models.labels import anchors, responses
from pipelines.artefacts import keep_table
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from wiring.parts import Parts, parts_anew, parts_of
from wiring.progress import progress_of


@flow(name="build-features", timeout_seconds=4 * 3600)
def build_features(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Build the features of every bucket of customers whose events, definitions or moments have changed."""
    parts = parts_anew(bank_folder)
    until = parts.moment(as_of)
    inputs = model_inputs(parts.bank.features, parts.bank.models.training.exclude)
    parts.repository.apply(parts.bank.features, {"churn": inputs, "propensity": inputs})
    there = parts.offline.fingerprints()
    definitions = definitions_digest(parts)
    current: dict[str, str] = {}
    results: list[StepResult] = []
    with progress_of("build features") as progress:
        for bucket in range(parts.log.buckets):
            key = digest_of(parts.log.bucket_digest(bucket), until, definitions, bucket)
            name = part_name(bucket)
            present = there.get(name) == key and _is_online(parts, bucket, until)
            result = do(build_bucket, key=key, present=present, bank_folder=bank_folder, bucket=bucket, as_of=until)
            if result["rows"]:
                current[name] = key
            results.append(result)
            progress(bucket + 1, parts.log.buckets)
    parts.offline.remove_stale(current)
    keep_table("features", f"Features of {parts.name} as of {until}", results)
    totals = {name: sum(result[name] for result in results) for name in ("customers", "rows", "online")}
    return {**totals, "features": len(parts.offline.names), "as_of": until.isoformat()}


@kept_step("build-features-of-bucket", timeout_seconds=3600)
def build_bucket(key: str, bank_folder: str, bucket: int, as_of: datetime) -> StepResult:
    """Compute one bucket of customers: rows for training, stage history, and the state of `as_of`'s midnight."""
    parts = parts_of(bank_folder)
    bank, calendar = parts.bank, parts.calendar
    events = parts.log.read_bucket(bucket)
    customers = customers_in(events)
    if not len(customers):
        return {"bucket": bucket, "customers": 0, "rows": 0, "online": 0}
    moments = training_moments(parts, events, as_of)
    rows = 0
    if len(moments):
        table = compute_features(events, moments, bank.features, bank.journey, calendar, parts.offline.names)
        parts.offline.write(part_name(bucket), table, key)
        rows = len(table)
    history = stage_history(events, as_of, bank.features, bank.journey, calendar)
    _keep_stage_history(parts, bucket, history)
    midnight = parts.midnight(as_of)
    states = compute_states(events, customers, midnight, bank.features, bank.journey, calendar)
    online = parts.online.materialise(states, datetime.now(UTC))
    return {"bucket": bucket, "customers": len(customers), "rows": rows, "online": online.written}


def part_name(bucket: int) -> str:
    """Name of a bucket's part."""
    return f"bucket-{bucket:03d}"


def customers_in(events: pa.Table) -> NDArray[np.object_]:
    """Customers of a bucket, in its order."""
    return np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)


def training_moments(parts: Parts, events: pa.Table, until: datetime) -> Moments:
    """Moments that models learn from: every customer of the time at churn's anchors, and every contact's own."""
    bank = parts.bank
    asked = churn_anchors(parts, until)
    first = events.group_by("customer_id").aggregate([("occurred_at", "min")])
    since = first["occurred_at_min"].combine_chunks().cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    ids = np.array(first["customer_id"].to_pylist(), dtype=object)
    here = since[:, None] < asked[None, :]
    customer, anchor = np.nonzero(here)
    known = [Moments(ids[customer], asked[anchor])]
    if bank.vocabulary.contacts is not None:
        known.append(responses(events, bank.vocabulary, bank.offers, until).moments)
    return Moments(
        np.concatenate([moments.customer_ids for moments in known]),
        np.concatenate([moments.as_of.astype("datetime64[us]") for moments in known]),
    )


def churn_anchors(parts: Parts, until: datetime) -> NDArray[np.datetime64]:
    """Moments at which churn is asked, up to the last whose answer is known at `until`."""
    first = parts.log.first_occurred_at()
    if first is None:
        return np.empty(0, dtype="datetime64[us]")
    models = parts.bank.models
    return anchors(first, until, models.training, models.churn, parts.calendar)


def definitions_digest(parts: Parts) -> str:
    """Digest of whatever decides how events become features."""
    bank = parts.bank
    return digest_of(
        tuple(bank.features.features.values()),
        bank.journey,
        bank.identity.time_zone,
        bank.models.churn,
        bank.models.training,
        bank.vocabulary,
        code_digest("domain", "expressions", "events", "features"),
    )


def _keep_stage_history(parts: Parts, bucket: int, history: pa.Table) -> None:
    """Write a bucket's file beside its place and move it there, so that readers never see half of it."""
    folder = parts.places.stage_history
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{part_name(bucket)}.new"
    pq.write_table(history, beside)
    beside.replace(folder / f"{part_name(bucket)}.parquet")


def _is_online(parts: Parts, bucket: int, until: datetime) -> bool:
    """Tell whether the bucket's first customer has the state of this midnight or a later one."""
    events = parts.log.read_bucket(bucket, ["customer_id"])
    if not len(events):
        return True
    first = events["customer_id"][0].as_py()
    return not parts.online.read([first], until).missing
