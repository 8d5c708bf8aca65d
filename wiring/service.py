"""The real-time service with its real components: what `nbo serve` runs in every worker."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from config.console import ConsoleSettings
from config.reading import load_bank
from config.service import BANK, CLOCK, ServiceSettings
from domain.addresses import Inside
from domain.errors import DataError
from features.calendar import Calendar
from features.store.watermark import Watermark
from serving.api.app import create_app
from serving.batch.budget_state import latest_budget_state, prices_in_force
from serving.champion_files import ChampionFiles, former_propensity
from serving.champions import read_champions
from serving.customer_features import CustomerReader
from serving.intraday import TodaysEvents
from serving.proposals.timetable import Timetable
from serving.rollout.report import read_report
from serving.rollout.requests import BackRequest, ask_back
from serving.service.breaker import Breaker, GuardedStates
from serving.service.clock import Clock, ClockBase
from serving.service.engine import LiveEngine
from serving.service.engine_reload import WARM_UP_CUSTOMERS, EngineReloader, smoke_test
from serving.service.service import Service
from serving.service.service_files import ServiceFiles
from wiring.components import Components, folder_stamp
from wiring.console import mount_console
from wiring.erasure import erase_files
from wiring.proposals import proposals_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from serving.api.tracing import Tracing


COLLECT_AFTER: Final = (20_000, 20, 20)
"""Thresholds of the garbage collector; a decision allocates some thousand objects and frees them itself."""


class PartsEngines:
    """Builds engines from a bank's folder, the published champions and prices.

    Args:
        components: Stores and places of the bank; the folder is read again for every engine.
    """

    def __init__(self, components: Components) -> None:
        self._parts = components
        self.today = TodaysEvents(components.log)
        self.breaker = Breaker("the online store")
        self._timetable = Timetable(proposals_of(components, components.decider))

    def stamp(self) -> Any:
        """Return names, modification times and sizes of the input files."""
        places = self._parts.places
        return (
            folder_stamp(self._parts.folder),
            _stamp(places.champions / "champions.json"),
            _stamp(latest_budget_state(places.decisions)),
        )

    def build(self) -> LiveEngine:
        """Read the folder, the champions and the prices.

        Raises:
            ConfigurationErrors: The folder has errors.
            DataError: The folder belongs to another bank.
            ModelError: A champion's files differ from what was registered.
            StateError: Champions or prices are damaged.
        """
        parts = self._parts
        bank = load_bank(parts.folder)
        if bank.identity.name != parts.name:
            raise DataError(
                "the folder now belongs to another bank",
                got=bank.identity.name,
                expected=parts.name,
                remedy="restart the service",
            )
        folder = parts.places.champions
        decider = ChampionFiles(folder, read_champions(folder) or {}).decider(bank)
        reader = CustomerReader(bank, parts.log, self._states(bank), parts.journal, self.today)
        return LiveEngine(decider, reader, prices_in_force(parts.places.decisions, decider.policy))

    def customers(self, at_most: int) -> Sequence[str]:
        """Return customers from the first non-empty bucket of the log."""
        log = self._parts.log
        for bucket in range(log.buckets):
            found = log.read_bucket(bucket, ["customer_id"])["customer_id"]
            if len(found):
                return sorted(set(found.slice(0, 100 * at_most).to_pylist()))[:at_most]
        return []

    def refresh(self, now: datetime) -> None:
        """Read what was written to the log since the last call; start and end the proposals that are due."""
        self._timetable.turn(now)
        self.today.refresh(int(self._parts.midnight(now).timestamp()) * 1_000_000)

    def _states(self, bank: Any) -> GuardedStates:
        from features.store.online import OnlineStates  # Feast, which serving does not depend on

        states = OnlineStates(self._parts.repository, Calendar(bank.time_zone), bank.features.layout)
        return GuardedStates(states, self.breaker)


def open_service(components: Components, settings: ServiceSettings, clock: Clock) -> Service:
    """Open the service of a bank: on return everything is loaded, tested and warm.

    Args:
        components: Components of the bank.
        settings: Settings of the service.
        clock: Clock for decisions and events.

    Raises:
        NboError: Something is missing or damaged.
    """
    source = PartsEngines(components)
    source.refresh(clock.now())
    engine = source.build()
    smoke_test(engine, source.customers(WARM_UP_CUSTOMERS), clock.now())
    service = Service(
        components.database,
        engine,
        clock,
        settings,
        components.log,
        ServiceFiles(
            decisions=components.places.decisions,
            erase=lambda customer_id: erase_files(components, customer_id),
            archive=components.decisions_archive,
            former_model=lambda versions: former_propensity(components.places.champions, versions),
            freshness=lambda: _freshness(components),
            ask_back=lambda by, why, caller: ask_back(
                components.places.champions, BackRequest(by=by, why=why, caller=caller)
            ),
            rollout=lambda: read_report(components.places.figures),
        ),
    )
    reloader = EngineReloader(
        source,
        service.swap,
        clock,
        seconds=settings.swap_seconds,
        read_pauses=service.read_pauses,
        keep_calls=service.keep_calls,
    )
    service.watch(reloader)
    return service


def _freshness(components: Components) -> dict[str, datetime]:
    watermark, news = Watermark.read(components.places.feature_store), components.log.last_available_at()
    found = {} if news is None else {"event_log": news}
    return found if watermark is None else {**found, "online_states": watermark.complete_until}


def application() -> FastAPI:
    """Create the application that the environment describes; called by each worker."""
    from config.settings import Settings

    settings = Settings.from_environment(os.environ)
    base = os.environ.get(CLOCK)
    clock = Clock(base=ClockBase.from_text(base) if base else None)
    parts = Components(settings, Path(os.environ[BANK]))
    of_service = ServiceSettings.from_environment(os.environ)
    tracing = None if of_service.traces is None else _tracing(parts)

    def opened() -> Service:
        service = open_service(parts, of_service, clock)
        _settle()
        return service

    app = create_app(opened, tracing)
    mount_console(app, parts, ConsoleSettings.from_environment(os.environ))
    return app


def _settle() -> None:
    """Exempt long-lived objects from garbage collection: its pauses would be the longest waits of decisions."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _tracing(components: Components) -> Tracing:
    from serving.api.tracing import Tracing  # imported only if traces are exported

    return Tracing(components.name, Inside(components.bank.network.inside))


def _stamp(file: Path | None) -> tuple[int, int] | None:
    if file is None:
        return None
    try:
        fact = file.stat()
    except FileNotFoundError:
        return None
    return fact.st_mtime_ns, fact.st_size
