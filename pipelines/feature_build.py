"""The flow that builds features: of past moments for the offline store, states of midnight for the online store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from prefect import flow

from domain.errors import StateError
from features.bucket.build import compute_bucket
from features.bucket.work import BucketWork, part_name
from features.engines.engine import Report
from features.store.online_parts import OnlinePart, read_online_parts, write_online_parts
from features.store.watermark import Watermark
from models.inputs import model_inputs
from pipelines.bucket_reports import reports_of
from pipelines.reuse import REUSED
from pipelines.steps import StepResult, code_digest, digest_of, keep_table, retried_task
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
    written = put_states_online(bank_folder, until, {part_name(report["bucket"]): report["key"] for report in reports})
    results = [{**report, "online": written[part_name(report["bucket"])]} for report in reports]
    components.offline.remove_stale({part: key for report in reports for part, key in report["parts"].items()})
    watermark = Watermark(complete_until=until, news_until=components.latest())
    watermark.write(components.places.feature_store)
    keep_table("features", f"Features of {components.name} as of {until}", results)
    totals = {name: sum(result[name] for result in results) for name in ("customers", "rows", "online")}
    return {
        **totals,
        "buckets": len(reports),
        REUSED: sum(report[REUSED] for report in reports),
        "features": len(components.offline.names),
        "as_of": until.isoformat(),
        "complete_until": watermark.complete_until.isoformat(),
        "news_until": watermark.news_until.isoformat(),
    }


@retried_task("compute-features-of-buckets", timeout_seconds=4 * 3600)
def compute_buckets(bank_folder: str, as_of: datetime) -> list[Report]:
    """Compute with the bank's engine every bucket whose files are not up to date.

    Returns:
        A report of each bucket, in their order.
    """
    components = components_of(bank_folder)
    works = bucket_works(components, as_of)
    reports = reports_of(components, works, compute_bucket, "build features")
    for folder in (components.places.states, components.places.stage_history):
        remove_unfinished(folder)
    return reports


@retried_task("put-states-online", timeout_seconds=4 * 3600)
def put_states_online(bank_folder: str, as_of: datetime, keys: Mapping[str, str]) -> dict[str, int]:
    """Write to the online store the states of every part that it does not have.

    Args:
        bank_folder: The bank's folder.
        as_of: A moment after the midnight of the states.
        keys: Part -> digest of what its states were computed from.

    Returns:
        Part -> number of its states that were written, by this run or the one that wrote them.
    """
    components = components_of(bank_folder)
    folder = components.places.feature_store
    stored = read_online_parts(folder)
    done = {
        part: stored[part]
        for part, key in keys.items()
        if part in stored and stored[part].key == key and _is_online(components, part, as_of)
    }
    with progress_of("put states online") as progress:
        for part in [part for part in keys if part not in done]:
            # the part that is being written is not among them: after an interruption it is written again
            write_online_parts(folder, done)
            written = components.online.materialise(components.states.read(part), datetime.now(UTC))
            done[part] = OnlinePart(keys[part], written.written)
            progress(len(done), len(keys))
        progress(len(keys), len(keys))
    write_online_parts(folder, done)
    return {part: one.states for part, one in done.items()}


def bucket_works(components: Components, until: datetime) -> list[BucketWork]:
    """List the work of building features, one piece per bucket; a piece is `done` if its files are up to date."""
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


def _is_online(components: Components, part: str, until: datetime) -> bool:
    """Return whether the part's first customer has the state of this midnight or a later one online."""
    customers = components.states.customers(part)
    if not customers:
        return True
    try:
        return not components.online.read(customers[:1], until).missing
    except StateError:  # another layout: a run with other features has started to write
        return False
