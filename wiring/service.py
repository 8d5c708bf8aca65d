"""The real-time service with its real parts: what `nbo serve` runs in every worker."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.reading import load_bank
from config.service import BANK, CLOCK, ServiceSettings
from domain.addresses import Inside
from domain.errors import DataError
from features.calendar import Calendar
from features.store.watermark import Watermark
from serving.api.app import create_app
from serving.champion_files import ChampionFiles
from serving.circumstances import latest_circumstances, prices_in_force
from serving.customer_features import CustomerReader
from serving.live.breaker import Breaker, GuardedStates
from serving.live.champions import read_champions
from serving.live.clock import Clock, ClockBase
from serving.live.engine import LiveEngine
from serving.live.service import Service
from serving.live.swapping import WARM_UP_CUSTOMERS, Swapper, try_out
from serving.today import TodaysEvents
from wiring.erasing import erase_files
from wiring.parts import Parts, folder_stamp

if TYPE_CHECKING:
    from fastapi import FastAPI

    from serving.api.tracing import Tracing


class PartsEngines:
    """Makes engines of a bank's folder, the published champions and prices.

    Args:
        parts: Stores and places; the folder is read anew for every engine.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.today = TodaysEvents(parts.log)
        self.breaker = Breaker("the online store")

    def stamp(self) -> Any:
        """Files' names, times and sizes."""
        places = self._parts.places
        return (
            folder_stamp(self._parts.folder),
            _stamp(places.champions / "champions.json"),
            _stamp(latest_circumstances(places.decisions)),
        )

    def build(self) -> LiveEngine:
        """Read the folder, the champions and the prices.

        Raises:
            ConfigurationErrors: The folder says something that cannot be.
            DataError: It is another bank's.
            ModelError: A champion's files are not what they should be.
            StateError: Champions or prices are damaged.
        """
        parts = self._parts
        bank = load_bank(parts.folder)
        if bank.identity.name != parts.name:
            raise DataError(
                "the folder is another bank's now", got=bank.identity.name, expected=parts.name, remedy="start anew"
            )
        folder = parts.places.champions
        decider = ChampionFiles(folder, read_champions(folder) or {}).decider(bank)
        reader = CustomerReader(bank, parts.log, self._states(bank), parts.journal, self.today)
        return LiveEngine(decider, reader, prices_in_force(parts.places.decisions, decider.policy))

    def customers(self, at_most: int) -> Sequence[str]:
        """Take customers of the log's first bucket that has some."""
        log = self._parts.log
        for bucket in range(log.buckets):
            found = log.read_bucket(bucket, ["customer_id"])["customer_id"]
            if len(found):
                return sorted(set(found.slice(0, 100 * at_most).to_pylist()))[:at_most]
        return []

    def refresh(self, now: datetime) -> None:
        """Read what was written to the log since."""
        self.today.refresh(int(self._parts.midnight(now).timestamp()) * 1_000_000)

    def _states(self, bank: Any) -> GuardedStates:
        from features.store.online import OnlineStates  # Feast, which the service's own rooms do not know

        states = OnlineStates(self._parts.repository, Calendar(bank.time_zone), bank.features.layout)
        return GuardedStates(states, self.breaker)


def open_service(parts: Parts, settings: ServiceSettings, clock: Clock) -> Service:
    """Open the service of a bank: everything is read, tried out and warm when this returns.

    Args:
        parts: The bank's.
        settings: Of the service.
        clock: Of decisions and events.

    Raises:
        NboError: Something is missing or damaged.
    """
    source = PartsEngines(parts)
    source.refresh(clock.now())
    engine = source.build()
    try_out(engine, source.customers(WARM_UP_CUSTOMERS), clock.now())
    service = Service(
        parts.database,
        engine,
        clock,
        settings,
        parts.log,
        decisions_folder=parts.places.decisions,
        erase_files=lambda customer_id: erase_files(parts, customer_id),
        archive=parts.decisions_archive,
        freshness=lambda: _freshness(parts),
    )
    service.watch(Swapper(source, service.swap, clock, seconds=settings.swap_seconds))
    return service


def _freshness(parts: Parts) -> dict[str, datetime]:
    watermark, news = Watermark.read(parts.places.feature_store), parts.log.last_available_at()
    found = {} if news is None else {"event_log": news}
    return found if watermark is None else {**found, "online_states": watermark.complete_until}


def application() -> FastAPI:
    """Make the application that the environment describes; each worker calls this."""
    from config.settings import Settings

    settings = Settings.from_environment(os.environ)
    told = os.environ.get(CLOCK)
    clock = Clock(base=ClockBase.from_text(told) if told else None)
    parts = Parts(settings, Path(os.environ[BANK]))
    of_service = ServiceSettings.from_environment(os.environ)
    tracing = None if of_service.traces is None else _tracing(parts)
    return create_app(lambda: open_service(parts, of_service, clock), tracing)


def _tracing(parts: Parts) -> Tracing:
    from serving.api.tracing import Tracing  # loaded only where traces go somewhere

    return Tracing(parts.name, Inside(parts.bank.network.inside))


def _stamp(file: Path | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        fact = file.stat()
    except FileNotFoundError:
        return None
    return fact.st_mtime_ns, fact.st_size
