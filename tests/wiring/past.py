"""A small bank with a past, as its flows leave it: log, features, states online, a night's decisions.

The work is that of the flows; only Prefect is not asked to record it, whose server takes long to start.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from events.importing import import_sources
from features.store.watermark import Watermark
from pipelines.bucket_files import compute_bucket
from pipelines.bucket_work import part_name
from pipelines.decide_files import decide_bucket_files
from pipelines.feature_build import _works
from pipelines.night import Night
from serving.champion_files import ChampionFiles
from serving.live.champions import write_champions
from serving.part_log import log_part
from simulation.simulate import simulate
from tests.simulation.demo_bank import no_progress
from wiring.parts import SEED, Parts


def live_through(parts: Parts) -> datetime:
    """Give a bank its past; the midnight that it was decided for."""
    bank = parts.bank
    assert bank.simulation is not None
    simulate(bank.simulation, bank.offers, bank.vocabulary, bank.time_zone, parts.sources, no_progress)
    now = datetime.now(UTC)
    import_sources(parts.log, bank.sources, bank.vocabulary, parts.sources, parts.places.quarantine, now=now)
    midnight = parts.midnight(parts.latest())
    parts.repository.apply(bank.features, {})
    for work in _works(parts, midnight):
        compute_bucket(work)
        parts.online.materialise(parts.states.read(part_name(work.bucket)), datetime.now(UTC))
    Watermark(complete_until=midnight, news_until=parts.latest()).write(parts.places.feature_store)
    decide_night(parts, midnight)
    parts.places.champions.mkdir(parents=True)
    write_champions(parts.places.champions, {})
    return midnight


def decide_night(parts: Parts, midnight: datetime) -> Path:
    """Decide for everybody; the folder of the run."""
    folder = parts.places.decisions / f"{midnight:%Y-%m-%d}-first"
    night = Night(run="first", as_of=midnight, champions=ChampionFiles(folder, {}), folder=folder)
    versions = {"bank": parts.bank.digest, "policy": parts.policy.digest}
    for work in night.works(parts):
        if decide_bucket_files(work)["customers"]:
            log_part(parts.decision_log, folder, work.name, seed=SEED, versions=versions)
    return folder
