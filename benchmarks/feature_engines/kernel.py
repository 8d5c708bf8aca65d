"""Our kernel: file by file, so that memory does not grow with the log."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.feature_wanted import TYPES, ZONE, anchors, wanted_features
from events.vocabulary import EventType, Vocabulary
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions, build_catalogue
from features.compute import compute_features
from features.definitions import AggregateFeature, FeatureFile, Where
from features.journey.settings import Journey
from features.kernel.columns import EVENT_COLUMNS
from features.moments import Moments
from storage.parquet import replace_parquet

JOURNEY = Journey(stages=())
PROCESSES = 2


def catalogue() -> FeatureCatalogue:
    """Declare the features as a bank would."""
    declared = tuple(
        AggregateFeature(
            name=f"{wanted.kind}_{wanted.event_type}",
            description=wanted.name,
            aggregate=wanted.kind,
            where=Where(types=(wanted.event_type,)),
            windows_days=() if wanted.window is None else (wanted.window,),
            unit="any",
            topic="any",
        )
        for wanted in wanted_features()
    )
    vocabulary = Vocabulary(channels=(), products=(), types={name: EventType(description=name) for name in TYPES})
    built, problems = build_catalogue(
        FeatureFile(), FeatureFile(aggregates=declared), vocabulary, JOURNEY, currency="EUR"
    )
    assert not problems, problems
    return built


def compute(source: Path, target: Path) -> None:
    """Compute one file's features and write them."""
    events = pq.read_table(source, columns=list(EVENT_COLUMNS))
    customers = np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)
    times = np.array([anchor.replace(tzinfo=None) for anchor in anchors()], dtype="datetime64[us]")
    moments = Moments(np.repeat(customers, len(times)), np.tile(times, len(customers)))
    names = [wanted.name for wanted in wanted_features()]
    table = compute_features(events, moments, FeatureDefinitions(catalogue(), JOURNEY, Calendar(ZONE)), names=names)
    replace_parquet(target / source.name, table.to_arrow())


def main(source: Path, target: Path) -> None:
    """Compute all files, on both cores."""
    files = sorted(source.glob("*.parquet"))
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        list(pool.map(compute, files, [target] * len(files)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
