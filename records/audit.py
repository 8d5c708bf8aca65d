"""The audit: who did what of an administrator's, and who looked at whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from records.database import Database
from records.erasures import erasures_of, named
from records.journal_tables import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit.

    Attributes:
        at: When, microseconds UTC.
        caller: Who.
        act: What was done, as `look at a customer`.
        subject: Whose data: the customer's id, or what stands for it once they are erased (`erasures.named`).
        detail: What it was about.
    """

    at: int
    caller: str
    act: str
    subject: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AuditWriter:
    """The kind of write that keeps lines of the audit."""

    database: Database
    order: int = 2

    def customers(self, writes: Sequence[AuditEntry]) -> tuple[str, ...]:
        """Nobody is changed by being looked at."""
        return ()

    def together(self, connection: Connection, writes: Sequence[AuditEntry]) -> list[None]:
        """Write the lines down; one about a customer who was erased names them by a hash."""
        subjects = {write.subject for write in writes if write.subject is not None}
        erased = erasures_of(connection, self.database, subjects)
        rows = [_row(write) for write in writes]
        for row in rows:
            if row["subject"] in erased:
                row["subject"] = named(self.database, row["subject"])
        connection.execute(self.database.add(AUDIT), rows)
        return [None] * len(writes)

    def committed(self) -> None:
        """Nothing is remembered."""


def _row(write: AuditEntry) -> dict[str, Any]:
    return {
        "at": write.at,
        "caller": write.caller,
        "act": write.act,
        "subject": write.subject,
        "detail": write.detail,
    }
