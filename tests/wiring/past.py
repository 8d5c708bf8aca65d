"""A small bank with a past, as its flows leave it: log, features, states online, a night's decisions.

The work is that of the flows; only Prefect is not asked to record it, whose server takes long to start.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from events.importing import import_sources
from features.bucket.build import compute_bucket
from features.bucket.work import part_name
from features.store.watermark import Watermark
from pipelines.batch_run import BatchRun
from pipelines.feature_build import bucket_works
from serving.batch.bucket import decide_bucket_files
from serving.batch.part_log import log_part
from serving.champion_files import ChampionFiles
from serving.champions import write_champions
from serving.service.deciding import SEED
from simulation.simulate import simulate
from tests.simulation.demo_bank import no_progress
from wiring.components import Components


def live_through(components: Components) -> datetime:
    """Create a bank's past; return the midnight of its batch run."""
    bank = components.bank
    assert bank.simulation is not None
    simulate(bank.simulation, bank.offers, bank.vocabulary, bank.time_zone, components.sources, no_progress)
    now = datetime.now(UTC)
    import_sources(
        components.log, bank.sources, bank.vocabulary, components.sources, components.places.quarantine, now=now
    )
    midnight = components.midnight(components.latest())
    components.repository.apply(bank.features, {})
    for work in bucket_works(components, midnight):
        compute_bucket(work)
        components.online.materialise(components.states.read(part_name(work.bucket)), datetime.now(UTC))
    Watermark(complete_until=midnight, news_until=components.latest()).write(components.places.feature_store)
    decide_night(components, midnight)
    components.places.champions.mkdir(parents=True)
    write_champions(components.places.champions, {})
    return midnight


def decide_night(components: Components, midnight: datetime) -> Path:
    """Decide for all customers; return the folder of the run."""
    folder = components.places.decisions / f"{midnight:%Y-%m-%d}-first"
    night = BatchRun(run="first", as_of=midnight, champions=ChampionFiles(folder, {}), folder=folder)
    versions = {"bank": components.bank.digest, "policy": components.policy.digest}
    for work in night.works(components):
        if decide_bucket_files(work)["customers"]:
            log_part(components.decision_log, folder, work.name, seed=SEED, versions=[versions])
    return folder
