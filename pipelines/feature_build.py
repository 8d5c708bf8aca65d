"""Build features: past moments for the offline store, the state of last midnight for the online store."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task

from domain.errors import StateError
from features.engines.engine import Report
from features.store.replacing import remove_unfinished
from features.store.watermark import Watermark
from models.inputs import model_inputs
from pipelines.artefacts import keep_table
from pipelines.bucket_files import compute_bucket
from pipelines.bucket_work import BucketWork, part_name
from pipelines.populations import churn_anchors
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step, may_pass
from wiring.erasing import erased_kept_out
from wiring.parts import Parts, parts_anew, parts_of
from wiring.progress import progress_of
from wiring.turns import own_turn


@flow(name="build-features", timeout_seconds=4 * 3600)
def build_features(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Build the features of every bucket of customers whose events, definitions or moments have changed."""
    parts = parts_anew(bank_folder)
    with own_turn(parts, "build features"), erased_kept_out(parts):
        return _built(parts, bank_folder, parts.moment(as_of))


def _built(parts: Parts, bank_folder: str, until: datetime) -> StepResult:
    inputs = model_inputs(parts.bank.features, parts.bank.models.training.exclude)
    parts.repository.apply(parts.bank.features, {"churn": inputs, "propensity": inputs})
    reports = compute_buckets(bank_folder, until)
    results: list[StepResult] = []
    with progress_of("put states online") as progress:
        for report in reports:
            bucket, key = report["bucket"], report["key"]
            present = _is_online(parts, bucket, until)
            result = do(put_online, key=key, present=present, bank_folder=bank_folder, bucket=bucket)
            results.append({**report, **result})
            progress(len(results), len(reports))
    parts.offline.remove_stale({part: key for report in reports for part, key in report["parts"].items()})
    watermark = Watermark(complete_until=until, news_until=parts.latest())
    watermark.write(parts.places.feature_store)
    keep_table("features", f"Features of {parts.name} as of {until}", results)
    totals = {name: sum(result[name] for result in results) for name in ("customers", "rows", "online")}
    return {
        **totals,
        "features": len(parts.offline.names),
        "as_of": until.isoformat(),
        "complete_until": watermark.complete_until.isoformat(),
        "news_until": watermark.news_until.isoformat(),
    }


@task(
    name="compute-features-of-buckets",
    retries=1,
    retry_condition_fn=may_pass,
    retry_delay_seconds=10,
    timeout_seconds=4 * 3600,
)
def compute_buckets(bank_folder: str, as_of: datetime) -> list[Report]:
    """Have the bank's engine compute every bucket whose files are not up to date: what a crash left is not done again.

    Returns:
        A report of each bucket, in their order.
    """
    parts = parts_of(bank_folder)
    works = _works(parts, as_of)
    reports = {work.bucket: report for work in works if (report := work.done()) is not None}
    waiting = [work for work in works if work.bucket not in reports]
    with progress_of("build features") as progress:
        if waiting:
            with parts.engine.workers() as workers:
                done = workers.map(compute_bucket, waiting, progress)
            reports |= {report["bucket"]: report for report in done}
    for folder in (parts.places.states, parts.places.stage_history):
        remove_unfinished(folder)
    return [reports[work.bucket] for work in works]


@kept_step("put-states-of-bucket-online", timeout_seconds=3600)
def put_online(key: str, bank_folder: str, bucket: int) -> StepResult:
    """Put the states of a bucket's customers into the online store."""
    del key
    parts = parts_of(bank_folder)
    written = parts.online.materialise(parts.states.read(part_name(bucket)), datetime.now(UTC))
    return {"online": written.written}


def _works(parts: Parts, until: datetime) -> list[BucketWork]:
    definitions = definitions_digest(parts)
    offers = [offer.name for offer in parts.bank.offers]  # whose contacts are moments
    anchors, midnight = churn_anchors(parts, until), parts.midnight(until)
    present = parts.offline.fingerprints()
    return [
        BucketWork(
            bucket=bucket,
            key=digest_of(parts.log.bucket_digest(bucket), until, definitions, offers, bucket),
            definitions=definitions,
            bank=parts.bank,
            as_of=until,
            midnight=midnight,
            anchors=anchors,
            log=parts.places.log,
            parts=parts.offline.parts,
            present={part: key for part, key in present.items() if part.startswith(f"{part_name(bucket)}.")},
            states=parts.states,
            stage_history=parts.places.stage_history,
        )
        for bucket in range(parts.log.buckets)
    ]


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


def _is_online(parts: Parts, bucket: int, until: datetime) -> bool:
    """Tell whether the bucket's first customer has the state of this midnight or a later one."""
    customers = parts.states.customers(part_name(bucket))
    if not customers:
        return True
    try:
        return not parts.online.read(customers[:1], until).missing
    except StateError:  # of another layout: a run with other features began to write
        return False
