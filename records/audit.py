"""The audit: records administrators' actions and who read whose data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from records.database import Database
from records.erasures import erasures_of, named
from records.schema import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit.

    Attributes:
        at: Time, UTC microseconds.
        caller: Who acted.
        act: What was done, for example `look at a customer`.
        subject: Whose data: the customer's id, or the name that replaces it once they are erased (`erasures.named`).
        detail: Further details of the act.
    """

    at: int
    caller: str
    act: str
    subject: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AuditWriter:
    """Writes lines of the audit in a group commit."""

    database: Database
    order: int = 2

    def customers(self, writes: Sequence[AuditEntry]) -> tuple[str, ...]:
        """Return nobody: reading a customer's data does not change them."""
        return ()

    def together(self, connection: Connection, writes: Sequence[AuditEntry]) -> list[None]:
        """Write the lines; erased customers are named by a hash."""
        subjects = {write.subject for write in writes if write.subject is not None}
        erased = erasures_of(connection, self.database, subjects)
        rows = [_row(write) for write in writes]
        for row in rows:
            if row["subject"] in erased:
                row["subject"] = named(self.database, row["subject"])
        connection.execute(self.database.add(AUDIT), rows)
        return [None] * len(writes)

    def committed(self) -> None:
        """Do nothing: this kind has no memory."""


def _row(write: AuditEntry) -> dict[str, Any]:
    return {
        "at": write.at,
        "caller": write.caller,
        "act": write.act,
        "subject": write.subject,
        "detail": write.detail,
    }
