"""What a service reads and changes outside its database and the event log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from records.archive.archive import DecisionArchive
from serving.rollout.report import RolloutReport
from serving.service.erasure import EraseFiles
from serving.service.queries import FormerModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFiles:
    """Files of a bank, each known by what the service does with it.

    Attributes:
        decisions: Folder that holds one folder per batch run.
        erase: Removes a customer from everything stored outside the database.
        archive: Archive of decisions that are no longer in the database.
        former_model: Returns the propensity model that a decision's versions cite; None if it is not kept.
        freshness: Returns, by input, the moment up to which it is complete.
        ask_back: Asks to take a model back: the person, the reason, and the caller for the audit.
        rollout: Returns the last report of the rollout; None before the first one.
    """

    decisions: Path
    erase: EraseFiles
    archive: DecisionArchive | None = None
    former_model: FormerModel = lambda _: None
    freshness: Callable[[], Mapping[str, datetime]] = dict
    ask_back: Callable[[str, str, str], None] = lambda *_: None
    rollout: Callable[[], RolloutReport | None] = lambda: None
