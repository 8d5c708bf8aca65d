"""Erasing a customer: everything that is theirs, with a receipt of what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, or_, select, update

from records.archive.archive import DecisionArchive
from records.audit import AuditEntry, AuditWriter
from records.database import Database
from records.decision_tables import DECISIONS
from records.erasures import named, note_erasure, note_its_end
from records.event_rows import microseconds
from records.journal_tables import ANSWERS, AUDIT, CHARGES, CUSTOMERS, EVENTS, PENDING, PLANNED, WITHDRAWALS
from records.outbox_tables import OUTBOX
from serving.service.clock import Clock

EraseFiles = Callable[[str], Mapping[str, int]]
"""Takes a customer out of what is kept outside the database: place -> how many rows there were."""


class ErasureService:
    """Erases customers.

    Args:
        database: Of decisions and journal.
        clock: Of the receipt.
        erase_files: Does the rest.
        archive: Of old decisions; None where there is none.
    """

    def __init__(
        self, database: Database, clock: Clock, erase_files: EraseFiles, archive: DecisionArchive | None = None
    ) -> None:
        self._archive = archive
        self._database = database
        self._clock = clock
        self._erase_files = erase_files

    def erase(self, customer_id: str, caller: str) -> dict[str, Any]:
        """Erase; doing it again, after a crash say, erases what is left.

        What occurred before this began, and was decided or planned before it ends, does not come back, by whatever door
        (`records.erasures`); what occurs later is a new customer's. The database is last: as long as its audit does not
        say that it was done, it can be done again. Answers to batches are forgotten whoever is in them, for they are
        kept whole.

        Args:
            customer_id: Whose.
            caller: Who asked for it.

        Returns:
            The receipt: it names the customer by a hash.

        Raises:
            StateError: Something could not be written.
        """
        receipt_id, name = uuid4().hex, named(self._database, customer_id)
        # noted before anything is looked through: what was read before and is written later finds the note
        with self._database.transaction(patient=True) as connection:
            note_erasure(connection, self._database, customer_id, microseconds(self._clock.now()))
        erased = Counter(self._erase_files(customer_id))
        with self._database.transaction(patient=True) as connection:
            now = self._clock.now()
            by = note_its_end(connection, self._database, customer_id).at
            charged = select(DECISIONS.c.decision_id).where(DECISIONS.c.customer_id == customer_id)
            # in the order in which others lock them
            for table in (OUTBOX, EVENTS, PENDING, CUSTOMERS, PLANNED, CHARGES, WITHDRAWALS, DECISIONS):
                # what was spent stays spent; only whose it was is forgotten
                spending = table in (PLANNED, CHARGES)
                mine = table.c.decision_id.in_(charged) if spending else table.c.customer_id == customer_id
                if table is EVENTS:
                    mine &= table.c.occurred_at <= by
                erased[str(table.name)] += int(connection.execute(delete(table).where(mine)).rowcount)
            theirs = or_(ANSWERS.c.customer_id == customer_id, ANSWERS.c.customer_id.is_(None))
            connection.execute(delete(ANSWERS).where(theirs))
            looks = update(AUDIT).where(AUDIT.c.subject == customer_id)
            connection.execute(looks.values(subject=name))
            line = AuditEntry(
                at=microseconds(now), caller=caller, act="erase a customer", subject=name, detail=receipt_id
            )
            AuditWriter(self._database).together(connection, [line])
        if self._archive is not None:
            # once more: what moved there meanwhile was not in the database any more
            erased["decisions_archive"] += self._archive.forget(customer_id, now)
        self._database.sweep()
        return {"receipt_id": receipt_id, "customer": name, "erased_at": now, "erased": dict(erased)}
