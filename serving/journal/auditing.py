"""The audit: who did what of an administrator's, and who looked at whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from serving.database import Database
from serving.journal.tables import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One line of the audit.

    Attributes:
        at: When, microseconds UTC.
        caller: Who.
        act: What was done, as `look at a customer`.
        subject: Whose data.
        detail: What it was about.
    """

    at: int
    caller: str
    act: str
    subject: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Auditing:
    """The kind of write that keeps lines of the audit."""

    database: Database
    order: int = 2

    def together(self, connection: Connection, writes: Sequence[Audited]) -> list[None]:
        """Write the lines down."""
        connection.execute(self.database.add(AUDIT), [_row(write) for write in writes])
        return [None] * len(writes)

    def committed(self) -> None:
        """Nothing is remembered."""


def hashed(customer_id: str) -> str:
    """Name a customer by a hash, where they are erased and what was done has still to be told.

    Example:
        >>> hashed("c1")[:14], len(hashed("c1"))
        ('sha256:d0f631c', 71)
    """
    return f"sha256:{sha256(customer_id.encode()).hexdigest()}"


def _row(write: Audited) -> dict[str, Any]:
    return {
        "at": write.at,
        "caller": write.caller,
        "act": write.act,
        "subject": write.subject,
        "detail": write.detail,
    }
