"""The components of one bank: configuration, event log, stores, models and records, opened on first use."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from config.bank import Bank
from config.reading import load_bank
from config.settings import Settings
from decisioning.policies.compiled import CompiledPolicy
from domain.errors import DataError, StateError
from events.log import EventLog
from features.calendar import Calendar
from features.engines.engine import Engine
from features.moments import utc_microseconds
from features.store.state_files import StateFiles
from records.archive.archive import DecisionArchive
from records.database import Database
from records.decision_log import DecisionLog
from records.erasures import ErasedCustomers
from records.journal import Journal
from serving.batch.budget_state import prices_in_force
from serving.customer import Answer, decide_for_customer
from serving.customer_features import CustomerReader
from serving.decider import Decider
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from serving.stale_feeds import all_pauses
from wiring.places import Places

if TYPE_CHECKING:
    from features.store.offline import OfflineFeatures
    from features.store.online import OnlineStates
    from features.store.repository import FeatureRepository
    from serving.champion_files import ChampionFiles
    from wiring.models import BankModels

MODELS = ("churn", "propensity")
"""Models that take part in a decision."""

_INTO_NEXT_DAY = timedelta(hours=30)
"""Offset from a midnight into the next day; days have 23 to 25 hours."""


class Components:
    """The components that flows and commands use.

    Args:
        settings: Settings from the environment.
        folder: The bank's folder of YAML files.

    Raises:
        ConfigurationErrors: The folder has errors; all of them are reported at once.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.bank: Bank = load_bank(folder)
        self.name = self.bank.identity.name
        self.places = Places(settings.home, self.name)
        self.calendar = Calendar(self.bank.time_zone)
        # prefect is imported later, and creates its home but not the parent folders
        try:
            # an explicit mode, whatever the process's umask: access to the home controls access to all below it
            settings.home.mkdir(mode=0o777 & ~settings.umask, parents=True, exist_ok=True)
            self.places.prefect.mkdir(exist_ok=True)
        except OSError as error:
            raise StateError(
                f"the state cannot be stored in {settings.home}",
                got=error.strerror or str(error),
                remedy="set NBO_HOME to a writable folder",
            ) from error

    def with_bank(self, bank: Bank) -> Components:
        """Return the same components with another configuration, whose features must be the same."""
        other = copy(self)
        other.bank = bank
        return other

    @property
    def sources(self) -> Path:
        """Folder of the bank's source files."""
        if self.bank.identity.source_folder is None:
            return self.places.simulated_sources
        folder = self.bank.identity.source_folder
        return (self.folder if folder.startswith("./") else self.settings.data) / folder

    @cached_property
    def log(self) -> EventLog:
        """The event log."""
        return EventLog(self.places.log, erased=lambda: ErasedCustomers(self.database))

    @cached_property
    def repository(self) -> FeatureRepository:
        """The Feast repository."""
        from features.store.repository import FeatureRepository

        store = self.places.feature_store
        return FeatureRepository(
            self.name, store / "feast", store / "parts", online_store=self.settings.online_store.feast_settings()
        )

    @cached_property
    def offline(self) -> OfflineFeatures:
        """Historical features, by name."""
        from features.store.offline import OfflineFeatures

        return OfflineFeatures(self.repository, self.bank.features)

    @cached_property
    def online(self) -> OnlineStates:
        """Customers' states at the last midnight."""
        from features.store.online import OnlineStates

        return OnlineStates(self.repository, self.calendar, self.bank.features.layout)

    @cached_property
    def states(self) -> StateFiles:
        """Files of customers' states on their way into the online store."""
        return StateFiles(self.places.states)

    @cached_property
    def engine(self) -> Engine:
        """Engine that runs work on buckets of customers."""
        return self.settings.engine.engine()

    @cached_property
    def models(self) -> BankModels:
        """Runs and champions in MLflow."""
        from models.tracking.store import TrackingStore
        from wiring.models import BankModels

        store = TrackingStore(self.settings.tracking_uri, self.places.model_artefacts)
        return BankModels(store, self.name, self.places.acceptance_rates)

    @cached_property
    def database(self) -> Database:
        """Database of single decisions and of the journal of events."""
        self.places.folder.mkdir(parents=True, exist_ok=True)
        return Database(self.settings.decision_log.url(self.name) or f"sqlite:///{self.places.decision_log}")

    def has_database(self) -> bool:
        """Return whether the database was created before; who opens it creates it."""
        files = self.places.folder.glob(f"{self.places.decision_log.name}*")
        return bool(self.settings.decision_log.url(self.name)) or any(files)

    @cached_property
    def decision_log(self) -> DecisionLog:
        """Log of single decisions."""
        return DecisionLog(self.database, self.decisions_archive)

    @cached_property
    def decisions_archive(self) -> DecisionArchive:
        """Decisions moved out of the database."""
        return DecisionArchive(self.places.decisions_archive, self.database)

    @cached_property
    def journal(self) -> Journal:
        """Events accepted since the log was last written to."""
        return Journal(self.database, self.bank.vocabulary.contacts)

    def decider(self, *, num_threads: int = 1) -> Decider:
        """Return a decider with the current champions and policy; a model without a champion is left out.

        Models are loaded again only when a champion has changed.

        Args:
            num_threads: Threads of the models: 1 is fastest for a single customer, all processors for a batch run.
        """
        return self.champion_files().decider(self.bank, num_threads=num_threads)

    def champion_files(self) -> ChampionFiles:
        """Copy the files of the current champions, and of models beside them, to where every machine sees them."""
        from serving.champion_files import ChampionFiles

        folder = self.places.champions
        return ChampionFiles(folder, self.models.all_in_charge(folder, self.bank.policy.trials))

    @cached_property
    def policy(self) -> CompiledPolicy:
        """The compiled policy."""
        return Decider(self.bank, None, None).policy

    def latest(self) -> datetime:
        """Return the moment just after the log's latest news: the "now" of a log that is not growing.

        If the bank says that its sources are complete until a later day, it is the midnight after that day.

        Raises:
            DataError: The log is empty.
        """
        latest = self.log.last_available_at()
        if latest is None:
            raise DataError(
                f"the event log of bank {self.name} is empty",
                remedy=f"import events first: nbo --bank {self.folder} import",
            )
        latest += timedelta(microseconds=1)
        return latest if self.sources_end is None else max(latest, self.sources_end)

    @property
    def sources_end(self) -> datetime | None:
        """The midnight up to which the sources know everything, if the bank says so."""
        complete_until = self.bank.identity.complete_until
        if complete_until is None:
            return None
        return datetime.combine(complete_until + timedelta(days=1), time(), self.bank.time_zone)

    def answer(self, customer_id: str, channel: str, as_of: datetime, *, keep: bool = True) -> Answer:
        """Decide for one customer as the service does, from the online state and later news; write it if `keep`."""
        reader = CustomerReader(self.bank, self.log, self.online, self.journal)
        decider = self.decider().paused_by(all_pauses(self.database, self.log, self.bank, as_of))
        engine = LiveEngine(decider, reader, prices_in_force(self.places.decisions, decider.policy))
        return decide_for_customer(
            DecisionRequest(customer_id=customer_id, channel=channel, dry_run=not keep), as_of, engine, self.database
        )

    def midnight(self, moment: datetime) -> datetime:
        """Return the local midnight at the start of a moment's day."""
        microseconds = utc_microseconds(moment).astype(np.int64).reshape(1)
        return datetime.fromtimestamp(int(self.calendar.midnight(microseconds)[0]) / 1_000_000, tz=self.bank.time_zone)

    def moment(self, as_of: datetime | None) -> datetime:
        """Return the given moment, or else the last local midnight that the log's news reach.

        Raises:
            DataError: The log is empty, starts after the moment, or ends before it: models would take silence after the
                log's end for churn.
        """
        latest = self.latest()
        if as_of is None:
            return self.midnight(latest)
        first, end = self.log.first_occurred_at(), self.midnight(self.midnight(latest) + _INTO_NEXT_DAY)
        assert first is not None, "a log with latest news has a first event"
        if not first <= as_of <= end:
            raise DataError(
                "the event log does not cover this moment",
                got=f"{as_of:%Y-%m-%d %H:%M}",
                expected=f"{first.astimezone(self.bank.time_zone):%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, "
                "the end of the day of its latest news",
                remedy="import newer events, or omit the moment",
            )
        return as_of


