"""The flow that builds features: of past moments for the offline store, states of midnight for the online store."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow, task

from domain.errors import StateError
from features.bucket.build import compute_bucket
from features.bucket.work import BucketWork, part_name
from features.engines.engine import Report
from features.store.watermark import Watermark
from models.inputs import model_inputs
from pipelines.steps import StepResult, code_digest, digest_of, do, keep_table, kept_step, may_pass
from pipelines.training_population import churn_anchors
from storage.atomic import remove_unfinished
from wiring.components import Components, components_of, reload_components
from wiring.erasure import erased_kept_out
from wiring.progress import progress_of
from wiring.turns import own_turn


@flow(name="build-features", timeout_seconds=4 * 3600)
def build_features(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Build the features of every bucket of customers whose events, definitions or moments have changed."""
    components = reload_components(bank_folder)
    with own_turn(components, "build features"), erased_kept_out(components):
        return _built(components, bank_folder, components.moment(as_of))


def _built(components: Components, bank_folder: str, until: datetime) -> StepResult:
    inputs = model_inputs(components.bank.features, components.bank.models.training.exclude)
    components.repository.apply(components.bank.features, {"churn": inputs, "propensity": inputs})
    reports = compute_buckets(bank_folder, until)
    results: list[StepResult] = []
    with progress_of("put states online") as progress:
        for report in reports:
            bucket, key = report["bucket"], report["key"]
            present = _is_online(components, bucket, until)
            result = do(put_online, key=key, present=present, bank_folder=bank_folder, bucket=bucket)
            results.append({**report, **result})
            progress(len(results), len(reports))
    components.offline.remove_stale({part: key for report in reports for part, key in report["parts"].items()})
    watermark = Watermark(complete_until=until, news_until=components.latest())
    watermark.write(components.places.feature_store)
    keep_table("features", f"Features of {components.name} as of {until}", results)
    totals = {name: sum(result[name] for result in results) for name in ("customers", "rows", "online")}
    return {
        **totals,
        "features": len(components.offline.names),
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
    """Compute with the bank's engine every bucket whose files are not up to date.

    Returns:
        A report of each bucket, in their order.
    """
    components = components_of(bank_folder)
    works = _works(components, as_of)
    reports = {work.bucket: report for work in works if (report := work.done()) is not None}
    waiting = [work for work in works if work.bucket not in reports]
    with progress_of("build features") as progress:
        if waiting:
            with components.engine.workers() as workers:
                done = workers.map(compute_bucket, waiting, progress)
            reports |= {report["bucket"]: report for report in done}
    for folder in (components.places.states, components.places.stage_history):
        remove_unfinished(folder)
    return [reports[work.bucket] for work in works]


@kept_step("put-states-of-bucket-online", timeout_seconds=3600)
def put_online(key: str, bank_folder: str, bucket: int) -> StepResult:
    """Write the states of a bucket's customers to the online store."""
    del key
    components = components_of(bank_folder)
    written = components.online.materialise(components.states.read(part_name(bucket)), datetime.now(UTC))
    return {"online": written.written}


def _works(components: Components, until: datetime) -> list[BucketWork]:
    definitions = definitions_digest(components)
    offers = [offer.name for offer in components.bank.offers]  # their contacts are training moments
    anchors, midnight = churn_anchors(components, until), components.midnight(until)
    present = components.offline.fingerprints()
    return [
        BucketWork(
            bucket=bucket,
            key=digest_of(components.log.bucket_digest(bucket), until, definitions, offers, bucket),
            definitions=definitions,
            features=components.bank.feature_definitions,
            vocabulary=components.bank.vocabulary,
            offers=components.bank.offers,
            as_of=until,
            midnight=midnight,
            anchors=anchors,
            log=components.places.log,
            parts=components.offline.parts,
            present={part: key for part, key in present.items() if part.startswith(f"{part_name(bucket)}.")},
            states=components.states,
            stage_history=components.places.stage_history,
        )
        for bucket in range(components.log.buckets)
    ]


def definitions_digest(components: Components) -> str:
    """Digest everything that determines how events become features."""
    bank = components.bank
    return digest_of(
        tuple(bank.features.features.values()),
        bank.journey,
        bank.identity.time_zone,
        bank.models.churn,
        bank.models.training,
        bank.vocabulary,
        code_digest("domain", "expressions", "events", "features"),
    )


def _is_online(components: Components, bucket: int, until: datetime) -> bool:
    """Return whether the bucket's first customer has the state of this midnight or a later one online."""
    customers = components.states.customers(part_name(bucket))
    if not customers:
        return True
    try:
        return not components.online.read(customers[:1], until).missing
    except StateError:  # another layout: a run with other features has started to write
        return False
