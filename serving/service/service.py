"""The parts of a running service, begun and ended together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from config.service import ServiceSettings
from events.log import EventLog
from records.archive.archive import DecisionArchive
from records.audit import AuditWriter
from records.database import Database
from records.decision_log import DecisionLog
from records.decision_writes import DecisionWriter
from records.group_commit import GroupCommit
from records.logged import LoggedEvents
from serving.service.clock import Clock
from serving.service.deciding import DecisionService
from serving.service.decision_queue import DecisionQueue
from serving.service.engine import LiveEngine
from serving.service.engine_reload import EngineReloader
from serving.service.erasure import EraseFiles, ErasureService
from serving.service.ingestion import IngestionService
from serving.service.instrumentation import Instrumentation, NoInstrumentation
from serving.service.queries import QueryService
from serving.service.withdrawal import WithdrawalService

SWITCH_SECONDS: Final = 0.0005
"""Threads give way to each other ten times sooner than by default: who parses requests must not wait for a decision."""

_OF_DATABASE: Final = 0.8
"""Share of the time for an answer in which the database has to give its own."""


class Service:
    """What the API works with.

    Args:
        database: Of decisions and journal; closed with the service.
        engine: To begin with.
        clock: Of decisions and events.
        settings: Of the service.
        log: Of events.
        decisions_folder: Below which the runs of the batch have their folders.
        erase_files: Takes a customer out of what is kept outside the database.
        archive: Of decisions that are not in the database any more.
        freshness: Says up to when what is decided from is complete.
    """

    def __init__(
        self,
        database: Database,
        engine: LiveEngine,
        clock: Clock,
        settings: ServiceSettings,
        log: EventLog,
        *,
        decisions_folder: Path,
        erase_files: EraseFiles,
        archive: DecisionArchive | None = None,
        freshness: Callable[[], Mapping[str, datetime]] = dict,
    ) -> None:
        self.database = database
        self.engine = engine
        self.clock = clock
        self.settings = settings
        self.decision_log = DecisionLog(database, archive)
        # whoever asks is answered in any case by then (serving.api.in_time), so that nobody works for longer
        database.hurry(settings.answer_seconds * _OF_DATABASE)
        self.commits = GroupCommit(database, settings.answer_seconds)
        self.decisions = DecisionService(database, clock, lambda: self.engine)
        self.answering = DecisionQueue(
            self.decisions, self.commits, DecisionWriter(database), lambda: self.watcher, settings.answer_seconds
        )
        self.listening = IngestionService(
            database, self.commits, clock, lambda: self.engine.bank.vocabulary, LoggedEvents(log)
        )
        self.looking = QueryService(self.decision_log, clock, lambda: self.engine, decisions_folder)
        self.erasing = ErasureService(database, clock, erase_files, archive)
        self.auditing = AuditWriter(database)
        self.withdrawing = WithdrawalService(self.decision_log, clock, self._presented)
        self.freshness = freshness
        self.watcher: Instrumentation = NoInstrumentation()
        self.swapper: EngineReloader | None = None
        sys.setswitchinterval(SWITCH_SECONDS)

    def watch(self, swapper: EngineReloader) -> None:
        """Have new engines put in charge until the service is closed."""
        self.swapper = swapper
        swapper.start()

    def swap(self, engine: LiveEngine) -> None:
        """Put an engine in charge of all requests that begin from now on."""
        self.engine = engine

    def close(self) -> None:
        """Commit what waits, and end."""
        if self.swapper is not None:
            self.swapper.close()
        self.answering.close()
        self.commits.close()
        self.database.close()

    def _presented(self) -> str | None:
        contacts = self.engine.bank.vocabulary.contacts
        return None if contacts is None else contacts.presented
