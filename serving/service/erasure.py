"""Erasing a customer: removes all their data and returns a receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from uuid import uuid4

from sqlalchemy import delete, or_, select, update

from nbo_client.messages import Receipt
from records.archive.archive import DecisionArchive
from records.audit import AuditEntry, AuditWriter
from records.database import Database
from records.erasures import named, note_erasure, note_its_end
from records.event_rows import microseconds
from records.schema import ANSWERS, AUDIT, CHARGES, CUSTOMERS, DECISIONS, EVENTS, OUTBOX, PENDING, PLANNED, WITHDRAWALS
from serving.service.clock import Clock

EraseFiles = Callable[[str], Mapping[str, int]]
"""Removes a customer from everything stored outside the database; returns the number of rows removed by place."""


class ErasureService:
    """Erases customers.

    Args:
        database: Database of decisions and journal.
        clock: Clock for the receipt.
        erase_files: Removes the customer from everything else.
        archive: Archive of old decisions; None if there is none.
    """

    def __init__(
        self, database: Database, clock: Clock, erase_files: EraseFiles, archive: DecisionArchive | None = None
    ) -> None:
        self._archive = archive
        self._database = database
        self._clock = clock
        self._erase_files = erase_files

    def erase(self, customer_id: str, caller: str) -> Receipt:
        """Erase a customer; running it again, for example after a crash, erases what is left.

        Anything that occurred before the erasure began, or was decided or planned before it ends, stays out however it
        arrives (`records.erasures`); later events belong to a new customer. The database comes last: until its audit
        records the erasure, the erasure can be repeated. Stored answers to batches are deleted whichever customers they
        contain, because they are stored whole.

        Args:
            customer_id: Customer to erase.
            caller: Who requested the erasure.

        Returns:
            The receipt, which names the customer by a hash.

        Raises:
            StateError: Something could not be written.
        """
        receipt_id, name = uuid4().hex, named(self._database, customer_id)
        # noted before anything is deleted: whoever has read data before and writes it later will find the note
        with self._database.transaction(patient=True) as connection:
            note_erasure(connection, self._database, customer_id, microseconds(self._clock.now()))
        erased = Counter(self._erase_files(customer_id))
        with self._database.transaction(patient=True) as connection:
            now = self._clock.now()
            by = note_its_end(connection, self._database, customer_id).at
            charged = select(DECISIONS.c.decision_id).where(DECISIONS.c.customer_id == customer_id)
            # in the order in which other transactions lock them
            for table in (OUTBOX, EVENTS, PENDING, CUSTOMERS, PLANNED, CHARGES, WITHDRAWALS, DECISIONS):
                # the amount stays spent; only the link to the customer is deleted
                spending = table in (PLANNED, CHARGES)
                rows = table.c.decision_id.in_(charged) if spending else table.c.customer_id == customer_id
                if table is EVENTS:
                    rows &= table.c.occurred_at <= by
                erased[str(table.name)] += int(connection.execute(delete(table).where(rows)).rowcount)
            answers = or_(ANSWERS.c.customer_id == customer_id, ANSWERS.c.customer_id.is_(None))
            connection.execute(delete(ANSWERS).where(answers))
            looks = update(AUDIT).where(AUDIT.c.subject == customer_id)
            connection.execute(looks.values(subject=name))
            line = AuditEntry(
                at=microseconds(now), caller=caller, act="erase a customer", subject=name, detail=receipt_id
            )
            AuditWriter(self._database).together(connection, [line])
        if self._archive is not None:
            # again: rows moved to the archive meanwhile were no longer in the database
            erased["decisions_archive"] += self._archive.forget(customer_id, now)
        self._database.sweep()
        return Receipt(receipt_id, name, now, dict(erased))
