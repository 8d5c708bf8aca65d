"""The flow that computes the journey figures of a bank, every night after its features."""

from __future__ import annotations

from datetime import datetime

from prefect import flow

from journeys.figures import FIGURES, finished_figures
from journeys.files import JourneyFigures, current_key, write_figures
from journeys.histories import AnalyticsContext
from pipelines.feature_build import bucket_works
from pipelines.journey_files import JourneyWork, count_bucket
from pipelines.steps import StepResult, code_digest, digest_of, do, keep_table, kept_step, retried_task
from storage.atomic import remove_unfinished
from wiring.components import Components, components_of, reload_components
from wiring.progress import progress_of
from wiring.turns import own_turn


@flow(name="journey-figures", timeout_seconds=4 * 3600)
def compute_journey_figures(bank_folder: str, as_of: datetime | None = None) -> StepResult:
    """Count every customer's journey, bucket by bucket, and write the figures that pages show.

    Returns:
        Moment of the figures, and the number of rows of each.
    """
    components = reload_components(bank_folder)
    with own_turn(components, "journey figures"):
        until = components.midnight(components.moment(as_of))
        works = journey_works(components, until)
        key = digest_of(*(work.key for work in works))
        present = current_key(components.places.journeys) == key
        result = do(finish_figures, key=key, present=present, bank_folder=bank_folder, as_of=until)
        rows = [{"figure": name, "rows": count} for name, count in result["rows"].items()]
        keep_table("journeys", f"Journey figures of {components.name} as of {until:%Y-%m-%d}", rows)
        return result


@kept_step("finish-journey-figures", timeout_seconds=4 * 3600)
def finish_figures(key: str, bank_folder: str, as_of: datetime) -> StepResult:
    """Add up the counts of all buckets, hide small cells, and write the tables."""
    components = components_of(bank_folder)
    works = count_buckets(bank_folder, as_of)
    context = context_of(components, as_of)
    tables = finished_figures([work.read() for work in works], context)
    reasons = {name: FIGURES[name].why_empty(context) for name, table in tables.items() if not len(table)}
    write_figures(components.places.journeys, key, JourneyFigures(as_of, tables, reasons))
    return {
        "as_of": as_of.isoformat(),
        "rows": {name: len(table) for name, table in tables.items()},
        "empty": reasons,
    }


@retried_task("count-journeys-of-buckets", timeout_seconds=4 * 3600)
def count_buckets(bank_folder: str, as_of: datetime) -> list[JourneyWork]:
    """Count with the bank's engine every bucket whose counts are not up to date."""
    components = components_of(bank_folder)
    works = journey_works(components, as_of)
    waiting = [work for work in works if work.done() is None]
    with progress_of("count journeys") as progress:
        if waiting:
            with components.engine.workers() as workers:
                workers.map(count_bucket, waiting, progress)
    remove_unfinished(components.places.journeys)
    return works


def journey_works(components: Components, until: datetime) -> list[JourneyWork]:
    """List the work, one piece per bucket."""
    context, bank = context_of(components, until), components.bank
    definitions = digest_of(
        until,
        bank.vocabulary,
        bank.journey,
        bank.analytics,
        bank.identity.time_zone,
        tuple(bank.features.features.values()),
        code_digest("domain", "expressions", "events", "features", "journeys"),
    )
    return [
        JourneyWork(
            bucket=work.bucket,
            key=digest_of(definitions, components.log.bucket_digest(work.bucket), work.bucket),
            log=work.log,
            stage_history=work.history_file if work.done() is not None else None,
            features=bank.feature_definitions,
            context=context,
            counts=components.places.journeys / "counts",
        )
        for work in bucket_works(components, until)
    ]


def context_of(components: Components, as_of: datetime) -> AnalyticsContext:
    """Return what the bank's figures depend on."""
    bank = components.bank
    return AnalyticsContext(bank.vocabulary, bank.journey, bank.analytics, components.calendar, as_of)