def components_of(bank_folder: str | Path) -> Components:
    """Return the cached components of a bank, so that all steps of a flow see the same bank."""
    place = _place(bank_folder)
    if place not in _opened:
        return reload_components(bank_folder)
    return _opened[place].parts


def reload_components(bank_folder: str | Path) -> Components:
    """Return the components of a bank at the start of a flow: opened again if a file of the bank's folder has changed.

    Raises:
        ConfigurationErrors: The folder has errors.
    """
    place = _place(bank_folder)
    stamp = folder_stamp(place[1])
    if place not in _opened or _opened[place].stamp != stamp:
        _opened[place] = _Opened(Components(*place), stamp)
    return _opened[place].parts


@dataclass(frozen=True, slots=True)
class _Opened:
    parts: Components
    stamp: tuple[tuple[str, int, int], ...]


_opened: dict[tuple[Settings, Path], _Opened] = {}


def _place(bank_folder: str | Path) -> tuple[Settings, Path]:
    return Settings.from_environment(os.environ), Path(bank_folder)


def folder_stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return name, modification time and size of every YAML file in a bank's folder."""
    facts = ((file.name, file.stat()) for file in sorted(folder.glob("*.yaml")))
    return tuple((name, fact.st_mtime_ns, fact.st_size) for name, fact in facts)
