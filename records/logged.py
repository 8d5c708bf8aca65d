"""Finds events of the event log by id, so that repetitions are recognised that the journal never had."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import StateError
from domain.event import Event
from events.damage import DamagedError
from events.fingerprints import text_fingerprints
from events.identities import Identities, look_up, read_run
from events.log import EventLog
from events.manifest import Manifest, Stamp, stamp_of
from events.schema import events_of
from records.event_rows import microseconds

logger = logging.getLogger("nbo.service")

_COMPARED: Final = ("customer_id", "type", "channel", "product", "amount", "decision_id")


class LoggedEvents:
    """Finds events of the log by their ids, in the sorted fingerprints that every append leaves there.

    The fingerprints are mapped into memory and searched in place: a new id costs microseconds, however long the log is.
    Only for a known id are the customer's events read.

    Args:
        log: Event log of the bank.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._reading = threading.Lock()
        self._stamp: Stamp | None = None
        self._runs: Sequence[Identities] = ()

    def holds(self, event_ids: Iterable[str]) -> set[str]:
        """Return the ids that are in the log.

        A log that cannot be read counts as empty: a refusal must not wait for its repair, and the flush finds
        duplicates.
        """
        ids = list(event_ids)
        try:
            with self._reading:
                found, _ = look_up(self._now(), text_fingerprints(pa.array(ids, pa.string())))
        except (StateError, OSError) as error:
            logger.error("ids of the event log cannot be looked up", extra={"why": str(error)})
            return set()
        return {ids[place] for place in np.flatnonzero(found).tolist()}

    def same(self, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Return for rows of the journal, whose ids the log holds, whether they equal the log's events.

        The time of occurrence is compared only if the caller gave one.
        """
        try:
            table = self._log.read_together(sorted({row["customer_id"] for row in rows}))
        except StateError as error:
            logger.error("events of the event log cannot be compared", extra={"why": str(error)})
            return [False] * len(rows)
        wanted = pa.array(sorted({row["event_id"] for row in rows}), pa.string())
        logged = {event.event_id: event for event in events_of(table.filter(pc.is_in(table["event_id"], wanted)))}
        return [row["event_id"] in logged and _say_the_same(row, logged[row["event_id"]]) for row in rows]

    def _now(self) -> Sequence[Identities]:
        """Map the files of the last commit; retry if a newer commit has replaced them meanwhile."""
        stamp = stamp_of(self._log.folder)
        while stamp != self._stamp:
            try:
                runs = [read_run(self._log.folder / run.file) for run in Manifest.read(self._log.folder, 1).runs]
            except DamagedError:
                now = stamp_of(self._log.folder)
                if now == stamp:
                    raise
                stamp = now
            else:
                self._stamp, self._runs = stamp, runs
        return self._runs


def _say_the_same(row: Mapping[str, Any], event: Event) -> bool:
    if any(row[name] != getattr(event, name) for name in _COMPARED):
        return False
    if dict(json.loads(row["properties"])) != dict(event.properties):
        return False
    submitted_as_now = bool(row["occurred_at"] == row["available_at"])
    return submitted_as_now or int(row["occurred_at"]) == microseconds(event.occurred_at)
