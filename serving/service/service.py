"""The running service: its parts, started and closed together."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from threading import Lock
from typing import Final

from config.service import ServiceSettings
from domain.errors import StateError
from domain.pause import Pause
from events.log import EventLog
from records.audit import AuditWriter
from records.database import Database
from records.decision_log import DecisionLog
from records.decision_writes import DecisionWriter
from records.group_commit import GroupCommit
from records.logged import LoggedEvents
from records.model_calls import add_calls
from serving.service.clock import Clock
from serving.service.deciding import DecisionService
from serving.service.decision_queue import DecisionQueue
from serving.service.engine import LiveEngine
from serving.service.engine_reload import EngineReloader
from serving.service.erasure import ErasureService
from serving.service.ingestion import IngestionService
from serving.service.instrumentation import Instrumentation, NoInstrumentation
from serving.service.pauses import PauseService
from serving.service.preview import PreviewService
from serving.service.queries import QueryService
from serving.service.service_files import ServiceFiles
from serving.service.withdrawal import WithdrawalService
from serving.stale_feeds import all_pauses

SWITCH_SECONDS: Final = 0.0005
"""Thread switch interval, ten times shorter than the default, so that parsing requests need not wait for a decision."""

_OF_DATABASE: Final = 0.8
"""Share of the answer deadline within which the database must answer."""


class Service:
    """Everything the API works with.

    Args:
        database: Database of decisions and journal; closed with the service.
        engine: Engine to start with.
        clock: Clock for decisions and events.
        settings: Settings of the service.
        log: Event log.
        files: What it reads and changes besides.
    """

    def __init__(
        self,
        database: Database,
        engine: LiveEngine,
        clock: Clock,
        settings: ServiceSettings,
        log: EventLog,
        files: ServiceFiles,
    ) -> None:
        self.database = database
        self.clock = clock
        self._swapping = Lock()
        self._log = log
        self.engine = engine.paused_by(all_pauses(database, log, engine.bank, clock.now()))
        self.settings = settings
        self.decision_log = DecisionLog(database, files.archive)
        # callers are answered by the deadline in any case (serving.api.requests): nothing should work for longer
        database.hurry(settings.answer_seconds * _OF_DATABASE)
        self.commits = GroupCommit(database, settings.answer_seconds)
        self.decisions = DecisionService(database, clock, lambda: self.engine)
        self.decision_queue = DecisionQueue(
            self.decisions,
            self.commits,
            DecisionWriter(database),
            lambda: self.instrumentation,
            settings.answer_seconds,
        )
        self.ingestion = IngestionService(
            database, self.commits, clock, lambda: self.engine.bank.vocabulary, LoggedEvents(log)
        )
        self.queries = QueryService(self.decision_log, clock, lambda: self.engine, files.decisions, files.former_model)
        self.previews = PreviewService(database, clock, lambda: self.engine)
        self.erasure = ErasureService(database, clock, files.erase, files.archive)
        self.audit = AuditWriter(database)
        self.pauses = PauseService(database, clock.now, lambda: self.engine.bank)
        self.withdrawal = WithdrawalService(self.decision_log, clock, self._presented)
        self.files = files
        self.instrumentation: Instrumentation = NoInstrumentation()
        self.reloader: EngineReloader | None = None
        sys.setswitchinterval(SWITCH_SECONDS)

    def watch(self, reloader: EngineReloader) -> None:
        """Start an engine reloader that runs until the service is closed."""
        self.reloader = reloader
        reloader.start()

    def swap(self, engine: LiveEngine) -> None:
        """Use an engine, with the pauses in force, for all requests that start from now on."""
        with self._swapping:
            before, self.engine = self.engine, engine.paused_by(self._pauses(engine))
        with suppress(StateError):  # counts of some seconds are worth no engine
            self._keep_calls_of(before)

    def keep_calls(self) -> None:
        """Store what models beside the champions were called for since the last time.

        Raises:
            StateError: The database does not answer.
        """
        self._keep_calls_of(self.engine)

    def _keep_calls_of(self, engine: LiveEngine) -> None:
        calls = engine.decider.beside.calls.take()
        day = self.clock.now().astimezone(engine.bank.time_zone).date()
        add_calls(self.database, day, {version: asdict(counts) for version, counts in calls.items()})

    def read_pauses(self) -> None:
        """Put new pauses in force for all requests that start from now on, and end those that are over.

        Raises:
            StateError: The database does not answer; without it nothing is decided either.
        """
        with self._swapping:
            self.engine = self.engine.paused_by(self._pauses(self.engine))

    def close(self) -> None:
        """Commit what is waiting and close."""
        if self.reloader is not None:
            self.reloader.close()
        self.decision_queue.close()
        self.commits.close()
        with suppress(StateError):
            self.keep_calls()
        self.database.close()

    def _pauses(self, engine: LiveEngine) -> tuple[Pause, ...]:
        return all_pauses(self.database, self._log, engine.bank, self.clock.now())

    def _presented(self) -> str | None:
        contacts = self.engine.bank.vocabulary.contacts
        return None if contacts is None else contacts.presented
